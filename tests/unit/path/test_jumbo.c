/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of 9000 bytes: sealed, opened, and put together from outer fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/exception.h"
#include "scene_test.h"

enum {
	LINK_MTU = 9000,
	TUNNEL_MTU = 8920,
	BUFFER_BYTES = RTE_PKTMBUF_HEADROOM + LINK_MTU + 128, /* as headgated makes them */
};

/* The scene with that MTU on both ports and in the tunnel. */
static struct scene *
widen(void **state)
{
	struct scene *s = *state;
	tables_iface_set_mtu(s->tables, s->iface_id, TUNNEL_MTU);
	for (uint32_t id = 1; id < 64; id++) {
		const struct nexthop *nh = tables_nexthop(s->tables, id);
		if (!nh || nh->type != NEXTHOP_LINK)
			continue;
		struct nexthop wide = *nh;
		wide.mtu = LINK_MTU;
		assert_int_equal(tables_nexthop_set(s->tables, id, &wide), 0);
	}
	return s;
}

static void
sealed(void **state)
{
	static const uint32_t sizes[] = {1421, 4096, 8000, TUNNEL_MTU - 1, TUNNEL_MTU};
	struct scene *s = widen(state);
	for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
		uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
		uint64_t counter;
		scene_ip(ip, "192.168.10.9", "10.1.0.5", sizes[i]);
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, sizes[i]));
		struct rte_mbuf *m = scene_take(SCENE_WAN);
		assert_non_null(m);
		uint32_t padded = (sizes[i] + 15) / 16 * 16;
		assert_int_equal(scene_open(s, ANNE, m, plain, &counter),
			padded < TUNNEL_MTU ? padded : TUNNEL_MTU);
		assert_memory_equal(plain + IPV4_BYTES, ip + IPV4_BYTES, sizes[i] - IPV4_BYTES);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(scene_all_drops(s), 0);
}

static void
opened(void **state)
{
	struct scene *s = widen(state);
	uint8_t ip[SCENE_MAX_BYTES];
	scene_ip(ip, "10.1.0.5", "192.168.10.9", TUNNEL_MTU);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, TUNNEL_MTU, &(struct scene_seal){0}));
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_int_equal(m->data_len, ETHERNET_BYTES + TUNNEL_MTU);
	assert_memory_equal(scene_packet(m) + IPV4_BYTES, ip + IPV4_BYTES, TUNNEL_MTU - IPV4_BYTES);
	rte_pktmbuf_free(m);
}

/* From peer to peer, where the packet is opened and sealed in the same buffer. */
static void
hairpin(void **state)
{
	struct scene *s = widen(state);
	uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
	uint64_t counter;
	scene_ip(ip, "10.1.0.5", "10.2.0.5", TUNNEL_MTU);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, TUNNEL_MTU, &(struct scene_seal){0}));
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	assert_int_equal(scene_open(s, BERT, m, plain, &counter), TUNNEL_MTU);
	assert_memory_equal(plain + IPV4_BYTES, ip + IPV4_BYTES, TUNNEL_MTU - IPV4_BYTES);
	rte_pktmbuf_free(m);
}

/* As the exception thread hands over what the kernel put together on the ListenPort's socket. */
static void
reassembled(void **state)
{
	struct scene *s = widen(state);
	uint8_t ip[SCENE_MAX_BYTES], bytes[SCENE_MAX_BYTES];
	struct exception_datagram d = {.src = s->peers[ANNE].endpoint, .port = SCENE_LISTEN};
	scene_ip(ip, "10.1.0.5", "192.168.10.9", TUNNEL_MTU);
	struct rte_mbuf *m = scene_sealed(s, ANNE, ip, TUNNEL_MTU, &(struct scene_seal){0});
	const uint8_t *outer = scene_packet(m);
	uint32_t header = IPV4_BYTES + UDP_BYTES;
	d.dst = addr_from_bytes(ADDR_V4, ip_destination(outer, ADDR_V4));
	d.payload_bytes = (uint16_t)(m->data_len - ETHERNET_BYTES - header);
	memcpy(bytes, &d, sizeof(d));
	memcpy(bytes + sizeof(d), outer + header, d.payload_bytes);
	rte_pktmbuf_free(m);
	struct frame *f = (struct frame *)scene_bytes(bytes, (uint32_t)sizeof(d) + d.payload_bytes);
	frame_set_link(f, EXCEPTION_LINK_DATAGRAM);
	assert_int_equal(frame_ring_push(s->config.kernel[0].from_kernel_bulk, &f, 1), 1);
	scene_turn(s);
	m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_memory_equal(scene_packet(m) + IPV4_BYTES, ip + IPV4_BYTES, TUNNEL_MTU - IPV4_BYTES);
	rte_pktmbuf_free(m);
}

/* To a peer, in a buffer that ends before the tag would. */
static void
put_without_room(struct scene *s)
{
	uint8_t ip[SCENE_MAX_BYTES];
	scene_ip(ip, "192.168.10.9", "10.1.0.5", TUNNEL_MTU);
	struct rte_mbuf *m = scene_frame(SCENE_LAN, ip, TUNNEL_MTU);
	uint16_t was = m->buf_len;
	m->buf_len = (uint16_t)(m->data_off + m->data_len);
	put(s, SCENE_LAN, m);
	m->buf_len = was;
}

/* It is dropped, and nothing is written behind it. */
static void
no_room_for_the_tag(void **state)
{
	struct scene *s = widen(state);
	put_without_room(s);
	assert_dropped(s, DROP_TOO_BIG);
}

/* What is dropped unsealed asks for no handshake by a counter that was there before. */
static void
no_handshake_for_a_stale_counter(void **state)
{
	struct scene *s = widen(state);
	struct event_mail event;
	uint8_t ip[SCENE_MAX_BYTES];
	struct scene_seal forged = {
		.has_counter = true,
		.counter = s->times.reject_after_messages - 1,
		.is_damaged = true,
	};
	put(s, SCENE_WAN,
		scene_sealed(s, ANNE, ip, scene_ip(ip, "10.1.0.5", "192.168.10.9", 100), &forged));
	assert_int_equal(scene_drops(s, DROP_WG_AUTH), 1);
	put_without_room(s);
	assert_int_equal(scene_drops(s, DROP_TOO_BIG), 1);
	assert_false(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sealed),
		TEST(opened),
		TEST(hairpin),
		TEST(reassembled),
		TEST(no_room_for_the_tag),
		TEST(no_handshake_for_a_stale_counter),
	};
	if (!scene_begin_with(BUFFER_BYTES))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
