/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"
#include "wire/ip.h"
#include "wire/wg.h"

enum { POOL_MBUFS = 511, RING_SLOTS = 128 };

/* What DPDK can make but once a process. */
static struct {
	struct rte_mempool *pool;
	struct aead_choice crypto;
	struct rte_ring *rx[SCENE_PORTS], *tx[SCENE_PORTS][SCENE_WORKERS];
	struct port *ports[SCENE_PORTS + 1]; /* the VLAN as well */
} rig;

static void
must(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "scene: %s failed\n", what);
		abort();
	}
}
#define MUST(x) must((x), #x)

static bool
start_eal(void)
{
	char prefix[48];
	snprintf(prefix, sizeof(prefix), "--file-prefix=hg-scene-%d", (int)getpid());
	char *args[] = {(char[]){"scene"}, (char[]){"--no-huge"}, (char[]){"--no-pci"},
		(char[]){"-m64"}, (char[]){"--no-telemetry"}, (char[]){"--no-shconf"},
		(char[]){"--log-level=error"}, (char[]){"-l0"}, prefix};
	return rte_eal_init((int)ARRAY_COUNT(args), args) >= 0 && crypto_init(NULL) == 0;
}

/* One RX queue, worker 0's; a TX queue for each worker. */
static void
open_port(enum scene_port i, const char *name)
{
	struct err err;
	struct profiles profiles;
	char text[32];
	snprintf(text, sizeof(text), "%s-rx", name);
	rig.rx[i] = rte_ring_create(text, RING_SLOTS, SOCKET_ID_ANY, 0);
	MUST(rig.rx[i]);
	for (unsigned q = 0; q < SCENE_WORKERS; q++) {
		snprintf(text, sizeof(text), "%s-tx%u", name, q);
		rig.tx[i][q] = rte_ring_create(text, RING_SLOTS, SOCKET_ID_ANY, 0);
		MUST(rig.tx[i][q]);
	}
	MUST(rte_eth_from_rings(name, &rig.rx[i], 1, rig.tx[i], SCENE_WORKERS, 0) >= 0);
	snprintf(text, sizeof(text), "net_ring_%s", name);
	struct port_config config = {.name = name,
		.device = text,
		.link_id = (uint16_t)i,
		.n_workers = SCENE_WORKERS,
		.pool = rig.pool,
		.profiles = &profiles};
	MUST(profiles_load(&profiles, NULL, &err) == 0);
	MUST(port_open(&config, &rig.ports[i], &err) == 0);
	profiles_fini(&profiles);
	rig.ports[i]->mac = (struct mac){{2, 0, 0, 0, 1, (uint8_t)i}};
}

bool
scene_begin(void)
{
	return scene_begin_with(RTE_MBUF_DEFAULT_BUF_SIZE);
}

bool
scene_begin_with(uint16_t buffer_bytes)
{
	if (!start_eal())
		return false;
	rig.pool = rte_pktmbuf_pool_create("scene", POOL_MBUFS, 0, 0, buffer_bytes,
		SOCKET_ID_ANY);
	MUST(rig.pool);
	MUST(aead_choose(NULL, &rig.crypto, NULL) == 0);
	open_port(SCENE_LAN, "lan");
	open_port(SCENE_WAN, "wan");
	return true;
}

static struct addr
address(const char *text)
{
	struct addr a;
	MUST(addr_parse(text, &a) == 0);
	return a;
}

static uint32_t
add_route(struct scene *s, enum tables_which which, const char *prefix, struct nexthop nh)
{
	struct prefix p;
	uint32_t id;
	if (nh.type == NEXTHOP_LINK) {
		nh.ethernet_bytes = ETHERNET_BYTES;
		memcpy(nh.ethernet, (const uint8_t[6]){2, 0, 0, 0, 2, 9}, 6);
		memcpy(nh.ethernet + 6, rig.ports[nh.link_id]->mac.bytes, 6);
		nh.mtu = 1500;
	}
	MUST(prefix_parse(prefix, &p) == 0);
	MUST(tables_nexthop_add(s->tables, &nh, &id) == 0);
	MUST(tables_route_set(s->tables, which, &p, id) == 0);
	return id;
}

static void
add_routes(struct scene *s)
{
	struct nexthop tunnel = {.type = NEXTHOP_TUNNEL, .iface_id = s->iface_id,
		.link_id = link_of_iface(s->iface_id)};
	struct nexthop tunnel6 = tunnel;
	struct nexthop lan = {.type = NEXTHOP_LINK, .link_id = SCENE_LAN,
		.source = address("192.168.10.1")};
	struct nexthop lan6 = lan;
	struct nexthop lan_glean = {.type = NEXTHOP_GLEAN, .link_id = SCENE_LAN, .mtu = 1500};
	struct nexthop wan = {.type = NEXTHOP_LINK, .link_id = SCENE_WAN,
		.source = address("203.0.113.2")};
	struct nexthop wan6 = wan;
	struct nexthop wan_glean = wan;
	tunnel.source = address("10.0.0.1");
	tunnel6.source = address("fd00::1");
	lan6.source = address("fd01::1");
	wan6.source = address("2001:db8::2");
	wan_glean.type = NEXTHOP_GLEAN;
	add_route(s, TABLES_FORWARD, "10.0.0.0/8", tunnel);
	add_route(s, TABLES_FORWARD, "fd00::/16", tunnel6);
	add_route(s, TABLES_FORWARD, "172.16.0.0/12", (struct nexthop){.type = NEXTHOP_BLACKHOLE});
	s->lan_id = add_route(s, TABLES_FORWARD, "192.168.10.0/24", lan);
	add_route(s, TABLES_FORWARD, "fd01::/16", lan6);
	s->lan_glean_id = add_route(s, TABLES_FORWARD, "192.168.20.0/24", lan_glean);
	s->wan_id = add_route(s, TABLES_UNDERLAY, "198.51.100.0/24", wan);
	s->wan_glean_id = add_route(s, TABLES_UNDERLAY, "198.51.101.0/24", wan_glean);
	s->wan6_id = add_route(s, TABLES_UNDERLAY, "2001:db8:1::/48", wan6);
}

void
scene_endpoint(struct scene *s, unsigned peer, const char *text)
{
	struct scene_peer *p = &s->peers[peer];
	p->endpoint = (struct endpoint){.addr = address(text), .port = SCENE_PEER_PORT};
	MUST(tables_encap_set(s->tables, p->id, &p->endpoint, NULL) == 0);
}

void
scene_session(struct scene *s, unsigned peer, bool is_initiator, uint16_t worker, ns_t age_ns)
{
	struct scene_peer *p = &s->peers[peer];
	struct session_keys keys = {.is_initiator = is_initiator};
	secret_random(p->send_key, sizeof(p->send_key));
	secret_random(p->recv_key, sizeof(p->recv_key));
	memcpy(keys.send_key, p->send_key, SESSION_KEY_BYTES);
	memcpy(keys.recv_key, p->recv_key, SESSION_KEY_BYTES);
	p->own_index = 0xa0000000u + peer;
	p->next_counter = 0;
	keys.remote_index = p->own_index;
	MUST(tables_index_reserve(s->tables, p->id, &p->gateway_index) == 0);
	keys.local_index = p->gateway_index;
	MUST(tables_session_install(s->tables, &keys, worker, clock_boot_ns() - age_ns) == 0);
}

static void
add_peers(struct scene *s)
{
	static const struct {
		const char *allowed[2], *endpoint;
		bool has_session;
	} rows[SCENE_PEERS] = {
		[ANNE] = {{"10.1.0.0/16", "fd00:1::/32"}, "198.51.100.1", true},
		[BERT] = {{"10.2.0.0/16"}, "198.51.100.2", true},
		[CARL] = {{"10.3.0.0/16"}, NULL, false},
		[DORA] = {{"10.4.0.0/16"}, "198.51.100.4", false},
	};
	for (unsigned i = 0; i < SCENE_PEERS; i++) {
		MUST(tables_peer_add(s->tables, s->iface_id, &s->peers[i].id) == 0);
		for (unsigned k = 0; k < 2 && rows[i].allowed[k]; k++) {
			struct prefix p;
			MUST(prefix_parse(rows[i].allowed[k], &p) == 0);
			MUST(tables_allowed_set(s->tables, s->iface_id, &p, s->peers[i].id) == 0);
		}
		if (rows[i].endpoint)
			scene_endpoint(s, i, rows[i].endpoint);
		if (rows[i].has_session)
			scene_session(s, i, true, 0, 0);
	}
}

static void
add_workers(struct scene *s, unsigned n_workers)
{
	struct path_config *c = &s->config;
	char name[24];
	struct err err;
	c->tables = s->tables;
	c->boxes = &s->boxes;
	c->pool = rig.pool;
	c->n_workers = n_workers;
	c->has_host = true;
	c->crypto = &rig.crypto;
	for (unsigned i = 0; i < SCENE_PORTS; i++)
		c->ports[i] = rig.ports[i];
	for (unsigned i = 0; i < n_workers; i++) {
		struct frame_ring **rings[4] = {&c->kernel[i].to_kernel_urgent,
			&c->kernel[i].to_kernel_bulk, &c->kernel[i].from_kernel_urgent,
			&c->kernel[i].from_kernel_bulk};
		for (unsigned k = 0; k < 4; k++) {
			snprintf(name, sizeof(name), "kernel-%u-%u", i, k);
			*rings[k] = frame_ring_create(name, 64, 0, &err);
			MUST(*rings[k]);
		}
		snprintf(name, sizeof(name), "handoff-%u", i);
		c->handoff[i] = rte_ring_create(name, 64, SOCKET_ID_ANY, 0);
		MUST(c->handoff[i]);
		s->workers[i] = worker_create(c, i, &err);
		MUST(s->workers[i]);
	}
}

void
scene_create(struct scene *s, unsigned n_workers)
{
	struct err err;
	struct addr locals[2] = {address("203.0.113.2"), address("2001:db8::2")};
	*s = (struct scene){.times = protocol_times_default};
	rcu_reader_register();
	s->tables = tables_create(4096, &s->times, &err);
	MUST(s->tables);
	MUST(mailboxes_init(&s->boxes, n_workers) == 0);
	MUST(tables_locals_set(s->tables, locals, 2) == 0);
	MUST(tables_iface_add(s->tables, SCENE_MTU, &s->iface_id) == 0);
	MUST(tables_iface_add(s->tables, SCENE_MTU, &s->iface_id_1) == 0);
	MUST(tables_iface_set_port(s->tables, s->iface_id, SCENE_LISTEN) == 0);
	MUST(tables_iface_set_port(s->tables, s->iface_id_1, SCENE_LISTEN_1) == 0);
	add_routes(s);
	add_peers(s);
	add_workers(s, n_workers);
}

void
scene_vlan(struct scene *s)
{
	struct port_config config = {.name = "vlan", .device = "lan.100", .link_id = SCENE_VLAN};
	struct port *lan = rig.ports[SCENE_LAN];
	struct nexthop nh = {.type = NEXTHOP_LINK, .link_id = SCENE_VLAN};
	if (!rig.ports[SCENE_VLAN])
		MUST(port_open_vlan(lan, &config, SCENE_VLAN_ID, &rig.ports[SCENE_VLAN], NULL) ==
			0);
	s->config.ports[SCENE_VLAN] = rig.ports[SCENE_VLAN];
	MUST(port_vlan_begin(lan, rig.ports[SCENE_VLAN], NULL) == 0);
	add_route(s, TABLES_FORWARD, "192.168.30.0/24", nh);
	nh.source = address("203.0.113.2");
	add_route(s, TABLES_UNDERLAY, "198.51.102.0/24", nh);
}

static void
drain(struct rte_ring *ring)
{
	struct rte_mbuf *m;
	while (rte_ring_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

void
scene_destroy(struct scene *s)
{
	struct event_mail mail;
	while (mailbox_take(s->boxes.events, &mail, 1)) {
		if (mail.kind == EVENT_ENCAP_REPLACED)
			tables_encap_retire(s->tables, mail.encap);
	}
	rcu_reader_unregister();
	for (unsigned i = 0; i < s->config.n_workers; i++) {
		worker_destroy(s->workers[i]);
		drain(s->config.handoff[i]);
		rte_ring_free(s->config.handoff[i]);
		frame_ring_destroy(s->config.kernel[i].to_kernel_urgent);
		frame_ring_destroy(s->config.kernel[i].to_kernel_bulk);
		frame_ring_destroy(s->config.kernel[i].from_kernel_urgent);
		frame_ring_destroy(s->config.kernel[i].from_kernel_bulk);
	}
	for (unsigned i = 0; i < SCENE_PORTS; i++) {
		drain(rig.rx[i]);
		for (unsigned q = 0; q < SCENE_WORKERS; q++)
			drain(rig.tx[i][q]);
		rig.ports[i]->is_up = true;
		rig.ports[i]->completes_checksums = false;
		rig.ports[i]->n_tx_queues = SCENE_WORKERS;
	}
	if (rig.ports[SCENE_LAN]->vlan_links)
		rig.ports[SCENE_LAN]->vlan_links[SCENE_VLAN_ID] = 0;
	tables_destroy(s->tables);
	mailboxes_fini(&s->boxes);
}

void
scene_turn(struct scene *s)
{
	worker_turn(s->workers[0]);
	rcu_reader_quiescent();
}

void
scene_turn_all(struct scene *s)
{
	for (unsigned n = 1; n;) {
		n = 0;
		for (unsigned i = 0; i < s->config.n_workers; i++)
			n += worker_turn(s->workers[i]);
		rcu_reader_quiescent();
	}
}

void
scene_put(enum scene_port port, struct rte_mbuf *m)
{
	MUST(rte_ring_enqueue(rig.rx[port], m) == 0);
}

struct rte_mbuf *
scene_take(enum scene_port port)
{
	struct rte_mbuf *m = NULL;
	for (unsigned q = 0; q < SCENE_WORKERS && !m; q++) {
		if (rte_ring_dequeue(rig.tx[port][q], (void **)&m) != 0)
			m = NULL;
	}
	return m;
}

struct rte_mbuf *
scene_take_kernel(struct scene *s)
{
	struct frame *f = NULL;
	if (frame_ring_pop(s->config.kernel[0].to_kernel_urgent, &f, 1) == 0 &&
		frame_ring_pop(s->config.kernel[0].to_kernel_bulk, &f, 1) == 0)
		return NULL;
	return (struct rte_mbuf *)f;
}

bool
scene_is_silent(struct scene *s)
{
	bool is_silent = true;
	for (unsigned i = 0; i < SCENE_PORTS; i++) {
		for (unsigned q = 0; q < SCENE_WORKERS; q++)
			is_silent &= rte_ring_empty(rig.tx[i][q]) != 0;
	}
	return is_silent && frame_ring_is_empty(s->config.kernel[0].to_kernel_urgent) &&
	       frame_ring_is_empty(s->config.kernel[0].to_kernel_bulk);
}

uint64_t
scene_drops(const struct scene *s, enum drop_reason reason)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < s->config.n_workers; i++)
		n += s->workers[i]->drops.n_pkts[reason];
	return n;
}

uint64_t
scene_all_drops(const struct scene *s)
{
	uint64_t n = 0;
	for (unsigned r = 0; r < DROP_REASONS; r++)
		n += scene_drops(s, (enum drop_reason)r);
	return n;
}

bool
scene_event(struct scene *s, enum event_kind kind, struct event_mail *out)
{
	while (mailbox_take(s->boxes.events, out, 1)) {
		if (out->kind == EVENT_ENCAP_REPLACED)
			tables_encap_retire(s->tables, out->encap);
		if (out->kind == kind)
			return true;
	}
	return false;
}

unsigned
scene_buffers_used(void)
{
	return rte_mempool_in_use_count(rig.pool);
}

void
scene_fix_checksum(uint8_t *ip)
{
	uint64_t sum = 0;
	store_le16(ip + 10, 0);
	for (unsigned at = 0; at < ipv4_header_bytes(ip); at += 2)
		sum += load_le16(ip + at);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(sum));
}

/* An IP header for `payload` bytes of UDP; returns its size. */
static uint32_t
put_ip(uint8_t *ip, const struct addr *src, const struct addr *dst, uint32_t payload)
{
	bool is_v4 = src->family == ADDR_V4;
	memset(ip, 0, IPV6_BYTES);
	ip[0] = is_v4 ? 0x45 : 0x60;
	store_be16(ip + (is_v4 ? 2 : 4), (uint16_t)(payload + (is_v4 ? IPV4_BYTES : 0)));
	ip[is_v4 ? 8 : 7] = 64;
	ip[is_v4 ? 9 : 6] = IP_PROTO_UDP;
	memcpy(ip + (is_v4 ? 12 : 8), src->bytes, addr_n_bytes(src->family));
	memcpy(ip + (is_v4 ? 16 : 24), dst->bytes, addr_n_bytes(dst->family));
	if (is_v4)
		scene_fix_checksum(ip);
	return is_v4 ? IPV4_BYTES : IPV6_BYTES;
}

uint32_t
scene_ip(uint8_t *ip, const char *src, const char *dst, uint32_t n_bytes)
{
	struct addr from = address(src), to = address(dst);
	uint32_t header = from.family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
	put_ip(ip, &from, &to, n_bytes - header);
	for (uint32_t i = header; i < n_bytes; i++)
		ip[i] = (uint8_t)(n_bytes + i * 7);
	if (n_bytes >= header + UDP_BYTES) {
		store_be16(ip + header, 1234);
		store_be16(ip + header + 2, 4321);
		store_be16(ip + header + 4, (uint16_t)(n_bytes - header));
		store_be16(ip + header + 6, 0);
	}
	return n_bytes;
}

struct rte_mbuf *
scene_bytes(const uint8_t *bytes, uint32_t n_bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig.pool);
	MUST(m);
	uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)n_bytes);
	MUST(p);
	memcpy(p, bytes, n_bytes);
	return m;
}

struct rte_mbuf *
scene_frame(enum scene_port port, const uint8_t *ip, uint32_t n_bytes)
{
	uint8_t frame[ETHERNET_BYTES + SCENE_MAX_BYTES];
	MUST(n_bytes <= SCENE_MAX_BYTES);
	memcpy(frame, rig.ports[port]->mac.bytes, 6);
	memcpy(frame + 6, (const uint8_t[6]){2, 0, 0, 0, 2, 9}, 6);
	store_be16(frame + 12, ip_version(ip) == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	memcpy(frame + ETHERNET_BYTES, ip, n_bytes);
	return scene_bytes(frame, ETHERNET_BYTES + n_bytes);
}

/* The data message at `data`; returns its length. */
static uint32_t
put_message(struct scene_peer *p, struct wg_data *data, const uint8_t *plain, uint32_t n_bytes,
	const struct scene_seal *how)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	uint32_t padded = (n_bytes + 15) / 16 * 16 + how->extra_bytes;
	data->type = WG_DATA;
	data->receiver_index = p->gateway_index;
	data->counter = how->has_counter ? how->counter : p->next_counter++;
	memset(data->sealed, 0, padded);
	if (n_bytes)
		memcpy(data->sealed, plain, n_bytes);
	aead_nonce_of_counter(nonce, data->counter);
	aead_seal(p->recv_key, nonce,
		&(struct aead_message){
			.in = data->sealed, .in_bytes = padded, .out = data->sealed});
	data->sealed[padded + 3] ^= how->is_damaged;
	return padded + WG_DATA_OVERHEAD_BYTES;
}

struct rte_mbuf *
scene_sealed(struct scene *s, unsigned peer, const uint8_t *plain, uint32_t n_bytes,
	const struct scene_seal *how)
{
	struct scene_peer *p = &s->peers[peer];
	struct addr from = how->from ? address(how->from) : p->endpoint.addr;
	bool is_v4 = from.family == ADDR_V4;
	struct addr to = address(how->to ? how->to : is_v4 ? "203.0.113.2" : "2001:db8::2");
	uint32_t header = is_v4 ? IPV4_BYTES : IPV6_BYTES;
	_Alignas(8) uint8_t ip[SCENE_MAX_BYTES];
	uint8_t message[SCENE_MAX_BYTES];
	uint32_t n = put_message(p, (struct wg_data *)message, plain, n_bytes, how);
	put_ip(ip, &from, &to, UDP_BYTES + n);
	if (is_v4) {
		ip[1] = how->outer_tos;
		scene_fix_checksum(ip);
	} else {
		ip[0] |= how->outer_tos >> 4;
		ip[1] = (uint8_t)(how->outer_tos << 4);
	}
	store_be16(ip + header, p->endpoint.port ? p->endpoint.port : SCENE_PEER_PORT);
	store_be16(ip + header + 2, how->to_port ? how->to_port : SCENE_LISTEN);
	store_be16(ip + header + 4, (uint16_t)(UDP_BYTES + n));
	store_be16(ip + header + 6, 0);
	memcpy(ip + header + UDP_BYTES, message, n);
	return scene_frame(SCENE_WAN, ip, header + UDP_BYTES + n);
}

uint8_t *
scene_packet(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, uint8_t *, ETHERNET_BYTES);
}

uint32_t
scene_open(const struct scene *s, unsigned peer, const struct rte_mbuf *m, uint8_t *plain,
	uint64_t *counter)
{
	const struct scene_peer *p = &s->peers[peer];
	uint8_t family, nonce[AEAD_NONCE_BYTES], *ip = scene_packet(m);
	uint32_t n = ip_check(ip, m->data_len - ETHERNET_BYTES, &family);
	uint32_t header = (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
	if (n < header + WG_DATA_OVERHEAD_BYTES || n + ETHERNET_BYTES != m->data_len)
		return UINT32_MAX;
	const struct wg_data *data = (const struct wg_data *)(ip + header);
	struct aead_message message = {
		.in = data->sealed, .in_bytes = n - header - sizeof(*data), .out = plain};
	aead_nonce_of_counter(nonce, data->counter);
	if (data->type != WG_DATA || data->receiver_index != p->own_index ||
		message.in_bytes > SCENE_MAX_BYTES || aead_open(p->send_key, nonce, &message) != 0)
		return UINT32_MAX;
	*counter = data->counter;
	return (uint32_t)message.in_bytes - AEAD_TAG_BYTES;
}
