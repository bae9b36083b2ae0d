/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses that a peer may be at: who gets a place among them, and who gives way. */
#include "base/bytes.h"
#include "reach/path_inner.h"

void
path_prune(struct peer_paths *p, struct path_candidate *c)
{
	if (!c->sources && c != path_best_of(p))
		*c = (struct path_candidate){0};
}

bool
path_is_usable(const struct endpoint *e)
{
	static const struct addr broadcast = {{255, 255, 255, 255}, ADDR_V4};
	const struct addr *a = &e->addr;
	return endpoint_is_known(e) && e->port && !addr_is_zero(a) && !addr_is_multicast(a) &&
		!addr_is_equal(a, &broadcast) &&
		!(a->family == ADDR_V6 && addr_is_link_local(a) && !e->scope_id);
}

struct path_candidate *
path_find(struct peer_paths *p, const struct endpoint *remote)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		if (path_candidate_is_used(c) && endpoint_is_equal(&c->link.remote, remote))
			return c;
	}
	return NULL;
}

/* How many places those take that the map does not name. */
static unsigned
count_learned(const struct peer_paths *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		const struct path_candidate *c = &p->candidates[i];
		n += path_candidate_is_used(c) && !(c->sources & PATH_FROM_MAP);
	}
	return n;
}

static struct path_candidate *
take_place(struct peer_paths *p, const struct endpoint *remote)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		if (path_candidate_is_used(c))
			continue;
		*c = (struct path_candidate){.link.remote = *remote};
		return c;
	}
	return NULL;
}

static ns_t
last_heard_ns(const struct path_candidate *c)
{
	return MAX_OF(c->got_ns, c->ponged_ns);
}

/* The one of those that were learned that has been silent for longest; never the best. */
static struct path_candidate *
oldest_learned(struct peer_paths *p)
{
	struct path_candidate *oldest = NULL;
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		bool is_learned = path_candidate_is_used(c) && !(c->sources & PATH_FROM_MAP);
		if (!is_learned || c == path_best_of(p))
			continue;
		if (!oldest || last_heard_ns(c) < last_heard_ns(oldest))
			oldest = c;
	}
	return oldest;
}

struct path_candidate *
path_take_learned(struct peer_paths *p, const struct path_now *now, const struct endpoint *remote)
{
	if (count_learned(p) >= PATHS_MAX_LEARNED) {
		struct path_candidate *oldest = oldest_learned(p);
		if (!oldest || !path_has_passed(MAX_OF(last_heard_ns(oldest), oldest->pinged_ns),
				now->times->ping_gap_ns, now->ns))
			return NULL;
		*oldest = (struct path_candidate){0};
	}
	return take_place(p, remote);
}

/* A place for one of the map, before which all that were learned give way. */
static struct path_candidate *
take_map_place(struct peer_paths *p, const struct endpoint *remote)
{
	struct path_candidate *c = take_place(p, remote);
	struct path_candidate *oldest = c ? NULL : oldest_learned(p);
	if (oldest) {
		*oldest = (struct path_candidate){0};
		c = take_place(p, remote);
	}
	return c;
}

/* Those of the map that are known already stay what they are; returns how many. */
static unsigned
keep_of_map(struct peer_paths *p, const struct endpoint *endpoints, size_t n)
{
	unsigned n_kept = 0;
	for (size_t i = 0; i < n && n_kept < PATHS_MAX_OF_MAP; i++) {
		struct path_candidate *c = path_find(p, &endpoints[i]);
		if (!c || c->sources & PATH_FROM_MAP)
			continue;
		c->sources |= PATH_FROM_MAP;
		n_kept++;
	}
	return n_kept;
}

void
peer_paths_set_map(struct peer_paths *p, const struct endpoint *endpoints, size_t n)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++)
		p->candidates[i].sources &= (uint8_t)~PATH_FROM_MAP;
	unsigned n_taken = keep_of_map(p, endpoints, n);
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++)
		path_prune(p, &p->candidates[i]);
	for (size_t i = 0; i < n && n_taken < PATHS_MAX_OF_MAP; i++) {
		if (!path_is_usable(&endpoints[i]) || path_find(p, &endpoints[i]))
			continue;
		struct path_candidate *c = take_map_place(p, &endpoints[i]);
		if (!c)
			return;
		c->sources = PATH_FROM_MAP;
		n_taken++;
	}
}

bool
peer_paths_knows(const struct peer_paths *p, const struct endpoint *remote)
{
	return path_find((struct peer_paths *)p, remote) != NULL;
}
