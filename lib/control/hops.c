/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding, counting, publishing and resting next hops. */
#include "control/hops.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

enum {
	REST_TICKS = 5,
	ETHERNET_BYTES = 14,
};

/* ---- Lists ---- */

static void
list_append(struct hop_list *l, struct hop *h)
{
	h->prev = l->last;
	h->next = NULL;
	if (l->last)
		l->last->next = h;
	else
		l->first = h;
	l->last = h;
}

static void
list_cut(struct hop_list *l, struct hop *h)
{
	if (h->prev)
		h->prev->next = h->next;
	else
		l->first = h->next;
	if (h->next)
		h->next->prev = h->prev;
	else
		l->last = h->prev;
}

/* ---- What is published ---- */

static void
fill_link(const struct hop *h, struct nexthop *out)
{
	if (!h->neigh || !neigh_is_resolved(h->neigh)) {
		out->type = NEXTHOP_GLEAN;
		out->via = h->spec.via;
		return;
	}
	/* The source address stands there already; the path writes the ethertype. */
	memcpy(out->ethernet, h->neigh->mac.bytes, 6);
	out->ethernet_bytes = ETHERNET_BYTES;
}

static void
fill(const struct hops *hops, const struct hop *h, struct nexthop *out)
{
	memset(out, 0, sizeof(*out));
	out->type = (uint8_t)h->spec.type;
	if (out->type == NEXTHOP_GROUP) {
		out->n_members = (uint8_t)h->spec.n_members;
		for (unsigned i = 0; i < h->spec.n_members; i++)
			out->members[i] = h->spec.members[i]->id;
		return;
	}
	hops->fill(hops->ctx, &h->spec, out);
	if (out->type == NEXTHOP_LINK)
		fill_link(h, out);
}

static void
publish(struct hops *hops, struct hop *h)
{
	struct nexthop now;
	fill(hops, h, &now);
	if (memcmp(&now, tables_nexthop(hops->tables, h->id), offsetof(struct nexthop, rcu)) == 0)
		return;
	if (tables_nexthop_set(hops->tables, h->id, &now))
		log_write_limited(&hops->limit, LOG_LEVEL_ERROR,
			"no memory to change a next hop; it stays as it was");
}

void
hops_neigh_changed(struct hops *hops, const struct neigh *n)
{
	for (struct hop *h = n->hops; h; h = h->neigh_next)
		publish(hops, h);
}

void
hops_devices_changed(struct hops *hops)
{
	for (struct hop *h = hops->used.first; h; h = h->next)
		publish(hops, h);
}

/* ---- Life ---- */

void
hops_init(struct hops *hops)
{
	hash_init(&hops->by_spec);
	hops->limit = (struct log_limit)LOG_LIMIT_INIT;
}

static void
leave_neigh(struct hops *hops, struct hop *h)
{
	if (!h->neigh)
		return;
	struct hop **at = &h->neigh->hops;
	while (*at != h)
		at = &(*at)->neigh_next;
	*at = h->neigh_next;
	neigh_tidy(hops->neighs, h->neigh);
}

/* A resting hop of id 0 was never published. */
static void
hop_destroy(struct hops *hops, struct hop *h)
{
	hash_remove(&hops->by_spec, &h->by_spec);
	list_cut(&hops->resting, h);
	if (h->id)
		tables_nexthop_del(hops->tables, h->id);
	hops->by_id[h->id] = NULL;
	leave_neigh(hops, h);
	for (unsigned i = 0; i < h->spec.n_members; i++)
		hops_put(hops, h->spec.members[i]);
	free(h);
}

void
hops_fini(struct hops *hops)
{
	while (hops->resting.first)
		hop_destroy(hops, hops->resting.first);
	hash_fini(&hops->by_spec);
}

/* Puts it among the resting ones, with references to what it leads to. */
static struct hop *
hop_create(struct hops *hops, const struct hop_spec *spec, uint64_t hash)
{
	struct hop *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->spec = *spec;
	if (hash_add(&hops->by_spec, &h->by_spec, hash)) {
		free(h);
		return NULL;
	}
	list_append(&hops->resting, h);
	for (unsigned i = 0; i < spec->n_members; i++)
		spec->members[i]->n_refs++; /* never the first one: the caller holds one */
	if (spec->type == NEXTHOP_LINK)
		h->neigh = neigh_get(hops->neighs, spec->ifindex, &spec->via);
	if (h->neigh) {
		h->neigh_next = h->neigh->hops;
		h->neigh->hops = h;
	}
	struct nexthop now;
	fill(hops, h, &now);
	if ((spec->type == NEXTHOP_LINK && !h->neigh) ||
		tables_nexthop_add(hops->tables, &now, &h->id)) {
		hop_destroy(hops, h);
		return NULL;
	}
	hops->by_id[h->id] = h;
	return h;
}

static struct hop *
find(const struct hops *hops, const struct hop_spec *spec, uint64_t hash)
{
	for (struct hash_link *l = hash_first(&hops->by_spec, hash); l; l = hash_next(l)) {
		struct hop *h = CONTAINER_OF(l, struct hop, by_spec);
		if (memcmp(&h->spec, spec, sizeof(*spec)) == 0)
			return h;
	}
	return NULL;
}

static void
wake(struct hops *hops, struct hop *h)
{
	list_cut(&hops->resting, h);
	list_append(&hops->used, h);
	publish(hops, h); /* devices may have changed while it rested */
	if (!h->neigh)
		return;
	neigh_use(hops->neighs, h->neigh);
	if (!neigh_is_resolved(h->neigh))
		neigh_ask(hops->neighs, h->neigh);
}

struct hop *
hops_get(struct hops *hops, const struct hop_spec *spec)
{
	uint64_t hash = hash_of(&hops->by_spec, spec, sizeof(*spec));
	struct hop *h = find(hops, spec, hash);
	if (!h)
		h = hop_create(hops, spec, hash);
	if (!h) {
		log_write_limited(&hops->limit, LOG_LEVEL_ERROR,
			"no room for one more next hop (%u at most): its routes are left out",
			TABLES_MAX_NEXTHOPS);
		return NULL;
	}
	if (!h->n_refs++)
		wake(hops, h);
	return h;
}

void
hops_put(struct hops *hops, struct hop *h)
{
	if (!h || --h->n_refs)
		return;
	list_cut(&hops->used, h);
	list_append(&hops->resting, h);
	h->rests_since = hops->tick;
	if (h->neigh) {
		neigh_unuse(hops->neighs, h->neigh);
		neigh_forget_failed(hops->neighs, h->neigh);
	}
}

void
hops_tick(struct hops *hops)
{
	hops->tick++;
	while (hops->resting.first && hops->tick - hops->resting.first->rests_since >= REST_TICKS)
		hop_destroy(hops, hops->resting.first);
}
