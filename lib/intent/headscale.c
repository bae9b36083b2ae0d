/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/headscale.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

struct headscale_intent *
headscale_intent_create(void)
{
	return calloc(1, sizeof(struct headscale_intent));
}

struct headscale_intent *
headscale_intent_copy(const struct headscale_intent *h)
{
	struct headscale_intent *c = headscale_intent_create();
	if (!c)
		return NULL;
	*c = *h;
	c->routes = (struct prefix_list){0};
	if (prefix_list_copy(&c->routes, &h->routes)) {
		headscale_intent_destroy(c);
		return NULL;
	}
	return c;
}

void
headscale_intent_swap(struct headscale_intent *a, struct headscale_intent *b)
{
	struct headscale_intent was = *a;
	*a = *b;
	*b = was;
}

void
headscale_intent_destroy(struct headscale_intent *h)
{
	if (!h)
		return;
	free(h->routes.items);
	secret_wipe(h, sizeof(*h));
	free(h);
}

bool
headscale_intent_is_same_node(const struct headscale_intent *a, const struct headscale_intent *b)
{
	return a && b && strcmp(a->server, b->server) == 0 &&
		key_is_equal(&a->server_key, &b->server_key) &&
		key_is_equal(&a->node_public, &b->node_public) &&
		strcmp(a->proxy, b->proxy) == 0 &&
		strcmp(a->ca_file, b->ca_file) == 0 && strcmp(a->state_file, b->state_file) == 0;
}

static bool
has_same_endpoints(const struct headscale_intent *a, const struct headscale_intent *b)
{
	bool is_same = a->n_endpoints == b->n_endpoints;
	for (unsigned i = 0; i < a->n_endpoints && is_same; i++)
		is_same = endpoint_is_equal(&a->endpoints[i], &b->endpoints[i]);
	return is_same;
}

bool
headscale_intent_is_equal(const struct headscale_intent *a, const struct headscale_intent *b)
{
	if (!a || !b)
		return a == b;
	return headscale_intent_is_same_node(a, b) &&
		strcmp(a->auth_key_file, b->auth_key_file) == 0 &&
		strcmp(a->hostname, b->hostname) == 0 && strcmp(a->tags, b->tags) == 0 &&
		prefix_list_is_equal(&a->routes, &b->routes) && has_same_endpoints(a, b) &&
		a->offers_exit == b->offers_exit && strcmp(a->exit_node, b->exit_node) == 0 &&
		a->accepts_routes == b->accepts_routes && a->is_ephemeral == b->is_ephemeral;
}
