/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "intent/array.h"

struct status *
status_create(void)
{
	return calloc(1, sizeof(struct status));
}

void
status_interface_fini(struct status_interface *i)
{
	for (size_t p = 0; p < i->n_peers; p++)
		free(i->peers[p].allowed_ips);
	array_free(i->peers, i->n_peers, sizeof(*i->peers));
	free(i->addresses.items);
	secret_wipe(i, sizeof(*i));
}

void
status_destroy(struct status *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_ports; i++)
		free(s->ports[i].addresses.items);
	for (size_t i = 0; i < s->n_interfaces; i++)
		status_interface_fini(&s->interfaces[i]);
	for (size_t i = 0; i < s->filter.n_rules; i++)
		free(s->filter.rules[i].text);
	free(s->filter.rules);
	free(s->filter.local);
	free(s->nat.networks);
	free(s->tailnet.nodes);
	free(s->workers);
	free(s->ports);
	free(s->drops);
	free(s->drops_by_port);
	free(s->drops_by_peer);
	free(s->interfaces);
	free(s);
}

/* Grows an array by one item, the new one or NULL. items: where the pointer to it stands. */
static void *
add_item(void *items, size_t *n, size_t item_bytes)
{
	void *was;
	memcpy(&was, items, sizeof(was));
	char *grown = array_grow(was, *n, item_bytes);
	if (!grown)
		return NULL;
	memcpy(items, &grown, sizeof(grown));
	return grown + (*n)++ * item_bytes;
}

struct status_worker *
status_add_worker(struct status *s)
{
	return add_item(&s->workers, &s->n_workers, sizeof(*s->workers));
}

struct status_port *
status_add_port(struct status *s)
{
	return add_item(&s->ports, &s->n_ports, sizeof(*s->ports));
}

struct status_drop *
status_add_drop(struct status *s)
{
	return add_item(&s->drops, &s->n_drops, sizeof(*s->drops));
}

struct status_drop_part *
status_add_drop_by_port(struct status *s)
{
	return add_item(&s->drops_by_port, &s->n_drops_by_port, sizeof(*s->drops_by_port));
}

struct status_drop_part *
status_add_drop_by_peer(struct status *s)
{
	return add_item(&s->drops_by_peer, &s->n_drops_by_peer, sizeof(*s->drops_by_peer));
}

struct status_interface *
status_add_interface(struct status *s)
{
	return add_item(&s->interfaces, &s->n_interfaces, sizeof(*s->interfaces));
}

struct status_nat_network *
status_add_nat_network(struct status *s)
{
	return add_item(&s->nat.networks, &s->nat.n_networks, sizeof(*s->nat.networks));
}

struct status_filter_rule *
status_add_filter_rule(struct status *s)
{
	return add_item(&s->filter.rules, &s->filter.n_rules, sizeof(*s->filter.rules));
}

struct status_filter_local *
status_add_filter_local(struct status *s)
{
	return add_item(&s->filter.local, &s->filter.n_local, sizeof(*s->filter.local));
}

struct status_peer *
status_add_peer(struct status_interface *i)
{
	return add_item(&i->peers, &i->n_peers, sizeof(*i->peers));
}

int
status_add_allowed(struct status_peer *p, const struct prefix *prefix)
{
	struct prefix *at = add_item(&p->allowed_ips, &p->n_allowed_ips, sizeof(*at));
	if (!at)
		return -ENOMEM;
	*at = *prefix;
	return 0;
}
