/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"
#include "flows.h"

enum {
	POOL_MBUFS = 8191,
	POOL_CACHE = 256,
	RING_SLOTS = 256,
	LAN_LINK = 0,
	WAN_LINK = 1,
};

/* As the protocol's, but no session ages while the bench runs. */
static const struct protocol_times ageless = {
	.rekey_after_ns = 100000 * NS_IN_S,
	.reject_after_ns = 200000 * NS_IN_S,
	.rekey_attempt_ns = 90 * NS_IN_S,
	.rekey_timeout_ns = 5 * NS_IN_S,
	.rekey_jitter_ns = 333 * NS_IN_MS,
	.keepalive_ns = 10 * NS_IN_S,
	.new_handshake_ns = 15 * NS_IN_S,
	.rekey_after_messages = 1ull << 60,
	.reject_after_messages = UINT64_MAX - (1ull << 13),
};

struct addr
world_local(const struct world *world)
{
	struct addr a;
	(void)addr_parse(world->outer_family == ADDR_V4 ? "203.0.113.2" : "2001:db8::2", &a);
	return a;
}

/* Of 198.18.0.0/15, the range for benchmarks (RFC 2544), or of 2001:db8:1::/48. */
struct addr
peer_outer(const struct world *world, uint32_t peer)
{
	if (world->outer_family == ADDR_V4)
		return addr_from_v4(0xc6120000 + peer + 1);
	struct addr a;
	(void)addr_parse("2001:db8:1::", &a);
	store_be32(a.bytes + 12, peer + 1);
	return a;
}

uint32_t
peer_inner(uint32_t peer)
{
	return 0x0a000000 + peer + 1;
}

static bool
has_hugepages(void)
{
	unsigned n = 0;
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	if (f) {
		if (fscanf(f, "%u", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n >= 64;
}

static int
start_eal(struct err *err)
{
	char core[32], prefix[48];
	snprintf(core, sizeof(core), "--lcores=0@%d", sched_getcpu());
	snprintf(prefix, sizeof(prefix), "--file-prefix=hg-perf-%d", (int)getpid());
	const char *argv[] = {"perf-pipeline", "--no-pci", "--no-telemetry", "--log-level=error",
		core, prefix, "--iova-mode=va", NULL, NULL, NULL, NULL};
	int argc = 7;
	if (has_hugepages()) {
		argv[argc++] = "--in-memory";
	} else {
		argv[argc++] = "--no-huge";
		argv[argc++] = "--no-shconf";
		argv[argc++] = "-m256";
	}
	if (rte_eal_init(argc, (char **)(uintptr_t)argv) < 0)
		return err_set(err, -rte_errno, "DPDK's EAL does not start: %s",
			rte_strerror(rte_errno));
	return 0;
}

static int
port_create(struct rig *rig, struct ring_port *rp, const char *name, uint16_t link_id,
	struct err *err)
{
	char text[RTE_RING_NAMESIZE];
	struct profiles profiles;
	for (unsigned q = 0; q < RIG_QUEUES; q++) {
		snprintf(text, sizeof(text), "%s-rx%u", name, q);
		rp->rx[q] = rte_ring_create(
			text, RING_SLOTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(text, sizeof(text), "%s-tx%u", name, q);
		rp->tx[q] = rte_ring_create(
			text, RING_SLOTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!rp->rx[q] || !rp->tx[q])
			return err_set(err, -ENOMEM, "no memory for the rings of port %s", name);
	}
	if (rte_eth_from_rings(name, rp->rx, RIG_QUEUES, rp->tx, RIG_QUEUES, 0) < 0)
		return err_set(err, -ENODEV,
			"DPDK makes no port of rings (%s): is its net_ring driver "
			"installed?",
			rte_strerror(rte_errno));
	snprintf(text, sizeof(text), "net_ring_%s", name);
	struct port_config config = {.name = name,
		.device = text,
		.link_id = link_id,
		.n_workers = RIG_QUEUES,
		.pool = rig->pool,
		.profiles = &profiles};
	int rc = profiles_load(&profiles, NULL, err);
	if (rc)
		return rc;
	rc = port_open(&config, &rp->port, err);
	profiles_fini(&profiles);
	return rc;
}

static int
find_backends(struct rig *rig, const char *const *names, unsigned n_names, struct err *err)
{
	if (n_names > RIG_MAX_BACKENDS)
		return err_set(err, -EINVAL, "at most %d backends", RIG_MAX_BACKENDS);
	for (unsigned i = 0; i < n_names; i++) {
		struct aead_wish wish = {names[i], "--backend"};
		int rc = aead_choose(&wish, &rig->backends[rig->n_backends++], err);
		if (rc)
			return rc;
	}
	for (unsigned i = 0; !n_names && aead_backends[i]; i++) {
		if (aead_backends[i]->is_supported() && rig->n_backends < RIG_MAX_BACKENDS)
			rig->backends[rig->n_backends++].backend = aead_backends[i];
	}
	struct aead_choice best;
	int rc = aead_choose(NULL, &best, err);
	/* As a gateway would have it: with a second backend if one is better at some bursts. */
	for (unsigned i = 0; !rc && !n_names && i < rig->n_backends; i++) {
		if (rig->backends[i].backend == best.backend)
			rig->backends[i] = best;
	}
	return rc ? rc : aead_create(&rig->sealer, &best, err);
}

/*
 * Buffers back to back, as the gateway's are. Without hugepages rte_pktmbuf_pool_create keeps them
 * within 4 KiB pages: one in each, all in the same sets of the L1 cache, which holds 12 of them.
 */
static struct rte_mempool *
pool_create(bool cycles)
{
	struct rte_mempool *pool = rte_mempool_create_empty("perf", POOL_MBUFS,
		sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, cycles ? 0 : POOL_CACHE,
		sizeof(struct rte_pktmbuf_pool_private), SOCKET_ID_ANY,
		RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (!pool)
		return NULL;
	rte_pktmbuf_pool_init(pool, NULL);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

int
rig_create(struct rig *rig, const char *const *names, unsigned n_names, struct err *err)
{
	int rc = crypto_init(err);
	if (!rc)
		rc = find_backends(rig, names, n_names, err);
	if (!rc)
		rc = start_eal(err);
	if (rc)
		return rc;
	rig->pool = pool_create(rig->cycles_buffers);
	if (!rig->pool || mailboxes_init(&rig->boxes, 1))
		return err_set(err, -ENOMEM, "no memory for packet buffers and mailboxes");
	rc = port_create(rig, &rig->lan, "lan", LAN_LINK, err);
	return rc ? rc : port_create(rig, &rig->wan, "wan", WAN_LINK, err);
}

void
rig_destroy(struct rig *rig)
{
	aead_destroy(&rig->sealer);
	if (rig->lan.port)
		port_close(rig->lan.port);
	if (rig->wan.port)
		port_close(rig->wan.port);
	if (rig->pool)
		(void)rte_eal_cleanup();
}

static int
add_peer(struct world *world, uint32_t i, uint16_t iface_id, ns_t now_ns)
{
	struct tables *t = world->config.tables;
	struct far_end *f = &world->peers[i];
	struct prefix inner = {.addr = addr_from_v4(peer_inner(i)), .len = 32};
	struct endpoint remote = {.addr = peer_outer(world, i), .port = RIG_PEER_PORT};
	uint32_t peer_id = 0;

	secret_random(f, sizeof(*f));
	f->next_counter = 0;
	int rc = tables_peer_add(t, iface_id, &peer_id);
	if (!rc)
		rc = tables_allowed_set(t, iface_id, &inner, peer_id);
	if (!rc)
		rc = tables_encap_set(t, peer_id, &remote, NULL);
	if (!rc)
		rc = tables_index_reserve(t, peer_id, &f->gateway_index);
	if (rc)
		return rc;
	/* Traffic flows already: control was told of each peer's first packet. */
	tables_peer(t, peer_id)->is_armed = true;
	struct session_keys keys = {.local_index = f->gateway_index,
		.remote_index = f->own_index,
		.is_initiator = true};
	memcpy(keys.send_key, f->send_key, SESSION_KEY_BYTES);
	memcpy(keys.recv_key, f->recv_key, SESSION_KEY_BYTES);
	return tables_session_install(t, &keys, 0, now_ns);
}

/* A route to `prefix` out of the port, or into the tunnel when port is NULL. */
static int
add_route(struct tables *t, enum tables_which which, const char *prefix, const struct port *port,
	const struct nexthop *spec)
{
	struct prefix p;
	uint32_t id = 0;
	struct nexthop nh = *spec;
	static const uint8_t neighbour[6] = {2, 0, 0, 0, 0, 9};
	if (port) {
		nh.type = NEXTHOP_LINK;
		nh.link_id = port->link_id;
		nh.ethernet_bytes = 14;
		nh.mtu = port->mtu;
		memcpy(nh.ethernet, neighbour, 6);
		memcpy(nh.ethernet + 6, port->mac.bytes, 6);
	}
	int rc = prefix_parse(prefix, &p);
	if (!rc)
		rc = tables_nexthop_add(t, &nh, &id);
	return rc ? rc : tables_route_set(t, which, &p, id);
}

static int
lay_tables(struct world *world)
{
	struct rig *rig = world->rig;
	struct tables *t = world->config.tables;
	struct addr local = world_local(world);
	uint16_t iface_id = 0;
	bool is_v4 = world->outer_family == ADDR_V4;
	int rc = tables_iface_add(t, RIG_TUNNEL_MTU, &iface_id);
	if (!rc)
		rc = tables_iface_set_port(t, iface_id, RIG_LISTEN_PORT);
	if (!rc)
		rc = tables_locals_set(t, &local, 1);
	struct nexthop tunnel = {.type = NEXTHOP_TUNNEL, .iface_id = iface_id,
		.link_id = link_of_iface(iface_id)};
	if (!rc)
		rc = add_route(t, TABLES_FORWARD, "10.0.0.0/8", NULL, &tunnel);
	if (!rc)
		rc = add_route(
			t, TABLES_FORWARD, "192.168.10.0/24", rig->lan.port, &(struct nexthop){0});
	if (!rc)
		rc = add_route(t, TABLES_UNDERLAY, is_v4 ? "198.18.0.0/15" : "2001:db8:1::/48",
			rig->wan.port, &(struct nexthop){.source = local});
	ns_t now_ns = clock_boot_ns();
	for (uint32_t i = 0; !rc && i < world->n_peers; i++) {
		rc = add_peer(world, i, iface_id, now_ns);
		rcu_reader_quiescent();
	}
	return rc;
}

int
world_create(struct world *world, struct rig *rig, struct err *err)
{
	uint32_t n_peers = world->n_peers;
	world->rig = rig;
	world->peers = calloc(n_peers, sizeof(*world->peers));
	struct path_config *c = &world->config;
	c->tables = tables_create(n_peers, &ageless, err);
	if (!world->peers || !c->tables)
		return err_set(err, -ENOMEM, "no memory for %u peers", n_peers);
	c->boxes = &rig->boxes;
	c->pool = rig->pool;
	c->n_workers = 1;
	c->ports[rig->lan.port->link_id] = rig->lan.port;
	c->ports[rig->wan.port->link_id] = rig->wan.port;
	int rc = lay_tables(world);
	if (rc)
		return err_set(err, rc, "cannot lay out %u peers: %s", n_peers, strerror(-rc));
	for (unsigned i = 0; !rc && i < rig->n_backends; i++) {
		c->crypto = &rig->backends[i];
		world->workers[i] = worker_create(c, 0, err);
		if (!world->workers[i])
			return -ENOMEM;
		world->workers[i]->measures_aead = true;
	}
	return 0;
}

int
world_watch_create(struct world *world, enum watch_kind kind, struct err *err)
{
	static const char *const nobody[] = {"address", "192.0.2.1"};
	static struct watch_plan plan;
	memset(&plan, 0, sizeof(plan));
	plan.kind = kind;
	plan.snap_bytes = WATCH_MAX_SNAP_BYTES;
	for (uint16_t link = 0; link < LINK_COUNT; link++)
		watch_add_link(&plan, link);
	int rc = match_parse(&plan.match, nobody, ARRAY_COUNT(nobody), err);
	world->watch = rc ? NULL : watch_create(&plan, 1, err);
	world->watches = world->watch ? watch_set_with(NULL, world->watch) : NULL;
	return world->watches ? 0 : err_set(err, -ENOMEM, "no memory to look at packets");
}

void
world_watch(struct world *world, bool is_on)
{
	uint32_t n_bytes;
	world->config.tables->watches = is_on ? world->watches : NULL;
	while (watch_ring_first(world->watch->lanes[0].ring, &n_bytes))
		watch_ring_drop(world->watch->lanes[0].ring);
}

void
world_destroy(struct world *world)
{
	free(world->watches);
	watch_destroy(world->watch);
	for (unsigned i = 0; i < RIG_MAX_BACKENDS; i++)
		worker_destroy(world->workers[i]);
	if (world->config.tables)
		flows_destroy(world);
	if (world->config.tables)
		tables_destroy(world->config.tables);
	if (world->peers)
		secret_wipe(world->peers, world->n_peers * sizeof(*world->peers));
	free(world->peers);
}
