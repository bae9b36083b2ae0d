/* SPDX-License-Identifier: BSD-3-Clause */
/* What is due in a peer's paths by time: heartbeats, discovery, forgetting. */
#include "base/bytes.h"
#include "reach/path_inner.h"

/* The earlier of two times of which 0 means never. */
static ns_t
sooner(ns_t a, ns_t b)
{
	return a && b ? MIN_OF(a, b) : MAX_OF(a, b);
}

/* A best path that nobody names any more is none once it is not trusted. */
static void
doubt(struct peer_paths *p, const struct path_now *now, struct path_actions *out)
{
	const struct path_candidate *best = path_best_of(p);
	if (!best || now->ns < p->trusted_until_ns)
		return;
	if (!best->sources)
		path_lose(p, out);
	else if (p->trusted_until_ns)
		(void)path_act(out, PATH_DOUBTED, &best->link);
	p->trusted_until_ns = 0;
}

/* The best path stays although nothing comes from there: there may be no other. */
static void
forget(struct peer_paths *p, const struct path_now *now)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		ns_t heard_ns = MAX_OF(c->got_ns, c->ponged_ns);
		if (!path_candidate_is_used(c) || c == path_best_of(p))
			continue;
		if (path_has_passed(heard_ns, now->times->learned_ns, now->ns))
			c->sources &= (uint8_t)~PATH_FROM_PING;
		path_prune(p, c);
	}
}

/* Whether all candidates are to be looked at. */
static bool
wants_full_ping(const struct peer_paths *p, const struct path_now *now)
{
	if (!p->best || now->ns >= p->trusted_until_ns)
		return true;
	if (p->candidates[p->best - 1].latency_ns <= now->times->good_latency_ns)
		return false;
	return path_has_passed(p->full_ping_ns, now->times->full_ping_ns, now->ns);
}

static void
full_ping(struct peer_paths *p, const struct path_now *now, struct path_actions *out)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		if (path_candidate_is_used(c) &&
			path_has_passed(c->pinged_ns, now->times->ping_gap_ns, now->ns))
			path_ping(c, now->ns, out);
	}
	p->full_ping_ns = now->ns;
}

static void
heartbeat(struct peer_paths *p, const struct path_now *now, struct path_actions *out)
{
	struct path_candidate *best = path_best_of(p);
	if (best && path_has_passed(best->pinged_ns, now->times->heartbeat_ns, now->ns))
		path_ping(best, now->ns, out);
}

/* When something is due while data goes on being sent. */
static ns_t
next_of_active(const struct peer_paths *p, const struct path_now *now)
{
	const struct path_times *t = now->times;
	ns_t next = 0;

	if (p->best) {
		const struct path_candidate *best = &p->candidates[p->best - 1];
		next = best->pinged_ns + t->heartbeat_ns;
		if (now->ns < p->trusted_until_ns) {
			next = sooner(next, p->trusted_until_ns);
			if (best->latency_ns > t->good_latency_ns)
				next = sooner(next, p->full_ping_ns + t->full_ping_ns);
			return next;
		}
	}
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++)
		if (path_candidate_is_used(&p->candidates[i]))
			next = sooner(next, p->candidates[i].pinged_ns + t->ping_gap_ns);
	return next;
}

ns_t
peer_paths_tick(struct peer_paths *p, const struct path_now *now, ns_t sent_ns,
	struct path_actions *out)
{
	doubt(p, now, out);
	forget(p, now);
	if (path_has_passed(sent_ns, now->times->active_ns, now->ns))
		return p->trusted_until_ns;
	if (wants_full_ping(p, now))
		full_ping(p, now, out);
	heartbeat(p, now, out);
	return next_of_active(p, now);
}

void
peer_paths_ping_all(struct peer_paths *p, const struct path_now *now, struct path_actions *out)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++)
		if (path_candidate_is_used(&p->candidates[i]))
			path_ping(&p->candidates[i], now->ns, out);
	p->full_ping_ns = now->ns;
}
