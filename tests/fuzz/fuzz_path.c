/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole worker under hostile frames. The input is a script of records (what, length, bytes):
 * raw frames and IP packets from both ports, datagrams to our ListenPort, plain texts that a
 * known peer has really sealed, packets of the kernel's own, orders, and changes by control.
 *
 * Whatever comes: what leaves by the LAN was sealed by the peer whose source address it bears,
 * what leaves sealed is for the peer to whom its destination belongs, and no buffer is lost.
 */
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/wg.h"

enum {
	MAX_RECORDS = 48,
	INPUTS_A_WAIT = 256, /* of 48 sessions at most: fewer than the scene has slots */
	MAX_RECORD_BYTES = 1500,
	DATA_HEADER_BYTES = sizeof(struct wg_data),
};

enum what {
	LAN_FRAME,
	WAN_FRAME,
	LAN_PACKET,     /* in a frame to us, IPv4 checksum put right */
	WAN_PACKET,
	WAN_DATAGRAM,   /* to our port, from ANNE's address */
	WAN_DATA,       /* the same, with ANNE's receiver index in front */
	SEALED_BY_ANNE, /* two bytes of how, then the plain text */
	SEALED_BY_BERT,
	TUN_PACKET,
	ORDER,
	CHANGE,
	TURN,
	WHATS,
};

struct record {
	enum what what;
	const uint8_t *bytes;
	uint32_t n_bytes;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);
int __lsan_is_turned_off(void);

/*
 * What is retired is freed some milliseconds after its input, which would look like a leak of that
 * input. The path itself allocates but buffers, and those are counted; the unit tests look for
 * leaks in the tables.
 */
int
__lsan_is_turned_off(void)
{
	return 1;
}

static struct scene scene;

static void
must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "fuzz-path: %s\n", what);
	abort();
}

static void
put_packet(enum scene_port port, const struct record *r)
{
	uint8_t ip[MAX_RECORD_BYTES];
	if (!r->n_bytes)
		return;
	memcpy(ip, r->bytes, r->n_bytes);
	if (ip[0] >> 4 == 4 && r->n_bytes >= 60)
		scene_fix_checksum(ip);
	scene_put(port, scene_frame(port, ip, r->n_bytes));
}

static void
put_datagram(const struct record *r, bool is_data)
{
	_Alignas(8) uint8_t ip[IPV4_BYTES + UDP_BYTES + DATA_HEADER_BYTES + MAX_RECORD_BYTES] = {0};
	uint32_t header = is_data ? DATA_HEADER_BYTES : 0;
	uint32_t n = IPV4_BYTES + UDP_BYTES + header + r->n_bytes;
	if (n > MAX_RECORD_BYTES)
		return;
	scene_ip(ip, "198.51.100.1", "203.0.113.2", n);
	uint8_t *udp = ip + IPV4_BYTES;
	store_be16(udp, SCENE_PEER_PORT);
	store_be16(udp + 2, SCENE_LISTEN);
	memcpy(udp + UDP_BYTES + header, r->bytes, r->n_bytes);
	if (is_data) {
		store_le32(udp + UDP_BYTES, WG_DATA);
		store_le32(udp + UDP_BYTES + 4, scene.peers[ANNE].gateway_index);
		store_le64(udp + UDP_BYTES + 8, r->n_bytes);
	}
	scene_put(SCENE_WAN, scene_frame(SCENE_WAN, ip, n));
}

static void
put_sealed(unsigned peer, const struct record *r)
{
	static const char *const places[4] = {NULL, "198.51.100.66", "2001:db8:1::66", "192.0.2.1"};
	static const uint16_t ports[4] = {SCENE_LISTEN, SCENE_LISTEN, SCENE_LISTEN, SCENE_LISTEN_1};
	if (r->n_bytes < 2)
		return;
	uint8_t how = r->bytes[0];
	scene_put(SCENE_WAN,
		scene_sealed(&scene, peer, r->bytes + 2, r->n_bytes - 2,
			&(struct scene_seal){.from = places[how & 3],
				.to_port = ports[how >> 2 & 3],
				.is_damaged = (how & 0xf0) == 0x10,
				.has_counter = (how & 0xf0) == 0x20,
				.counter = (uint64_t)r->bytes[1] << (how & 15) * 4,
				.outer_tos = r->bytes[1]}));
}

static void
put_tun(const struct record *r)
{
	struct frame *f = (struct frame *)scene_bytes(r->bytes, r->n_bytes);
	frame_set_link(f, link_of_iface(scene.iface_id));
	must(frame_ring_push(scene.config.kernel[0].from_kernel_bulk, &f, 1) == 1, "kernel ring");
}

static void
give_order(const struct record *r)
{
	static const uint16_t sizes[4] = {148, 92, 64, 148};
	if (r->n_bytes < 3)
		return;
	struct order_mail order = {.kind = r->bytes[0] % (ORDER_PARKED_DROP + 1),
		.peer_id = scene.peers[r->bytes[1] % SCENE_PEERS].id,
		.iface_id = scene.iface_id,
		.n_bytes = sizes[r->bytes[2] & 3],
		.path.remote = scene.peers[r->bytes[1] % SCENE_PEERS].endpoint};
	if (order.path.remote.addr.family == ADDR_NONE)
		order.path.remote = scene.peers[ANNE].endpoint;
	(void)mailbox_put(scene.boxes.orders[0], &order);
}

static void
change(const struct record *r)
{
	static const uint16_t mtus[4] = {SCENE_MTU, 68, 1500, 1280};
	uint8_t what = r->n_bytes ? r->bytes[0] : 0;
	struct port *lan = scene.config.ports[SCENE_LAN];
	switch (what & 7) {
	case 0:
		lan->is_up = !lan->is_up;
		break;
	case 1:
		lan->completes_checksums = !lan->completes_checksums;
		break;
	case 2:
		tables_iface_set_mtu(scene.tables, scene.iface_id, mtus[what >> 3 & 3]);
		break;
	case 3:
		scene_endpoint(&scene, CARL, "198.51.101.3"); /* its neighbour is not known */
		break;
	case 4:
		scene_session(&scene, what & 8 ? CARL : DORA, what & 16, 0, 0);
		break;
	case 5:
		tables_sessions_wipe(scene.tables, scene.peers[what & 8 ? CARL : DORA].id);
		break;
	case 6:
		scene.config.has_host = !scene.config.has_host;
		break;
	default:
		scene.workers[0]->park.lots[what >> 3 & 7].give_up_ns = 0;
		break;
	}
}

static bool
is_within(const uint8_t *address, uint8_t family, unsigned peer)
{
	const struct iface_entry *iface = &scene.tables->ifaces[scene.iface_id];
	return route_lookup(iface->allowed[family == ADDR_V6], address) == scene.peers[peer].id;
}

/* An ICMP error about a packet that was dropped: of ours, whole, and about no error itself. */
static bool
is_error_of_ours(const uint8_t *ip, uint8_t family, uint32_t n)
{
	static const char *const own[] = {"192.168.10.1", "fd01::1", "192.0.0.8"};
	uint32_t header = family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
	struct addr source = addr_from_bytes(family, ip_source(ip, family)), a;
	bool is_own = false;
	for (unsigned i = 0; i < ARRAY_COUNT(own); i++)
		is_own |= addr_parse(own[i], &a) == 0 && addr_is_equal(&a, &source);
	if (!is_own || ip[family == ADDR_V4 ? 9 : 6] !=
			       (family == ADDR_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6))
		return false;
	uint64_t sum = ip_sum(ip + header, n - header);
	if (family == ADDR_V6)
		sum += ip_sum(ip + 8, 32) + __builtin_bswap32(n - header) +
		       __builtin_bswap16(IP_PROTO_ICMPV6);
	must(ip_sum_fold(sum) == 0xffff, "checksum of an error");
	must(!icmp_may_answer(ip, family, n), "an answer that is no error");
	return true;
}

static void
judge_lan(const struct rte_mbuf *m)
{
	uint8_t family;
	const uint8_t *ip = scene_packet(m);
	uint32_t header_bytes = ETHERNET_BYTES;
	must(m->data_len == m->pkt_len && m->data_len > ETHERNET_BYTES, "length of a LAN frame");
	if (load_be16(ip - 2) == ETHERTYPE_VLAN) {
		must(load_be16(ip) == SCENE_VLAN_ID, "a tag of nobody's");
		header_bytes += VLAN_TAG_BYTES;
		ip += VLAN_TAG_BYTES;
		must(ip[16] == 192 && ip[17] == 168 && ip[18] == 30,
			"tagged, but not for the VLAN");
	}
	uint32_t n = ip_check(ip, m->data_len - header_bytes, &family);
	must(n && n + header_bytes == m->data_len, "LAN packet of another length");
	must(is_within(ip_source(ip, family), family, ANNE) ||
			is_within(ip_source(ip, family), family, BERT) ||
			is_error_of_ours(ip, family, n),
		"LAN packet from nobody");
}

/* A handshake message of an order's, or data that one peer can open. */
static void
judge_wan(const struct rte_mbuf *m)
{
	uint8_t plain[SCENE_MAX_BYTES], family;
	uint64_t counter;
	const uint8_t *outer = scene_packet(m);
	must(m->data_len == m->pkt_len, "length of a WAN frame");
	uint32_t n = ip_check(outer, m->data_len - ETHERNET_BYTES, &family);
	must(n && n + ETHERNET_BYTES == m->data_len, "WAN packet of another length");
	must(family == ADDR_V6 || ipv4_checksum_is_right(outer), "outer checksum");
	if (family == ADDR_V4 ? ipv4_is_fragment(outer) : outer[6] != IP_PROTO_UDP)
		return; /* a change had the tunnel's MTU too large for the port */
	const uint8_t *message = outer + (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
	if (load_le32(message) != WG_DATA)
		return;
	unsigned peer = load_le32(message + 4) - 0xa0000000u;
	must(peer < SCENE_PEERS, "an index of nobody's");
	uint32_t inner = scene_open(&scene, peer, m, plain, &counter);
	if (inner == UINT32_MAX)
		must(peer == CARL || peer == DORA,
			"sealed, but not for its peer"); /* theirs change */
	else if (inner)
		must(ip_check(plain, inner, &family) &&
				is_within(ip_destination(plain, family), family, peer),
			"sealed for another peer");
}

static void
look(void)
{
	struct event_mail event;
	struct wire_mail wire;
	for (struct rte_mbuf *m; (m = scene_take(SCENE_LAN));) {
		judge_lan(m);
		rte_pktmbuf_free(m);
	}
	for (struct rte_mbuf *m; (m = scene_take(SCENE_WAN));) {
		judge_wan(m);
		rte_pktmbuf_free(m);
	}
	for (struct rte_mbuf *m; (m = scene_take_kernel(&scene));)
		rte_pktmbuf_free(m);
	while (mailbox_take(scene.boxes.wire, &wire, 1) ||
		mailbox_take(scene.boxes.wire_cookied, &wire, 1))
		must(wire.n_bytes <= MAIL_MESSAGE_BYTES, "a mail too long");
	while (mailbox_take(scene.boxes.events, &event, 1)) {
		if (event.kind != EVENT_ENCAP_REPLACED)
			continue;
		struct worker *w = scene.workers[0];
		tables_encap_retire(scene.tables, event.encap);
		w->spares[w->n_spares++] = tables_encap_alloc();
		must(w->spares[w->n_spares - 1], "memory");
	}
}

static void
play(const struct record *r)
{
	switch (r->what) {
	case LAN_FRAME:
	case WAN_FRAME:
		scene_put(r->what == LAN_FRAME ? SCENE_LAN : SCENE_WAN,
			scene_bytes(r->bytes, r->n_bytes));
		break;
	case LAN_PACKET:
	case WAN_PACKET:
		put_packet(r->what == LAN_PACKET ? SCENE_LAN : SCENE_WAN, r);
		break;
	case WAN_DATAGRAM:
	case WAN_DATA:
		put_datagram(r, r->what == WAN_DATA);
		break;
	case SEALED_BY_ANNE:
	case SEALED_BY_BERT:
		put_sealed(r->what == SEALED_BY_ANNE ? ANNE : BERT, r);
		break;
	case TUN_PACKET:
		put_tun(r);
		break;
	case ORDER:
		give_order(r);
		break;
	case CHANGE:
		change(r);
		break;
	default:
		scene_turn(&scene);
		look();
		break;
	}
}

static unsigned n_inputs;

/* Between inputs everything that a script can move goes back to where it was. */
static void
put_back(void)
{
	struct port *lan = scene.config.ports[SCENE_LAN];
	lan->is_up = true;
	lan->completes_checksums = false;
	tables_iface_set_mtu(scene.tables, scene.iface_id, SCENE_MTU);
	for (unsigned i = ANNE; i <= BERT; i++) {
		struct session *s = tables_session(scene.tables, scene.peers[i].gateway_index);
		s->replay = (struct replay){0};
		s->send_counter = 0;
		s->rekey_is_wanted = false;
		scene.peers[i].next_counter = 0;
	}
	for (unsigned i = CARL; i <= DORA; i++)
		tables_sessions_wipe(scene.tables, scene.peers[i].id);
	for (unsigned i = 0; i < SCENE_PEERS; i++) {
		struct peer_entry *p = tables_peer(scene.tables, scene.peers[i].id);
		p->activity = (struct peer_activity){0};
		p->is_armed = p->handshake_is_wanted = p->roam_is_told = false;
		p->encap_stale_is_told = false;
	}
	scene_endpoint(&scene, ANNE, "198.51.100.1");
	scene_endpoint(&scene, BERT, "198.51.100.2");
	park_fini(&scene.workers[0]->park);
	again_fini(&scene.workers[0]->again);
	memset(scene.workers[0]->answers.source_due_ns, 0,
		sizeof(scene.workers[0]->answers.source_due_ns));
	scene.workers[0]->answers.due_ns = 0;
	rcu_reader_quiescent();
	/* Inputs come faster than grace periods: slots of retired sessions must not run out. */
	if (++n_inputs % INPUTS_A_WAIT == 0)
		rcu_wait_retired();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	must(scene_begin(), "EAL");
	scene_create(&scene, 1);
	scene_vlan(&scene);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct cursor c = cursor_of(data, n_bytes);
	for (unsigned i = 0; i < MAX_RECORDS && cursor_left(&c) >= 3; i++) {
		struct record r = {.what = cursor_u8(&c) % WHATS};
		r.n_bytes = cursor_u8(&c);
		r.n_bytes |= (uint32_t)cursor_u8(&c) << 8;
		r.n_bytes = MIN_OF(MIN_OF(r.n_bytes, (uint32_t)cursor_left(&c)), MAX_RECORD_BYTES);
		r.bytes = cursor_take(&c, r.n_bytes);
		play(&r);
	}
	scene.config.has_host = true; /* what the kernel has sent is taken */
	scene_turn_all(&scene);
	look();
	put_back();
	must(scene_buffers_used() == 0, "a buffer is lost");
	return 0;
}
