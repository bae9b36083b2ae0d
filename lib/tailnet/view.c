/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/view.h"

#include <stdlib.h>

#include "base/bytes.h"

struct tailnet_view *
view_create_empty(void)
{
	struct tailnet_view *v = calloc(1, sizeof(*v));
	if (v)
		v->next_expiry_s = INT64_MAX;
	return v;
}

/* Its key has expired; or it may open nothing towards us, for which our rules have no word. */
static bool
is_left_out(const struct tailnet_node *n, int64_t now_s)
{
	return n->is_jailed || n->is_expired || (n->key_expiry_s && n->key_expiry_s <= now_s);
}

static void
add_peers(struct tailnet_view *v, const struct netmap *m, int64_t now_s)
{
	for (size_t i = 0; i < m->n_peers; i++) {
		struct tailnet_node *n = m->peers[i];
		if (is_left_out(n, now_s))
			continue;
		v->peers[v->n_peers++] = node_get(n);
		if (n->key_expiry_s)
			v->next_expiry_s = MIN_OF(v->next_expiry_s, n->key_expiry_s);
	}
}

struct tailnet_view *
view_create(const struct netmap *m, int64_t now_s)
{
	struct tailnet_view *v = view_create_empty();
	if (!v)
		return NULL;
	v->peers = calloc(m->n_peers + 1, sizeof(struct tailnet_node *));
	if (m->has_filter)
		v->filters = json_dumps(m->filters, JSON_COMPACT | JSON_SORT_KEYS);
	if (!v->peers || (m->has_filter && !v->filters)) {
		view_destroy(v);
		return NULL;
	}
	v->derp = derp_map_get(m->derp);
	v->self = m->self ? node_get(m->self) : NULL;
	add_peers(v, m, now_s);
	return v;
}

void
view_destroy(struct tailnet_view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_peers; i++)
		node_put(v->peers[i]);
	node_put(v->self);
	derp_map_put(v->derp);
	free(v->peers);
	free(v->filters);
	free(v);
}
