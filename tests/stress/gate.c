/* SPDX-License-Identifier: BSD-3-Clause */
#include "gate.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/aead_choose.h"
#include "crypto/init.h"
#include "mailbox/ring_mode.h"

enum {
	POOL_MBUFS = 8191, /* more than all rings hold */
	POOL_CACHE = 64,
	RING_SLOTS = 256,
	HANDOFF_SLOTS = 512,
	MAIL_SLOTS = 1024,
};

void
must(int rc, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "%s: %d (%s)\n", what, rc, strerror(-rc));
		abort();
	}
}

struct addr
gate_local(unsigned gate, unsigned i)
{
	return addr_from_v4(0xcb007101 + gate + 10 * i); /* 203.0.113.1, .11; .2, .12 */
}

struct prefix
far_prefix(unsigned gate, unsigned tunnel)
{
	return (struct prefix){.addr = addr_from_v4(lan_address(!gate, tunnel, 0)), .len = 24};
}

struct nexthop
gate_nexthop(const struct gate *gate, uint16_t link_id, bool is_resolved)
{
	const struct port *port = link_id == LAN_LINK ? gate->lan.port : gate->wan.port;
	struct nexthop nh = {
		.type = is_resolved ? NEXTHOP_LINK : NEXTHOP_GLEAN,
		.link_id = link_id,
		.ethernet_bytes = 14,
		.mtu = port->mtu,
	};
	if (link_id == WAN_LINK)
		nh.source = gate_local(gate->idx, 0);
	memcpy(nh.ethernet, (const uint8_t[6]){2, 0, 0, 0, 0, 9}, 6);
	memcpy(nh.ethernet + 6, port->mac.bytes, 6);
	return nh;
}

void
gate_add_peer(struct gate *gate, unsigned tunnel)
{
	struct tables *t = gate->config.tables;
	struct endpoint remote = {.addr = gate_local(!gate->idx, 0), .port = GATE_LISTEN_PORT};
	struct prefix inner = far_prefix(gate->idx, tunnel);
	uint32_t id = 0;
	int rc = tables_peer_add(t, gate->iface_id, &id);
	while (rc == -ENOSPC) { /* those that were removed are not back yet */
		rcu_wait_retired();
		rc = tables_peer_add(t, gate->iface_id, &id);
	}
	must(rc, "tables_peer_add");
	must(tables_allowed_set(t, gate->iface_id, &inner, id), "tables_allowed_set");
	must(tables_encap_set(t, id, &remote, NULL), "tables_encap_set");
	__atomic_store_n(&gate->peer_ids[tunnel], id, __ATOMIC_RELAXED);
}

/* All threads share the CPUs that this process may use. */
static void
start_eal(void)
{
	char cpus[1024] = "", lcores[1100];
	cpu_set_t set;
	must(sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
	for (int i = 0; i < CPU_SETSIZE && strlen(cpus) < sizeof(cpus) - 8; i++) {
		if (CPU_ISSET(i, &set))
			snprintf(cpus + strlen(cpus), 8, "%s%d", cpus[0] ? "," : "", i);
	}
	snprintf(lcores, sizeof(lcores), "--lcores=(0-5)@(%s)", cpus);
	char *args[] = {(char[]){"stress"}, (char[]){"--no-huge"}, (char[]){"--no-pci"},
		(char[]){"-m"}, (char[]){"128"}, (char[]){"--no-telemetry"},
		(char[]){"--no-shconf"}, (char[]){"--log-level=4"}, lcores, NULL};
	must(rte_eal_init(9, args), "rte_eal_init");
}

static struct rte_ring *
ring(const char *name, unsigned q, const char *way, unsigned n_slots, unsigned flags)
{
	char text[RTE_RING_NAMESIZE];
	snprintf(text, sizeof(text), "%s-%s%u", name, way, q);
	struct rte_ring *r = rte_ring_create(text, n_slots, SOCKET_ID_ANY, flags);
	must(r ? 0 : -ENOMEM, text);
	return r;
}

/*
 * What the net_ring driver does, whose queues begin with their ring; but compiled here, where
 * ThreadSanitizer sees that the ring orders those at its ends.
 */
static uint16_t
ring_rx(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	struct rte_ring *r = *(struct rte_ring **)queue;
	return (uint16_t)rte_ring_dequeue_burst(r, (void **)mbufs, n, NULL);
}

static uint16_t
ring_tx(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	struct rte_ring *r = *(struct rte_ring **)queue;
	return (uint16_t)rte_ring_enqueue_burst(r, (void *const *)mbufs, n, NULL);
}

static void
open_port(struct gates *g, struct ring_port *rp, const char *name, uint16_t link_id)
{
	char device[64];
	struct err err = {0};
	struct profiles profiles;
	unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	for (unsigned q = 0; q < GATE_WORKERS; q++) {
		rp->rx[q] = ring(name, q, "rx", RING_SLOTS, flags);
		rp->tx[q] = ring(name, q, "tx", RING_SLOTS, flags);
	}
	must(rte_eth_from_rings(name, rp->rx, GATE_WORKERS, rp->tx, GATE_WORKERS, 0), name);
	snprintf(device, sizeof(device), "net_ring_%s", name);
	struct port_config config = {.name = name,
		.device = device,
		.link_id = link_id,
		.n_workers = GATE_WORKERS,
		.checksum = PORT_CHECKSUM_TRUST,
		.pool = g->pool,
		.profiles = &profiles};
	must(profiles_load(&profiles, NULL, &err), err.text);
	must(port_open(&config, &rp->port, &err), err.text);
	profiles_fini(&profiles);
	rte_eth_fp_ops[rp->port->dpdk_id].rx_pkt_burst = ring_rx;
	rte_eth_fp_ops[rp->port->dpdk_id].tx_pkt_burst = ring_tx;
}

static struct mailbox *
box(const char *name, const char *what, unsigned q, unsigned mail_bytes)
{
	char text[24];
	snprintf(text, sizeof(text), "%s-%s%u", name, what, q);
	struct mailbox *b = mailbox_create(text, mail_bytes, MAIL_SLOTS);
	must(b ? 0 : -ENOMEM, text);
	return b;
}

static void
make_boxes(struct mailboxes *boxes, const char *name)
{
	boxes->wire = box(name, "wire", 0, sizeof(struct wire_mail));
	boxes->wire_cookied = box(name, "cookied", 0, sizeof(struct wire_mail));
	boxes->reach = box(name, "reach", 0, sizeof(struct reach_mail));
	boxes->events = box(name, "events", 0, sizeof(struct event_mail));
	boxes->orders = calloc(GATE_WORKERS, sizeof(struct mailbox *));
	must(boxes->orders ? 0 : -ENOMEM, "orders");
	for (unsigned i = 0; i < GATE_WORKERS; i++)
		boxes->orders[i] = box(name, "orders", i, sizeof(struct order_mail));
	boxes->n_workers = GATE_WORKERS;
}

static void
route(struct tables *t, enum tables_which which, const char *text, uint32_t nexthop_id)
{
	struct prefix p;
	must(prefix_parse(text, &p), text);
	must(tables_route_set(t, which, &p, nexthop_id), text);
}

static void
lay_tables(struct gate *gate)
{
	struct tables *t = gate->config.tables;
	struct addr locals[GATE_LOCALS] = {gate_local(gate->idx, 0), gate_local(gate->idx, 1)};
	must(tables_locals_set(t, locals, GATE_LOCALS), "tables_locals_set");
	must(tables_iface_add(t, GATE_MTU, &gate->iface_id), "tables_iface_add");
	must(tables_iface_set_port(t, gate->iface_id, GATE_LISTEN_PORT), "tables_iface_set_port");
	struct nexthop tunnel = {.type = NEXTHOP_TUNNEL,
		.iface_id = gate->iface_id,
		.link_id = link_of_iface(gate->iface_id)};
	struct nexthop lan = gate_nexthop(gate, LAN_LINK, true);
	struct nexthop wan = gate_nexthop(gate, WAN_LINK, true);
	must(tables_nexthop_add(t, &tunnel, &gate->tunnel_nexthop), "the tunnel's next hop");
	must(tables_nexthop_add(t, &lan, &gate->lan_nexthop), "the LAN's next hop");
	must(tables_nexthop_add(t, &wan, &gate->wan_nexthop), "the WAN's next hop");
	route(t, TABLES_FORWARD, gate->idx ? "10.1.0.0/16" : "10.2.0.0/16", gate->tunnel_nexthop);
	route(t, TABLES_FORWARD, gate->idx ? "10.2.0.0/16" : "10.1.0.0/16", gate->lan_nexthop);
	for (unsigned i = 0; i < GATE_UNDERLAYS; i++)
		route(t, TABLES_UNDERLAY + i, "203.0.113.0/24", gate->wan_nexthop);
	for (unsigned k = 0; k < N_TUNNELS; k++)
		gate_add_peer(gate, k);
}

static void
make_gate(struct gates *g, unsigned idx)
{
	static const char *const names[N_GATES][3] = {
		{"a", "a-lan", "a-wan"},
		{"b", "b-lan", "b-wan"},
	};
	struct gate *gate = &g->gate[idx];
	struct path_config *c = &gate->config;
	struct err err = {0};
	gate->idx = idx;
	gate->listen_port = GATE_LISTEN_PORT;
	open_port(g, &gate->lan, names[idx][1], LAN_LINK);
	open_port(g, &gate->wan, names[idx][2], WAN_LINK);
	make_boxes(&gate->boxes, names[idx][0]);
	c->tables = tables_create(GATE_MAX_PEERS, &protocol_times_default, &err);
	must(c->tables ? 0 : -ENOMEM, err.text);
	c->boxes = &gate->boxes;
	c->crypto = &g->crypto;
	c->pool = g->pool;
	c->n_workers = GATE_WORKERS;
	c->idle_sleeps = true;
	c->ports[LAN_LINK] = gate->lan.port;
	c->ports[WAN_LINK] = gate->wan.port;
	lay_tables(gate);
	for (unsigned i = 0; i < GATE_WORKERS; i++) {
		c->handoff[i] = ring(names[idx][0], i, "handoff", HANDOFF_SLOTS,
			RING_MANY_PUT | RING_F_SC_DEQ);
		gate->workers[i] = worker_create(c, i, &err);
		must(gate->workers[i] ? 0 : -ENOMEM, err.text);
	}
}

void
gates_begin(struct gates *g)
{
	struct err err = {0};
	memset(g, 0, sizeof(*g));
	must(crypto_init(&err), err.text);
	must(aead_choose(NULL, &g->crypto, &err), err.text);
	start_eal();
	g->pool = rte_pktmbuf_pool_create_by_ops("stress", POOL_MBUFS, POOL_CACHE, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY, frame_pool_ops());
	must(g->pool ? 0 : -ENOMEM, "packet buffers");
	for (unsigned k = 0; k < N_TUNNELS; k++)
		pthread_mutex_init(&g->tunnel_locks[k], NULL);
	for (unsigned i = 0; i < N_GATES; i++)
		make_gate(g, i);
}

static int
worker_main(void *arg)
{
	struct gates *g = arg;
	unsigned i = rte_lcore_id() - 1;
	worker_run(g->gate[i / GATE_WORKERS].workers[i % GATE_WORKERS], &g->stop_workers);
	return 0;
}

void
gates_start_workers(struct gates *g)
{
	for (unsigned i = 0; i < N_GATES * GATE_WORKERS; i++)
		must(rte_eal_remote_launch(worker_main, g, i + 1), "rte_eal_remote_launch");
}

void
gates_stop_workers(struct gates *g)
{
	__atomic_store_n(&g->stop_workers, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < N_GATES * GATE_WORKERS; i++)
		rte_eal_wait_lcore(i + 1);
	rcu_wait_readers(); /* there is none: it tells ThreadSanitizer that all have ended */
}

static void
empty_ring(struct rte_ring *r)
{
	struct rte_mbuf *m;
	while (rte_ring_dequeue(r, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

static void
close_port(struct ring_port *rp)
{
	for (unsigned q = 0; q < GATE_WORKERS; q++) {
		empty_ring(rp->rx[q]);
		empty_ring(rp->tx[q]);
	}
	port_close(rp->port);
}

static void
destroy_gate(struct gate *gate)
{
	for (unsigned i = 0; i < GATE_WORKERS; i++) {
		worker_destroy(gate->workers[i]);
		empty_ring(gate->config.handoff[i]);
		rte_ring_free(gate->config.handoff[i]);
	}
	worker_mail_discard(&gate->config);
	close_port(&gate->lan);
	close_port(&gate->wan);
	tables_destroy(gate->config.tables);
	mailboxes_fini(&gate->boxes);
}

void
gates_end(struct gates *g)
{
	for (unsigned i = 0; i < N_GATES; i++)
		destroy_gate(&g->gate[i]);
	unsigned n_lost = rte_mempool_in_use_count(g->pool);
	for (unsigned k = 0; k < N_TUNNELS; k++)
		pthread_mutex_destroy(&g->tunnel_locks[k]);
	if (n_lost) {
		fprintf(stderr, "%u packet buffers were lost\n", n_lost);
		abort();
	}
	(void)rte_eal_cleanup();
}
