/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame is: WireGuard's, to be routed, the kernel's, or one that ends here, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene_test.h"

/* A packet to ANNE, which goes out sealed unless `edit` has spoiled it. */
static struct rte_mbuf *
good(uint8_t *ip)
{
	return scene_frame(SCENE_LAN, ip, scene_ip(ip, "192.168.10.9", "10.1.0.5", 100));
}

static void
ordinary_packet_is_routed(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	put(*state, SCENE_LAN, good(ip));
	assert_sent(*state, SCENE_WAN);
}

static void
short_frame(void **state)
{
	put(*state, SCENE_LAN, scene_bytes((const uint8_t[13]){2, 0, 0, 0, 1}, 13));
	assert_dropped(*state, DROP_FRAME_SHORT);
}

static void
others_frame(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip);
	rte_pktmbuf_mtod(m, uint8_t *)[5] ^= 4;
	put(*state, SCENE_LAN, m);
	assert_dropped(*state, DROP_FRAME_NOT_OURS);
}

static void
frame_in_pieces(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip), *tail = good(ip);
	assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	put(*state, SCENE_LAN, m);
	assert_dropped(*state, DROP_FRAME_SEGMENTED);
}

/* Broadcast, ARP to us, any other ethertype, a VLAN tag: all the twin's. */
static void
not_ip_is_the_kernels(void **state)
{
	static const struct {
		uint8_t first;
		uint16_t ethertype;
	} rows[] = {{0xff, ETHERTYPE_ARP}, {2, ETHERTYPE_ARP}, {2, 0x88cc}, {2, ETHERTYPE_VLAN},
		{1, ETHERTYPE_IPV4}};
	uint8_t ip[SCENE_MAX_BYTES];
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct rte_mbuf *m = good(ip);
		uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);
		eth[0] = rows[i].first;
		store_be16(eth + 12, rows[i].ethertype);
		put(*state, SCENE_LAN, m);
		assert_kernels(*state);
	}
}

static void
frame_of_the_shortest_length(void **state)
{
	uint8_t frame[ETHERNET_BYTES] = {2, 0, 0, 0, 1, SCENE_LAN, [12] = 0x88, 0xcc};
	put(*state, SCENE_LAN, scene_bytes(frame, sizeof(frame)));
	assert_kernels(*state);
}

static void
wrong_version(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip);
	scene_packet(m)[0] = 0x55;
	put(*state, SCENE_LAN, m);
	assert_dropped(*state, DROP_IP_VERSION);
}

static void
wrong_length(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip);
	store_be16(scene_packet(m) + 2, 101);
	scene_fix_checksum(scene_packet(m));
	put(*state, SCENE_LAN, m);
	assert_dropped(*state, DROP_IP_HEADER);
}

static void
wrong_checksum(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip);
	scene_packet(m)[10] ^= 1;
	put(*state, SCENE_LAN, m);
	assert_dropped(*state, DROP_IP_CHECKSUM);
}

/* A NIC that has checked it is believed. */
static void
checksum_vouched_for(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = good(ip);
	scene_packet(m)[10] ^= 1;
	m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	put(*state, SCENE_LAN, m);
	assert_sent(*state, SCENE_WAN);
}

static void
multicast_is_the_kernels(void **state)
{
	uint8_t ip[SCENE_MAX_BYTES];
	scene_ip(ip, "192.168.10.9", "224.0.0.5", 100);
	put(*state, SCENE_LAN, scene_frame(SCENE_LAN, ip, 100));
	assert_kernels(*state);
	scene_ip(ip, "fd01::9", "ff02::1", 100);
	put(*state, SCENE_LAN, scene_frame(SCENE_LAN, ip, 100));
	assert_kernels(*state);
}

/* Out of the kernel's TUN, a multicast packet has no peer. */
static void
multicast_from_tun(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = scene_bytes(ip, scene_ip(ip, "10.0.0.1", "239.1.1.1", 60));
	struct frame *f = (struct frame *)m;
	frame_set_link(f, link_of_iface(s->iface_id));
	assert_int_equal(frame_ring_push(s->config.kernel[0].from_kernel_bulk, &f, 1), 1);
	scene_turn(s);
	assert_dropped(s, DROP_MULTICAST);
}

static void
kernels_own_packet_is_sealed(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
	uint64_t counter;
	struct rte_mbuf *m = scene_bytes(ip, scene_ip(ip, "10.0.0.1", "10.1.2.3", 100));
	struct frame *f = (struct frame *)m;
	frame_set_link(f, link_of_iface(s->iface_id));
	assert_int_equal(frame_ring_push(s->config.kernel[0].from_kernel_bulk, &f, 1), 1);
	scene_turn(s);
	m = scene_take(SCENE_WAN);
	assert_non_null(m);
	assert_int_equal(scene_open(s, ANNE, m, plain, &counter), 112);
	assert_memory_equal(plain, ip, 100); /* the kernel was the router: TTL as it was */
	rte_pktmbuf_free(m);
}

/* What the kernel sends out of a port's twin leaves by the port, whatever it is. */
static void
kernels_frame_leaves_by_the_port(void **state)
{
	struct scene *s = *state;
	uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [12] = 8, 6};
	struct frame *f = (struct frame *)scene_bytes(frame, sizeof(frame));
	frame_set_link(f, SCENE_WAN);
	assert_int_equal(frame_ring_push(s->config.kernel[0].from_kernel_urgent, &f, 1), 1);
	scene_turn(s);
	assert_sent(s, SCENE_WAN);
}

/* A datagram from BERT's address with these bytes inside. */
static struct rte_mbuf *
datagram(const char *to, uint16_t port, const uint8_t *bytes, uint32_t n_bytes)
{
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = scene_ip(ip, "198.51.100.2", to, IPV4_BYTES + UDP_BYTES + n_bytes);
	store_be16(ip + IPV4_BYTES, SCENE_PEER_PORT);
	store_be16(ip + IPV4_BYTES + 2, port);
	memcpy(ip + IPV4_BYTES + UDP_BYTES, bytes, n_bytes);
	return scene_frame(SCENE_WAN, ip, n);
}

static void
handshake_is_mailed(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t type;
		uint32_t n_bytes;
	} rows[] = {{1, 148}, {2, 92}, {3, 64}};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t message[148] = {rows[i].type, [100] = 7, [63] = 9};
		struct wire_mail mail;
		put(s, SCENE_WAN,
			datagram("203.0.113.2", SCENE_LISTEN_1, message, rows[i].n_bytes));
		assert_int_equal(mailbox_take(s->boxes.wire, &mail, 1), 1);
		assert_int_equal(mail.n_bytes, rows[i].n_bytes);
		assert_memory_equal(mail.message, message, rows[i].n_bytes);
		assert_int_equal(mail.iface_id, s->iface_id_1);
		assert_int_equal(mail.worker, 0);
		assert_int_equal(mail.path.remote.port, SCENE_PEER_PORT);
		struct addr remote = addr_from_v4(0xc6336402), local = addr_from_v4(0xcb007102);
		assert_true(addr_is_equal(&mail.path.remote.addr, &remote));
		assert_true(addr_is_equal(&mail.path.local, &local));
	}
	assert_int_equal(scene_all_drops(s), 0);
	assert_true(scene_is_silent(s));
}

/* Who answered a cookie is not kept waiting behind those who did not. */
static void
a_mac2_has_a_box_of_its_own(void **state)
{
	struct scene *s = *state;
	struct wire_mail mail = {0};
	while (mailbox_put(s->boxes.wire, &mail))
		;
	put(s, SCENE_WAN,
		datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[148]){1, [147] = 1}, 148));
	put(s, SCENE_WAN,
		datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[92]){2, [76] = 1}, 92));
	assert_int_equal(scene_all_drops(s), 0);
	assert_int_equal(mailbox_count(s->boxes.wire_cookied), 2);
	/* Nor has a cookie reply a mac2, whatever its last bytes are. */
	put(s, SCENE_WAN,
		datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[64]){3, [63] = 1}, 64));
	assert_dropped(s, DROP_MAILBOX_FULL);
}

static const struct {
	uint8_t bytes[64];
	uint32_t n_bytes;
	bool is_reach;
} beside[] = {
	{{'T', 'S', 0xf0, 0x9f, 0x92, 0xac}, 62, true},
	{{'T', 'S', 0xf0, 0x9f, 0x92, 0xac}, 61, false},
	{{'T', 'S', 0xf0, 0x9f, 0x92, 0xad}, 64, false},
	{{1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42}, 20, true},
	{{1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42}, 19, false},
	{{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42}, 20, false}, /* a request */
};

/* Disco and answers of STUN go to the reach thread of a node, and of nobody else. */
static void
disco_is_mailed(void **state)
{
	struct scene *s = *state;
	struct reach_mail mail;
	uint64_t n_dropped = 0;
	tables_iface_set_node(s->tables, s->iface_id_1, true);
	for (size_t i = 0; i < ARRAY_COUNT(beside); i++) {
		put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN_1, beside[i].bytes,
					  beside[i].n_bytes));
		if (!beside[i].is_reach) {
			assert_int_equal(scene_drops(s, DROP_WG_TYPE), ++n_dropped);
			continue;
		}
		assert_int_equal(mailbox_take(s->boxes.reach, &mail, 1), 1);
		assert_int_equal(mail.n_bytes, beside[i].n_bytes);
		assert_memory_equal(mail.datagram, beside[i].bytes, beside[i].n_bytes);
		assert_int_equal(mail.iface_id, s->iface_id_1);
		assert_int_equal(mail.path.remote.port, SCENE_PEER_PORT);
		struct addr remote = addr_from_v4(0xc6336402), local = addr_from_v4(0xcb007102);
		assert_true(addr_is_equal(&mail.path.remote.addr, &remote));
		assert_true(addr_is_equal(&mail.path.local, &local));
	}
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, beside[0].bytes, 62));
	assert_int_equal(scene_drops(s, DROP_WG_TYPE), ++n_dropped);
	assert_int_equal(scene_all_drops(s), n_dropped);
	assert_int_equal(mailbox_count(s->boxes.reach), 0);
}

static void
disco_that_is_not_mailed(void **state)
{
	struct scene *s = *state;
	struct reach_mail mail;
	uint8_t longest[MAIL_REACH_BYTES + 1];
	memset(longest, 0, sizeof(longest));
	memcpy(longest, beside[0].bytes, 6);
	tables_iface_set_node(s->tables, s->iface_id, true);
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, longest, MAIL_REACH_BYTES));
	assert_int_equal(mailbox_take(s->boxes.reach, &mail, 1), 1);
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, longest, sizeof(longest)));
	assert_int_equal(scene_drops(s, DROP_REACH_LENGTH), 1);

	struct rte_mbuf *m = datagram("203.0.113.2", SCENE_LISTEN, beside[0].bytes, 62);
	memcpy(scene_packet(m) + 12, (const uint8_t[]){203, 0, 113, 2}, 4);
	scene_fix_checksum(scene_packet(m));
	put(s, SCENE_WAN, m);
	assert_int_equal(scene_drops(s, DROP_OWN_SOURCE), 1);
	m = datagram("203.0.113.2", SCENE_LISTEN, beside[0].bytes, 62);
	scene_packet(m)[12] = 224;
	scene_fix_checksum(scene_packet(m));
	put(s, SCENE_WAN, m);
	assert_int_equal(scene_drops(s, DROP_IP_SOURCE), 1);

	while (mailbox_put(s->boxes.reach, &mail))
		;
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, beside[0].bytes, 62));
	assert_int_equal(scene_drops(s, DROP_REACH_FULL), 1);
}

static void
no_wireguard_message(void **state)
{
	put(*state, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[40]){9}, 40));
	assert_dropped(*state, DROP_WG_TYPE);
}

static void
datagram_longer_than_its_packet(void **state)
{
	struct rte_mbuf *m = datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[40]){4}, 40);
	store_be16(scene_packet(m) + IPV4_BYTES + 4, 49);
	put(*state, SCENE_WAN, m);
	assert_dropped(*state, DROP_WG_LENGTH);
}

static void
datagram_shorter_than_its_header(void **state)
{
	struct rte_mbuf *m = datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[40]){4}, 40);
	store_be16(scene_packet(m) + IPV4_BYTES + 4, 7);
	put(*state, SCENE_WAN, m);
	assert_dropped(*state, DROP_WG_LENGTH);
}

static void
full_mailbox(void **state)
{
	struct scene *s = *state;
	struct wire_mail mail = {0};
	while (mailbox_put(s->boxes.wire, &mail))
		;
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[148]){1}, 148));
	assert_dropped(s, DROP_MAILBOX_FULL);
}

/* Ours is only what goes to an address of ours and a port of ours, in one piece. */
static void
not_ours_to_open(void **state)
{
	struct scene *s = *state;
	const uint8_t message[148] = {1};
	put(s, SCENE_WAN, datagram("203.0.113.2", 53, message, 148));
	assert_kernels(s);
	put(s, SCENE_WAN, datagram("203.0.113.3", SCENE_LISTEN, message, 148));
	assert_kernels(s);
	for (uint16_t piece = 0x2000; piece; piece = piece == 0x2000 ? 0x0001 : 0) {
		struct rte_mbuf *m = datagram("203.0.113.2", SCENE_LISTEN, message, 148);
		store_be16(scene_packet(m) + 6, piece);
		scene_fix_checksum(scene_packet(m));
		put(s, SCENE_WAN, m);
		assert_kernels(s);
	}
	/* Too short for a UDP header. */
	uint8_t ip[64];
	scene_ip(ip, "198.51.100.2", "203.0.113.2", 27);
	put(s, SCENE_WAN, scene_frame(SCENE_WAN, ip, 27));
	assert_kernels(s);
	struct wire_mail mail;
	assert_int_equal(mailbox_take(s->boxes.wire, &mail, 1), 0);
}

/* A closed port is nobody's. */
static void
listen_port_moves(void **state)
{
	struct scene *s = *state;
	struct wire_mail mail;
	assert_int_equal(tables_iface_set_port(s->tables, s->iface_id, 999), 0);
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, (const uint8_t[148]){1}, 148));
	assert_kernels(s);
	put(s, SCENE_WAN, datagram("203.0.113.2", 999, (const uint8_t[148]){1}, 148));
	assert_int_equal(mailbox_take(s->boxes.wire, &mail, 1), 1);
}

/* Two interfaces share a port: the address tells them apart; another address is the kernel's. */
static void
listen_address_decides(void **state)
{
	struct scene *s = *state;
	const uint8_t message[148] = {1};
	struct wire_mail mail;
	struct addr locals[3], third;
	assert_int_equal(addr_parse("203.0.113.2", &locals[0]), 0);
	assert_int_equal(addr_parse("203.0.113.4", &locals[1]), 0);
	assert_int_equal(addr_parse("203.0.113.5", &locals[2]), 0);
	assert_int_equal(addr_parse("203.0.113.6", &third), 0);
	assert_int_equal(tables_locals_set(s->tables, locals, 3), 0);
	struct addr second[] = {locals[1], third};
	assert_int_equal(tables_iface_listen(s->tables, s->iface_id, 999, locals, 1), 0);
	assert_int_equal(tables_iface_listen(s->tables, s->iface_id_1, 999, second, 2), 0);
	put(s, SCENE_WAN, datagram("203.0.113.2", 999, message, 148));
	assert_int_equal(mailbox_take(s->boxes.wire, &mail, 1), 1);
	assert_int_equal(mail.iface_id, s->iface_id);
	put(s, SCENE_WAN, datagram("203.0.113.4", 999, message, 148));
	assert_int_equal(mailbox_take(s->boxes.wire, &mail, 1), 1);
	assert_int_equal(mail.iface_id, s->iface_id_1);
	put(s, SCENE_WAN, datagram("203.0.113.5", 999, message, 148));
	assert_kernels(s); /* ours, yet nobody listens there */
	put(s, SCENE_WAN, datagram("203.0.113.6", 999, message, 148));
	assert_kernels(s); /* listened to, yet not ours */
	put(s, SCENE_WAN, datagram("203.0.113.2", SCENE_LISTEN, message, 148));
	assert_kernels(s);
}

static void
partial_checksum_is_completed(void **state)
{
	struct scene *s = *state;
	for (int completes = 0; completes < 2; completes++) {
		uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
		uint64_t pseudo, sum, counter;
		scene_ip(ip, "192.168.10.9", "10.1.0.5", 100);
		pseudo = __builtin_bswap16(IP_PROTO_UDP) + __builtin_bswap16(80);
		for (unsigned at = 12; at < 20; at += 2)
			pseudo += load_le16(ip + at);
		store_le16(ip + 26, ip_sum_fold(pseudo));
		((struct port *)s->config.ports[SCENE_LAN])->completes_checksums = completes;
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, 100));
		struct rte_mbuf *m = scene_take(SCENE_WAN);
		assert_non_null(m);
		assert_int_equal(scene_open(s, ANNE, m, plain, &counter), 112);
		sum = pseudo;
		for (unsigned at = 20; at < 100; at += 2)
			sum += load_le16(plain + at);
		assert_int_equal(ip_sum_fold(sum) == 0xffff, completes);
		assert_int_equal(load_le16(plain + 26) == load_le16(ip + 26), !completes);
		rte_pktmbuf_free(m);
	}
}

static void
no_host(void **state)
{
	struct scene *s = *state;
	s->config.has_host = false;
	put(s, SCENE_WAN, datagram("192.168.10.9", 53, (const uint8_t[40]){1}, 40));
	assert_dropped(s, DROP_NO_HOST);
	put(s, SCENE_WAN, datagram("203.0.113.2", 53, (const uint8_t[40]){1}, 40));
	assert_int_equal(scene_drops(s, DROP_NO_ROUTE), 1);
}

static void
full_kernel_ring(void **state)
{
	struct scene *s = *state;
	unsigned n = 0;
	for (; !scene_drops(s, DROP_KERNEL_RING_FULL); n++)
		put(s, SCENE_WAN, datagram("203.0.113.2", 53, (const uint8_t[40]){1}, 40));
	assert_int_equal(n, 65);
	/* ARP does not queue behind it. */
	uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [12] = 8, 6};
	put(s, SCENE_WAN, scene_bytes(frame, sizeof(frame)));
	assert_int_equal(scene_all_drops(s), 1);
}

/* BGP, ND: urgent; other traffic to the box: not. */
static void
urgent_and_bulk(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t proto, l4[4];
		bool is_urgent;
	} rows[] = {
		{IP_PROTO_TCP, {0, 179, 9, 9}, true},
		{IP_PROTO_TCP, {9, 9, 0, 179}, true},
		{IP_PROTO_TCP, {0, 22, 9, 9}, false},
		{IP_PROTO_UDP, {0, 179, 0, 179}, false},
		{IP_PROTO_ICMP, {8}, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[64];
		struct frame *f;
		scene_ip(ip, "198.51.100.2", "203.0.113.2", 40);
		ip[9] = rows[i].proto;
		memcpy(ip + IPV4_BYTES, rows[i].l4, 4);
		scene_fix_checksum(ip);
		put(s, SCENE_WAN, scene_frame(SCENE_WAN, ip, 40));
		assert_int_equal(frame_ring_pop(s->config.kernel[0].to_kernel_urgent, &f, 1),
			rows[i].is_urgent);
		if (!rows[i].is_urgent)
			assert_int_equal(
				frame_ring_pop(s->config.kernel[0].to_kernel_bulk, &f, 1), 1);
		assert_int_equal(frame_link(f), SCENE_WAN);
		frame_free(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ordinary_packet_is_routed),
		TEST(short_frame),
		TEST(others_frame),
		TEST(frame_in_pieces),
		TEST(not_ip_is_the_kernels),
		TEST(frame_of_the_shortest_length),
		TEST(wrong_version),
		TEST(wrong_length),
		TEST(wrong_checksum),
		TEST(checksum_vouched_for),
		TEST(multicast_is_the_kernels),
		TEST(multicast_from_tun),
		TEST(kernels_own_packet_is_sealed),
		TEST(kernels_frame_leaves_by_the_port),
		TEST(handshake_is_mailed),
		TEST(a_mac2_has_a_box_of_its_own),
		TEST(no_wireguard_message),
		TEST(datagram_longer_than_its_packet),
		TEST(datagram_shorter_than_its_header),
		TEST(full_mailbox),
		TEST(disco_is_mailed),
		TEST(disco_that_is_not_mailed),
		TEST(not_ours_to_open),
		TEST(listen_port_moves),
		TEST(listen_address_decides),
		TEST(partial_checksum_is_completed),
		TEST(no_host),
		TEST(full_kernel_ring),
		TEST(urgent_and_bulk),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
