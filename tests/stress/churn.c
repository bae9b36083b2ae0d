/* SPDX-License-Identifier: BSD-3-Clause */
#include "churn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "filter/filter.h"
#include "nat/nat.h"
#include "watch/watch.h"
#include "wire/wg.h"

enum { FLOOD_PREFIXES = 1200, FLOOD_EVERY = 256, HANDSHAKES_PAUSE_NS = 2000000 };

struct churn {
	struct gates *g;
	pthread_t handshaker;
	uint64_t rng;
	uint64_t n_changes;
	bool is_glean[N_GATES];
	bool is_calm;
	struct watch *watches[N_GATES][2]; /* a trace and a capture, or NULL */
	uint64_t n_records;
	/* The handshake thread's, and atomics. */
	uint64_t handshake_rng;
	uint64_t n_sessions;
	bool stop_handshakes;
	bool wants[N_TUNNELS];
};

static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t
peer_of(const struct gate *gate, unsigned tunnel)
{
	return __atomic_load_n(&gate->peer_ids[tunnel], __ATOMIC_RELAXED);
}

/* ---- The handshake thread ---- */

static void
order_all(struct gate *gate, enum order_kind kind, uint32_t peer_id)
{
	struct order_mail order = {.kind = kind, .peer_id = peer_id};
	for (unsigned i = 0; i < GATE_WORKERS; i++)
		(void)mailbox_put(gate->boxes.orders[i], &order);
}

/* A receiver index for the tunnel's peer; 0: too many sessions wait for their end. */
static uint32_t
reserve(struct gate *gate, unsigned tunnel)
{
	uint32_t index = 0;
	if (tables_index_reserve(gate->config.tables, peer_of(gate, tunnel), &index))
		return 0;
	uint32_t slot = index & ((1u << TABLES_SLOT_BITS) - 1);
	__atomic_fetch_add(&gate->ages[slot], 1, __ATOMIC_RELAXED);
	return index;
}

/* A session in both gateways' tables, as a handshake leaves it. The tunnel's lock is held. */
static void
install(struct churn *c, unsigned tunnel)
{
	struct gate *initiator = &c->g->gate[draw(&c->handshake_rng) % 2];
	struct gate *responder = &c->g->gate[!initiator->idx];
	struct session_keys ours = {.local_index = reserve(initiator, tunnel)};
	struct session_keys theirs = {.local_index = reserve(responder, tunnel)};
	ours.is_initiator = true;
	ours.remote_index = theirs.local_index;
	theirs.remote_index = ours.local_index;
	if (!ours.local_index || !theirs.local_index)
		return;
	secret_random(ours.send_key, sizeof(ours.send_key));
	secret_random(ours.recv_key, sizeof(ours.recv_key));
	memcpy(theirs.recv_key, ours.send_key, sizeof(ours.send_key));
	memcpy(theirs.send_key, ours.recv_key, sizeof(ours.recv_key));
	ns_t now = clock_boot_ns();
	/* Control may have given the index up meanwhile: then it is as if the message was lost. */
	if (tables_session_install(responder->config.tables, &theirs,
		    draw(&c->handshake_rng) % GATE_WORKERS, now))
		return;
	if (tables_session_install(initiator->config.tables, &ours,
		    draw(&c->handshake_rng) % GATE_WORKERS, now))
		return;
	__atomic_fetch_add(&c->n_sessions, 1, __ATOMIC_RELAXED);
	order_all(initiator, ORDER_SESSION_READY, peer_of(initiator, tunnel));
}

static unsigned
next_tunnel(struct churn *c)
{
	for (unsigned k = 0; k < N_TUNNELS; k++) {
		if (__atomic_exchange_n(&c->wants[k], false, __ATOMIC_ACQ_REL))
			return k;
	}
	return (unsigned)(draw(&c->handshake_rng) % N_TUNNELS);
}

static void
take_wire_mail(struct gate *gate)
{
	struct wire_mail mail;
	struct reach_mail reach;
	while (mailbox_take(gate->boxes.wire, &mail, 1) ||
		mailbox_take(gate->boxes.wire_cookied, &mail, 1))
		(void)tables_index_owner(gate->config.tables, load_le32(mail.message + 4));
	while (mailbox_take(gate->boxes.reach, &reach, 1))
		;
}

static void *
handshake_main(void *arg)
{
	struct churn *c = arg;
	const struct timespec pause = {.tv_nsec = HANDSHAKES_PAUSE_NS};
	rcu_reader_register();
	while (!__atomic_load_n(&c->stop_handshakes, __ATOMIC_ACQUIRE)) {
		unsigned k = next_tunnel(c);
		pthread_mutex_lock(&c->g->tunnel_locks[k]);
		install(c, k);
		pthread_mutex_unlock(&c->g->tunnel_locks[k]);
		for (unsigned i = 0; i < N_GATES; i++)
			take_wire_mail(&c->g->gate[i]);
		rcu_reader_quiescent();
		rcu_reader_offline();
		nanosleep(&pause, NULL);
		rcu_reader_online();
	}
	rcu_reader_unregister();
	return NULL;
}

/* ---- The workers' mail ---- */

static void
confirmed(struct gate *gate, uint32_t index)
{
	struct tables *t = gate->config.tables;
	uint32_t peer_id = tables_index_owner(t, index);
	if (peer_id && tables_session_confirm(t, index) == 0)
		order_all(gate, ORDER_SESSION_READY, peer_id);
}

static void
handshake_wanted(struct churn *c, struct gate *gate, uint32_t peer_id)
{
	struct peer_entry *e = tables_peer(gate->config.tables, peer_id);
	__atomic_store_n(&e->handshake_is_wanted, false, __ATOMIC_RELAXED);
	for (unsigned k = 0; k < N_TUNNELS; k++) {
		if (peer_of(gate, k) == peer_id)
			__atomic_store_n(&c->wants[k], true, __ATOMIC_RELEASE);
	}
}

static void
encap_replaced(struct gate *gate, const struct event_mail *ev)
{
	struct order_mail order = {.kind = ORDER_ENCAP_SPARE, .encap = tables_encap_alloc()};
	tables_encap_retire(gate->config.tables, ev->encap);
	if (order.encap && !mailbox_put(gate->boxes.orders[ev->worker], &order))
		free(order.encap);
}

static void
encap_stale(struct gate *gate, uint32_t peer_id)
{
	struct tables *t = gate->config.tables;
	struct endpoint remote;
	struct addr local;
	__atomic_store_n(&tables_peer(t, peer_id)->encap_stale_is_told, false, __ATOMIC_RELAXED);
	if (tables_encap_get(t, peer_id, &remote, &local))
		must(tables_encap_set(t, peer_id, &remote, &local), "tables_encap_set");
}

static void
roamed(struct gate *gate, const struct event_mail *ev)
{
	struct tables *t = gate->config.tables;
	__atomic_store_n(&tables_peer(t, ev->peer_id)->roam_is_told, false, __ATOMIC_RELAXED);
	must(tables_encap_set(t, ev->peer_id, &ev->path.remote, &ev->path.local),
		"tables_encap_set");
}

/* A peer that is gone has no tunnel any more: what concerns it is dropped, as by control. */
static bool
is_known(const struct gate *gate, uint32_t peer_id)
{
	for (unsigned k = 0; k < N_TUNNELS; k++) {
		if (peer_id && peer_of(gate, k) == peer_id)
			return true;
	}
	return false;
}

static void
take_event(struct churn *c, struct gate *gate, const struct event_mail *ev)
{
	if (ev->kind == EVENT_ENCAP_REPLACED)
		encap_replaced(gate, ev);
	if (!is_known(gate, ev->peer_id))
		return;
	switch ((enum event_kind)ev->kind) {
	case EVENT_CONFIRMED:
		confirmed(gate, ev->local_index);
		break;
	case EVENT_HANDSHAKE_WANTED:
		handshake_wanted(c, gate, ev->peer_id);
		break;
	case EVENT_ACTIVITY: {
		struct peer_entry *e = tables_peer(gate->config.tables, ev->peer_id);
		__atomic_store_n(&e->is_armed, false, __ATOMIC_RELAXED);
		activity_disarm(&e->activity.rx_unanswered_ns,
			activity_load(&e->activity.rx_unanswered_ns));
		break;
	}
	case EVENT_ROAMED:
		roamed(gate, ev);
		break;
	case EVENT_ENCAP_STALE:
		encap_stale(gate, ev->peer_id);
		break;
	case EVENT_ENCAP_REPLACED:
	case EVENT_NEIGHBOUR_WANTED:
	case EVENT_PATH_FOUND:
	case EVENT_PATH_MTU:
		break;
	}
}

static void
take_events(struct churn *c, struct gate *gate)
{
	struct event_mail events[32];
	unsigned n = mailbox_take(gate->boxes.events, events, 32);
	for (unsigned i = 0; i < n; i++)
		take_event(c, gate, &events[i]);
}

/* ---- The changes ---- */

static void
change_endpoint(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct endpoint remote = {.addr = gate_local(!gate->idx, draw(&c->rng) % GATE_LOCALS),
		.port = GATE_LISTEN_PORT};
	struct addr local = gate_local(gate->idx, draw(&c->rng) % GATE_LOCALS);
	must(tables_encap_set(gate->config.tables, peer_of(gate, tunnel), &remote, &local),
		"tables_encap_set");
}

/* As the reach thread does: disco has chosen a path, or doubts it. */
static void
change_pin(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct endpoint remote = {.addr = gate_local(!gate->idx, draw(&c->rng) % GATE_LOCALS),
		.port = GATE_LISTEN_PORT};
	struct tables *t = gate->config.tables;
	tables_iface_set_node(t, gate->iface_id, draw(&c->rng) % 2);
	if (draw(&c->rng) % 2)
		must(tables_encap_pin(t, peer_of(gate, tunnel), &remote, NULL), "tables_encap_pin");
	else
		tables_encap_unpin(t, peer_of(gate, tunnel));
}

static void
set_nexthops(struct gate *gate, bool is_resolved)
{
	struct tables *t = gate->config.tables;
	struct nexthop lan = gate_nexthop(gate, LAN_LINK, is_resolved);
	struct nexthop wan = gate_nexthop(gate, WAN_LINK, is_resolved);
	must(tables_nexthop_set(t, gate->lan_nexthop, &lan), "tables_nexthop_set");
	must(tables_nexthop_set(t, gate->wan_nexthop, &wan), "tables_nexthop_set");
}

static void
change_nexthops(struct churn *c, struct gate *gate, unsigned tunnel)
{
	c->is_glean[gate->idx] = true;
	set_nexthops(gate, false);
}

/* A narrower route comes, over the same or another next hop's id, and goes. */
static void
change_routes(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct tables *t = gate->config.tables;
	struct prefix outer = {.addr = gate_local(!gate->idx, 0), .len = 32};
	struct prefix inner = far_prefix(!gate->idx, tunnel);
	struct nexthop wan = gate_nexthop(gate, WAN_LINK, true);
	uint32_t id = 0;
	must(tables_nexthop_add(t, &wan, &id), "tables_nexthop_add");
	unsigned which = TABLES_UNDERLAY + (unsigned)(draw(&c->rng) % GATE_UNDERLAYS);
	must(tables_route_set(t, which, &outer, id), "an underlay route");
	must(tables_route_set(t, TABLES_FORWARD, &inner, gate->lan_nexthop), "a forward route");
	must(tables_route_set(t, TABLES_FORWARD, &inner, 0), "a forward route's end");
	must(tables_route_set(t, which, &outer, 0), "an underlay route's end");
	tables_nexthop_del(t, id);
}

static void
set_locals(struct gate *gate, unsigned n)
{
	struct addr locals[GATE_LOCALS + 1] = {gate_local(gate->idx, 0), gate_local(gate->idx, 1),
		addr_from_v4(0x7f000001)};
	must(tables_locals_set(gate->config.tables, locals, n), "tables_locals_set");
}

static void
change_locals(struct churn *c, struct gate *gate, unsigned tunnel)
{
	set_locals(gate, 1 + (unsigned)(draw(&c->rng) % (GATE_LOCALS + 1)));
}

/* The tunnel's prefix moves to another peer and back. */
static void
change_allowed(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct tables *t = gate->config.tables;
	struct prefix inner = far_prefix(gate->idx, tunnel);
	uint32_t other = peer_of(gate, (tunnel + 1) % N_TUNNELS);
	must(tables_allowed_set(t, gate->iface_id, &inner, other), "tables_allowed_set");
	must(tables_allowed_set(t, gate->iface_id, &inner, peer_of(gate, tunnel)),
		"tables_allowed_set");
	if (draw(&c->rng) % 4)
		return;
	must(tables_allowed_del(t, gate->iface_id, &inner, peer_of(gate, tunnel)),
		"tables_allowed_del");
	must(tables_allowed_set(t, gate->iface_id, &inner, peer_of(gate, tunnel)),
		"tables_allowed_set");
}

static void
replace_peer(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct prefix inner = far_prefix(gate->idx, tunnel);
	struct tables *t = gate->config.tables;
	pthread_mutex_lock(&c->g->tunnel_locks[tunnel]);
	must(tables_allowed_del(t, gate->iface_id, &inner, peer_of(gate, tunnel)),
		"tables_allowed_del");
	tables_peer_remove(t, peer_of(gate, tunnel));
	gate_add_peer(gate, tunnel);
	pthread_mutex_unlock(&c->g->tunnel_locks[tunnel]);
}

static void
wipe_sessions(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct session_info info;
	tables_session_info(gate->config.tables, peer_of(gate, tunnel), &info);
	tables_sessions_wipe(gate->config.tables, peer_of(gate, tunnel));
}

static void
give_up_handshake(struct churn *c, struct gate *gate, unsigned tunnel)
{
	tables_index_release(gate->config.tables, peer_of(gate, tunnel));
	order_all(gate, ORDER_PARKED_DROP, peer_of(gate, tunnel));
}

static void
send_keepalive(struct churn *c, struct gate *gate, unsigned tunnel)
{
	order_all(gate, ORDER_KEEPALIVE, peer_of(gate, tunnel));
}

/* A message no handshake thread would answer, or one of disco. */
static void
send_message(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct order_mail order = {.kind = ORDER_SEND,
		.iface_id = gate->iface_id,
		.n_bytes = sizeof(struct wg_initiation),
		.path.remote = {.addr = gate_local(!gate->idx, 0), .port = GATE_LISTEN_PORT}};
	if (draw(&c->rng) % 2)
		memcpy(order.message, "TS\xf0\x9f\x92\xac", 6);
	else
		store_le32(order.message, WG_INITIATION);
	(void)mailbox_put(gate->boxes.orders[draw(&c->rng) % GATE_WORKERS], &order);
}

static void
change_interface(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct tables *t = gate->config.tables;
	uint16_t port = (uint16_t)(GATE_LISTEN_PORT + draw(&c->rng) % 2);
	tables_iface_set_underlay(t, gate->iface_id, (uint8_t)(draw(&c->rng) % GATE_UNDERLAYS));
	tables_iface_set_mtu(t, gate->iface_id, (uint16_t)(GATE_MTU - draw(&c->rng) % 2 * 20));
	struct addr listens[GATE_LOCALS] = {gate_local(gate->idx, 0), gate_local(gate->idx, 1)};
	must(tables_iface_listen(t, gate->iface_id, port, listens,
		draw(&c->rng) % 2 * GATE_LOCALS), "tables_iface_listen");
	__atomic_store_n(&gate->listen_port, port, __ATOMIC_RELAXED);
}

/* The carrier goes, then the port, for the time of a grace period. */
static void
detach_port(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct port *port = draw(&c->rng) % 2 ? gate->lan.port : gate->wan.port;
	__atomic_store_n(&port->is_up, false, __ATOMIC_RELAXED);
	rcu_publish(gate->config.ports[port->link_id], NULL);
	rcu_wait_readers();
	rcu_publish(gate->config.ports[port->link_id], port);
	__atomic_store_n(&port->is_up, true, __ATOMIC_RELAXED);
}

/* So many prefixes that the tries grow their short cuts and lose them again. */
static void
flood(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct tables *t = gate->config.tables;
	uint32_t peer_id = peer_of(gate, tunnel);
	for (unsigned i = 0; i < FLOOD_PREFIXES; i++) {
		struct prefix p = {.addr = addr_from_v4(0x0a090000 + i * 7), .len = 32};
		must(tables_allowed_set(t, gate->iface_id, &p, peer_id), "a flood of allowed-ips");
		must(tables_route_set(t, TABLES_FORWARD, &p, gate->lan_nexthop),
			"a flood of routes");
	}
	for (unsigned i = 0; i < FLOOD_PREFIXES; i++) {
		struct prefix p = {.addr = addr_from_v4(0x0a090000 + i * 7), .len = 32};
		must(tables_allowed_del(t, gate->iface_id, &p, peer_id), "its end");
		must(tables_route_set(t, TABLES_FORWARD, &p, 0), "its end");
	}
}

/* On, off, or with other rules: what flies is allowed by all of them, if by its flow alone. */
static void
change_filter(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct filter *was = gate->config.tables->filter;
	struct filter_plan plan = {.is_on = true, .max_flows = FILTER_FLOWS_MIN};
	struct filter_rule rule = {0};
	char text[] = "* -> * : *";
	struct err err = {0};
	plan.is_strict_tcp = draw(&c->rng) % 2;
	if (was && draw(&c->rng) % 4 == 0) {
		tables_filter_set(gate->config.tables, NULL);
		return;
	}
	must(filter_rule_parse(text, &rule, &err), err.text);
	must(filter_plan_add(&plan, &rule), "filter_plan_add");
	bool keeps = was && draw(&c->rng) % 4;
	struct filter *now = filter_create(&plan, keeps ? was->flows : NULL,
		(uint16_t)(was ? was->generation % UINT16_MAX + 1 : 1), &err);
	must(now ? 0 : -ENOMEM, err.text);
	tables_filter_set(gate->config.tables, now);
	filter_plan_fini(&plan);
}

/* On, off, or with other ports: all that comes out of the tunnel, or only what goes elsewhere. */
static void
change_nat(struct churn *c, struct gate *gate, unsigned tunnel)
{
	struct nat *was = gate->config.tables->nat;
	struct nat_network network = {.tunnel = gate->iface_id, .prefix.addr.family = ADDR_V4};
	struct err err = {0};
	if (was && draw(&c->rng) % 4 == 0) {
		tables_nat_set(gate->config.tables, NULL);
		return;
	}
	network.prefix.len = draw(&c->rng) % 4 ? 0 : 32;
	const struct nat_plan plan = {.first_port = 61000, .last_port = 65535, .n_flows = 1024,
		.networks = &network, .n_networks = 1,
		.udp_in_use = gate->config.tables->iface_by_port};
	bool keeps = was && draw(&c->rng) % 4;
	struct nat *now = nat_create(&plan, keeps ? was->flows : NULL, &err);
	must(now ? 0 : -ENOMEM, err.text);
	tables_nat_set(gate->config.tables, now);
}

static void
watch_end(struct gate *gate, struct watch **watch)
{
	struct tables *t = gate->config.tables;
	struct watch_set *was = t->watches;
	struct watch_set *set = watch_set_without(was, *watch);
	rcu_publish(t->watches, set->n ? set : NULL);
	if (!set->n)
		free(set);
	rcu_retire(&(*watch)->rcu, watch_free);
	rcu_retire(&was->rcu, watch_set_free);
	*watch = NULL;
}

static void
watch_begin(struct gate *gate, const struct watch_plan *plan, struct watch **watch)
{
	struct tables *t = gate->config.tables;
	struct watch_set *was = t->watches;
	struct err err = {0};
	*watch = watch_create(plan, GATE_WORKERS, &err);
	must(*watch ? 0 : -ENOMEM, err.text);
	struct watch_set *set = watch_set_with(was, *watch);
	must(set ? 0 : -ENOMEM, "a set of watches");
	rcu_publish(t->watches, set);
	if (was)
		rcu_retire(&was->rcu, watch_set_free);
}

/* Somebody begins to look at all packets, or has seen enough. */
static void
change_watch(struct churn *c, struct gate *gate, unsigned tunnel)
{
	static struct watch_plan plan;
	enum watch_kind kind = draw(&c->rng) % 2 ? WATCH_TRACE : WATCH_CAPTURE;
	struct watch **watch = &c->watches[gate->idx][kind];
	if (*watch) {
		watch_end(gate, watch);
		return;
	}
	plan.kind = kind;
	plan.match.link_id = MATCH_NO_LINK;
	plan.snap_bytes = 1 + (uint32_t)(draw(&c->rng) % 200);
	watch_add_link(&plan, LAN_LINK);
	watch_add_link(&plan, WAN_LINK);
	watch_add_link(&plan, link_of_iface(gate->iface_id));
	watch_begin(gate, &plan, watch);
}

/* What workers tell is whole: it ends in a verdict, and has the bytes it says. */
static void
take_records(struct churn *c, struct watch *watch)
{
	for (unsigned i = 0; watch && i < watch->n_lanes; i++) {
		const struct watch_record *r;
		uint32_t n_bytes;
		while ((r = watch_ring_first(watch->lanes[i].ring, &n_bytes))) {
			bool is_whole = n_bytes == sizeof(*r) + r->n_captured &&
					r->worker == i && r->fate.stage < STAGES &&
					r->fate.verdict < VERDICTS;
			must(is_whole ? 0 : -EINVAL, "a record of a watch");
			watch_ring_drop(watch->lanes[i].ring);
			c->n_records++;
		}
	}
}

typedef void (*change)(struct churn *c, struct gate *gate, unsigned tunnel);
static const change changes[] = {change_endpoint, change_pin, change_nexthops, change_routes,
	change_locals, change_allowed, replace_peer, wipe_sessions, give_up_handshake,
	send_keepalive, send_message, change_interface, detach_port, change_watch, change_watch,
	change_filter, change_nat};

/* ---- Life ---- */

void
churn_turn(struct churn *c)
{
	for (unsigned i = 0; i < N_GATES; i++) {
		take_events(c, &c->g->gate[i]);
		take_records(c, c->watches[i][WATCH_TRACE]);
		take_records(c, c->watches[i][WATCH_CAPTURE]);
		if (c->is_glean[i])
			set_nexthops(&c->g->gate[i], true); /* the neighbour has answered */
		c->is_glean[i] = false;
	}
	if (c->is_calm)
		return;
	struct gate *gate = &c->g->gate[draw(&c->rng) % N_GATES];
	unsigned tunnel = (unsigned)(draw(&c->rng) % N_TUNNELS);
	if (++c->n_changes % FLOOD_EVERY == 0)
		flood(c, gate, tunnel);
	else
		changes[draw(&c->rng) % ARRAY_COUNT(changes)](c, gate, tunnel);
}

struct churn *
churn_start(struct gates *g)
{
	struct churn *c = calloc(1, sizeof(*c));
	must(c ? 0 : -ENOMEM, "memory for the churn");
	c->g = g;
	c->rng = 2;
	c->handshake_rng = 3;
	must(-pthread_create(&c->handshaker, NULL, handshake_main, c), "pthread_create");
	return c;
}

static void
settle(struct gate *gate)
{
	struct tables *t = gate->config.tables;
	set_nexthops(gate, true);
	set_locals(gate, GATE_LOCALS);
	tables_iface_set_mtu(t, gate->iface_id, GATE_MTU);
	tables_filter_set(t, NULL);
	tables_nat_set(t, NULL);
	must(tables_iface_set_port(t, gate->iface_id, GATE_LISTEN_PORT), "tables_iface_set_port");
	__atomic_store_n(&gate->listen_port, GATE_LISTEN_PORT, __ATOMIC_RELAXED);
	for (unsigned k = 0; k < N_TUNNELS; k++) {
		struct endpoint remote = {.port = GATE_LISTEN_PORT};
		remote.addr = gate_local(!gate->idx, 0);
		must(tables_encap_set(t, peer_of(gate, k), &remote, NULL), "tables_encap_set");
	}
}

void
churn_calm(struct churn *c)
{
	c->is_calm = true;
	__atomic_store_n(&c->stop_handshakes, true, __ATOMIC_RELEASE);
	pthread_join(c->handshaker, NULL);
	for (unsigned i = 0; i < N_GATES; i++)
		settle(&c->g->gate[i]);
	for (unsigned k = 0; k < N_TUNNELS; k++) {
		uint64_t before = c->n_sessions;
		while (c->n_sessions == before) {
			install(c, k);
			churn_turn(c);
			rcu_wait_retired();
		}
	}
}

void
churn_stop(struct churn *c, uint64_t *n_sessions, uint64_t *n_changes)
{
	*n_sessions = c->n_sessions;
	*n_changes = c->n_changes;
	for (unsigned i = 0; i < N_GATES; i++) {
		for (unsigned kind = 0; kind < 2; kind++) {
			if (c->watches[i][kind])
				watch_end(&c->g->gate[i], &c->watches[i][kind]);
		}
	}
	printf("%llu records of packets\n", (unsigned long long)c->n_records);
	free(c);
}
