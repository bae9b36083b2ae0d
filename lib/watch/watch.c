/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/secret.h"

static size_t
n_bytes_of(unsigned n_lanes)
{
	size_t n = sizeof(struct watch) + n_lanes * sizeof(struct watch_lane);
	return (n + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
}

struct watch *
watch_create(const struct watch_plan *plan, unsigned n_workers, struct err *err)
{
	bool is_whole = true;
	uint32_t ring_bytes = plan->kind == WATCH_TRACE ? WATCH_TRACE_RING_BYTES
							: WATCH_CAPTURE_RING_BYTES;
	struct watch *w = aligned_alloc(CACHE_LINE_BYTES, n_bytes_of(n_workers));
	if (w) {
		memset(w, 0, n_bytes_of(n_workers));
		w->plan = *plan;
		w->n_lanes = n_workers;
		is_whole = (w->set_without = calloc(1, sizeof(struct watch_set))) != NULL;
	}
	for (unsigned i = 0; w && i < n_workers; i++)
		is_whole &= (w->lanes[i].ring = watch_ring_create(ring_bytes)) != NULL;
	if (w && is_whole)
		return w;
	watch_destroy(w);
	err_set(err, -ENOMEM, "no memory to look at packets");
	return NULL;
}

void
watch_destroy(struct watch *w)
{
	for (unsigned i = 0; w && i < w->n_lanes; i++)
		watch_ring_destroy(w->lanes[i].ring);
	if (w)
		free(w->set_without);
	free(w);
}

void
watch_free(struct rcu_node *node)
{
	watch_destroy(CONTAINER_OF(node, struct watch, rcu));
}

void
watch_set_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct watch_set, rcu));
}

struct watch_set *
watch_set_with(const struct watch_set *was, struct watch *w)
{
	bool is_full = was && was->n == WATCH_MAX;
	struct watch_set *set = is_full ? NULL : calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	for (unsigned i = 0; was && i < was->n; i++)
		set->watches[set->n++] = was->watches[i];
	set->watches[set->n++] = w;
	return set;
}

struct watch_set *
watch_set_without(const struct watch_set *was, struct watch *w)
{
	struct watch_set *set = w->set_without;
	w->set_without = NULL;
	for (unsigned i = 0; i < was->n; i++) {
		if (was->watches[i] != w)
			set->watches[set->n++] = was->watches[i];
	}
	return set;
}

uint32_t
watch_wants(const struct watch_plan *plan, const struct watch_filter *f,
	const struct filter_packet *packet)
{
	uint32_t n = filter_run(f, packet);
	return MIN_OF(MIN_OF(n, plan->snap_bytes), packet->n_bytes);
}

struct watch_record *
watch_add(struct watch_lane *lane, uint32_t n_bytes)
{
	struct watch_record *r = watch_ring_add(lane->ring, (uint32_t)sizeof(*r) + n_bytes);
	if (!r)
		__atomic_store_n(&lane->n_lost,
			__atomic_load_n(&lane->n_lost, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
	return r;
}
