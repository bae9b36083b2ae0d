/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The difference between two intents, in the order that intent/change.h promises. Peers and
 * prefixes are matched by their hash tables, so the cost is linear.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "filter/rule.h"
#include "intent/change.h"

/* Where the changes go, and what they are on at the moment. The first failure sticks. */
struct diff {
	struct change_list *out;
	const char *on;
	const struct key *peer;
	int rc;
};

static void
emit(struct diff *d, struct change *c)
{
	if (d->rc < 0)
		return;
	snprintf(c->on, sizeof(c->on), "%s", d->on);
	if (d->peer)
		c->peer = *d->peer;
	d->rc = change_list_add(d->out, c);
}

static void
emit_bare(struct diff *d, enum change_kind kind)
{
	emit(d, &(struct change){.kind = kind});
}

static void
diff_number(struct diff *d, enum change_kind kind, int64_t a, int64_t b)
{
	if (a != b)
		emit(d, &(struct change){.kind = kind, .number = b});
}

static void
diff_text(struct diff *d, enum change_kind kind, const char *a, const char *b)
{
	if (strcmp(a ? a : "", b ? b : "") != 0)
		emit(d, &(struct change){.kind = kind, .text = (char *)b});
}

static void
diff_addr(struct diff *d, enum change_kind kind, const struct addr *a, const struct addr *b)
{
	if (!addr_is_equal(a, b))
		emit(d, &(struct change){.kind = kind, .addr = *b});
}

static void
diff_key(struct diff *d, enum change_kind kind, const struct key *a, const struct key *b)
{
	if (key_is_equal(a, b))
		return;
	struct change c = {.kind = kind, .key = *b};
	emit(d, &c);
	secret_wipe(&c, sizeof(c));
}

/* kind for what is in `to` only; removals are the same call with the lists exchanged. */
static void
diff_prefixes(struct diff *d, enum change_kind kind, const struct prefix_list *from,
	const struct prefix_list *to)
{
	for (size_t i = 0; i < to->n; i++) {
		if (!prefix_list_has(from, &to->items[i]))
			emit(d, &(struct change){.kind = kind, .prefix = to->items[i]});
	}
}

/* Both ports in one number: they change together. */
static int64_t
gateway_snat_ports(const struct gateway_intent *g)
{
	return (int64_t)g->snat_first_port << 16 | g->snat_last_port;
}

static void
diff_gateway(struct diff *d, const struct gateway_intent *a, const struct gateway_intent *b)
{
	diff_text(d, CHANGE_GATEWAY_WORKERS, a->workers, b->workers);
	diff_number(d, CHANGE_GATEWAY_CONTROL, a->control_core, b->control_core);
	diff_number(d, CHANGE_GATEWAY_HUGEPAGES, a->hugepages_mib, b->hugepages_mib);
	diff_number(d, CHANGE_GATEWAY_IDLE, a->idle, b->idle);
	diff_number(d, CHANGE_GATEWAY_HOST, a->host, b->host);
	diff_number(d, CHANGE_GATEWAY_NETFILTER, a->netfilter, b->netfilter);
	diff_number(d, CHANGE_GATEWAY_LOG_LEVEL, a->log_level, b->log_level);
	diff_text(d, CHANGE_GATEWAY_CRYPTO, a->crypto, b->crypto);
	diff_number(d, CHANGE_GATEWAY_SNAT_PORTS, gateway_snat_ports(a), gateway_snat_ports(b));
	diff_number(d, CHANGE_GATEWAY_SNAT_FLOWS, a->snat_flows, b->snat_flows);
}

/* As a whole: rules are compiled together. */
static void
diff_filter(struct diff *d, const struct filter_plan *a, const struct filter_plan *b)
{
	bool is_same = a && b ? filter_plan_is_equal(a, b) : a == b;
	if (!is_same)
		emit(d, &(struct change){.kind = CHANGE_FILTER_SET, .filter = (void *)b});
}

static void
diff_neighbours(struct diff *d, const struct port_intent *a, const struct port_intent *b)
{
	for (size_t i = 0; i < a->n_neighbours; i++) {
		const struct neighbour_intent *was = &a->neighbours[i];
		if (!neighbour_find(b, &was->ip))
			emit(d, &(struct change){
					.kind = CHANGE_NEIGHBOUR_REMOVE, .neighbour = *was});
	}
	for (size_t i = 0; i < b->n_neighbours; i++) {
		const struct neighbour_intent *now = &b->neighbours[i];
		const struct neighbour_intent *was = neighbour_find(a, &now->ip);
		if (!was || memcmp(&was->mac, &now->mac, sizeof(was->mac)) != 0)
			emit(d, &(struct change){.kind = CHANGE_NEIGHBOUR_ADD, .neighbour = *now});
	}
}

static void
diff_port(struct diff *d, const struct port_intent *a, const struct port_intent *b)
{
	diff_text(d, CHANGE_PORT_DEVICE, a->device, b->device);
	diff_number(d, CHANGE_PORT_QUEUES, a->n_queues, b->n_queues);
	diff_number(d, CHANGE_PORT_MTU, a->mtu, b->mtu);
	diff_number(d, CHANGE_PORT_CHECKSUM, a->checksum, b->checksum);
	diff_number(d, CHANGE_PORT_ADOPT, a->never_adopts, b->never_adopts);
	diff_prefixes(d, CHANGE_PORT_ADDRESS_REMOVE, &b->addresses, &a->addresses);
	diff_prefixes(d, CHANGE_PORT_ADDRESS_ADD, &a->addresses, &b->addresses);
	diff_addr(d, CHANGE_PORT_GATEWAY_V4, &a->gateway_v4, &b->gateway_v4);
	diff_addr(d, CHANGE_PORT_GATEWAY_V6, &a->gateway_v6, &b->gateway_v6);
	diff_neighbours(d, a, b);
}

static void
diff_ports(struct diff *d, const struct intent *from, const struct intent *to)
{
	static const struct port_intent nothing;
	for (size_t i = 0; i < from->n_ports; i++) {
		d->on = from->ports[i]->name;
		if (!intent_port_find(to, d->on))
			emit_bare(d, CHANGE_PORT_REMOVE);
	}
	for (size_t i = 0; i < to->n_ports; i++) {
		d->on = to->ports[i]->name;
		const struct port_intent *was = intent_port_find(from, d->on);
		if (!was)
			emit_bare(d, CHANGE_PORT_ADD);
		diff_port(d, was ? was : &nothing, to->ports[i]);
	}
}

static void
diff_interface(struct diff *d, const struct interface_intent *a, const struct interface_intent *b)
{
	if (!hook_list_is_equal(&a->hooks, &b->hooks))
		emit(d, &(struct change){.kind = CHANGE_INTERFACE_SET_HOOKS, .hooks = b->hooks});
	diff_text(d, CHANGE_INTERFACE_SET_DNS, a->dns, b->dns);
	diff_text(d, CHANGE_INTERFACE_SET_SAVE, a->save_path, b->save_path);
	diff_key(d, CHANGE_INTERFACE_SET_KEY, &a->private_key, &b->private_key);
	char was[INTENT_LISTEN_BYTES], now[INTENT_LISTEN_BYTES];
	diff_text(d, CHANGE_INTERFACE_SET_LISTEN_ADDRS, interface_listen_format(a, was),
		interface_listen_format(b, now));
	diff_number(d, CHANGE_INTERFACE_SET_LISTEN_PORT, a->listen_port, b->listen_port);
	diff_number(d, CHANGE_INTERFACE_SET_FWMARK, a->fwmark, b->fwmark);
	diff_number(d, CHANGE_INTERFACE_SET_MTU, a->mtu, b->mtu);
	diff_number(d, CHANGE_INTERFACE_SET_KEEP_MSS, a->keeps_mss, b->keeps_mss);
	if (a->table != b->table || a->table_id != b->table_id)
		emit(d, &(struct change){.kind = CHANGE_INTERFACE_SET_TABLE,
				.table = {b->table, b->table_id}});
	if (!headscale_intent_is_equal(a->headscale, b->headscale))
		emit(d, &(struct change){.kind = CHANGE_INTERFACE_SET_HEADSCALE,
				.headscale = b->headscale});
	diff_prefixes(d, CHANGE_INTERFACE_ADDRESS_REMOVE, &b->addresses, &a->addresses);
	diff_prefixes(d, CHANGE_INTERFACE_ADDRESS_ADD, &a->addresses, &b->addresses);
	diff_prefixes(d, CHANGE_INTERFACE_SNAT_REMOVE, &b->snat, &a->snat);
	diff_prefixes(d, CHANGE_INTERFACE_SNAT_ADD, &a->snat, &b->snat);
}

/* A prefix that another peer had is only added: the add moves it. */
static void
diff_allowed_add(struct diff *d, const struct peer_set *was, const struct peer_intent *b)
{
	for (const struct allowed_intent *now = b->first_allowed; now; now = now->next) {
		const struct allowed_intent *old = allowed_find(was, &now->prefix);
		if (!old || !key_is_equal(&old->owner->public_key, &b->public_key))
			emit(d, &(struct change){
					.kind = CHANGE_ALLOWED_ADD, .prefix = now->prefix});
	}
}

/* …and only what nobody has now is removed. */
static void
diff_allowed_remove(struct diff *d, const struct peer_intent *a, const struct peer_set *now)
{
	for (const struct allowed_intent *old = a->first_allowed; old; old = old->next) {
		if (!allowed_find(now, &old->prefix))
			emit(d, &(struct change){
					.kind = CHANGE_ALLOWED_REMOVE, .prefix = old->prefix});
	}
}

static void
diff_peer(struct diff *d, const struct peer_intent *a, const struct peer_intent *b)
{
	diff_text(d, CHANGE_PEER_SET_NAME, a->name, b->name);
	diff_key(d, CHANGE_PEER_SET_PSK, &a->psk, &b->psk);
	if (!endpoint_intent_is_equal(&a->endpoint, &b->endpoint))
		emit(d, &(struct change){
				.kind = CHANGE_PEER_SET_ENDPOINT, .endpoint = b->endpoint});
	diff_number(d, CHANGE_PEER_SET_KEEPALIVE, a->keepalive_s, b->keepalive_s);
}

static void
diff_peers(struct diff *d, const struct peer_set *from, const struct peer_set *to)
{
	static const struct peer_intent nothing;
	for (const struct peer_intent *p = to->first; p && d->rc == 0; p = p->next) {
		const struct peer_intent *was = peer_set_find(from, &p->public_key);
		d->peer = &p->public_key;
		if (!was)
			emit_bare(d, CHANGE_PEER_ADD);
		diff_peer(d, was ? was : &nothing, p);
		diff_allowed_add(d, from, p);
	}
	for (const struct peer_intent *p = from->first; p && d->rc == 0; p = p->next) {
		d->peer = &p->public_key;
		if (peer_set_find(to, &p->public_key))
			diff_allowed_remove(d, p, to);
	}
	for (const struct peer_intent *p = from->first; p && d->rc == 0; p = p->next) {
		d->peer = &p->public_key;
		if (!peer_set_find(to, &p->public_key))
			emit_bare(d, CHANGE_PEER_REMOVE);
	}
	d->peer = NULL;
}

static void
diff_interfaces(struct diff *d, const struct intent *from, const struct intent *to)
{
	static const struct interface_intent nothing;
	for (size_t i = 0; i < from->n_interfaces; i++) {
		d->on = from->interfaces[i]->name;
		if (!intent_interface_find(to, d->on))
			emit_bare(d, CHANGE_INTERFACE_REMOVE);
	}
	for (size_t i = 0; i < to->n_interfaces; i++) {
		d->on = to->interfaces[i]->name;
		const struct interface_intent *was = intent_interface_find(from, d->on);
		if (!was)
			emit_bare(d, CHANGE_INTERFACE_ADD);
		diff_interface(d, was ? was : &nothing, to->interfaces[i]);
		diff_peers(d, was ? &was->peers : &nothing.peers, &to->interfaces[i]->peers);
	}
}

int
intent_diff(const struct intent *from, const struct intent *to, struct change_list *out)
{
	struct diff d = {.out = out, .on = ""};
	diff_gateway(&d, &from->gateway, &to->gateway);
	diff_filter(&d, from->filter, to->filter);
	diff_ports(&d, from, to);
	diff_interfaces(&d, from, to);
	return d.rc;
}
