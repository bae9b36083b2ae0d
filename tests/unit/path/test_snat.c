/* SPDX-License-Identifier: BSD-3-Clause */
/* Source address translation in a worker's turn: also for what had to wait for a handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nat/nat.h"
#include "scene_test.h"

#define LAN "192.168.10.9"
#define OURS "192.168.10.1" /* the source of the LAN's next hop */
#define INNER "10.4.0.5"    /* DORA's */

enum { INNER_PORT = 5000, LAN_PORT = 7000 };

/* What hg0's peers send to the LAN is translated. */
static void
translate(struct scene *s)
{
	struct nat_network n = {.tunnel = s->iface_id};
	assert_int_equal(prefix_parse("192.168.10.0/24", &n.prefix), 0);
	const struct nat_plan plan = {.first_port = 61000, .last_port = 65535, .n_flows = 1024,
		.networks = &n, .n_networks = 1};
	struct nat *nat = nat_create(&plan, NULL, NULL);
	assert_non_null(nat);
	tables_nat_set(s->tables, nat);
}

static uint32_t
make(uint8_t *ip, const char *src, const char *dst, uint16_t src_port, uint16_t dst_port)
{
	uint32_t n = scene_ip(ip, src, dst, 60);
	store_be16(ip + IPV4_BYTES, src_port);
	store_be16(ip + IPV4_BYTES + 2, dst_port);
	store_be16(ip + IPV4_BYTES + 6, 0);
	return n;
}

/* DORA asks; the port that the LAN sees, of our address. */
static uint16_t
ask(struct scene *s)
{
	uint8_t ip[SCENE_MAX_BYTES], ours[4] = {192, 168, 10, 1};
	uint32_t n = make(ip, INNER, LAN, INNER_PORT, LAN_PORT);
	scene_put(SCENE_WAN, scene_sealed(s, DORA, ip, n, &(struct scene_seal){0}));
	scene_turn_all(s);
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	uint8_t *out = scene_packet(m);
	assert_memory_equal(ip_source(out, ADDR_V4), ours, sizeof(ours));
	uint16_t port = load_be16(out + IPV4_BYTES);
	rte_pktmbuf_free(m);
	return port;
}

static void
answer(struct scene *s, uint16_t to_port)
{
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = make(ip, LAN, OURS, LAN_PORT, to_port);
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	scene_turn_all(s);
}

static void
assert_dora_is_answered(struct scene *s)
{
	uint8_t plain[SCENE_MAX_BYTES], inner[4] = {10, 4, 0, 5};
	uint64_t counter;
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	assert_int_not_equal(scene_open(s, DORA, m, plain, &counter), UINT32_MAX);
	assert_memory_equal(ip_destination(plain, ADDR_V4), inner, sizeof(inner));
	assert_int_equal(load_be16(plain + IPV4_BYTES + 2), INNER_PORT);
	rte_pktmbuf_free(m);
}

static void
out_and_back(void **state)
{
	struct scene *s = *state;
	translate(s);
	scene_session(s, DORA, true, 0, 0);
	uint16_t port = ask(s);
	answer(s, port);
	assert_dora_is_answered(s);
	assert_int_equal(ask(s), port);
	assert_int_equal(scene_all_drops(s), 0);
}

/* A reply that waits for a session is no flow of its own that somebody outside began. */
static void
parked_reply(void **state)
{
	struct scene *s = *state;
	translate(s);
	scene_session(s, DORA, true, 0, 0);
	uint16_t port = ask(s);
	tables_sessions_wipe(s->tables, s->peers[DORA].id);
	answer(s, port);
	assert_true(scene_is_silent(s));
	scene_session(s, DORA, true, 0, 0);
	scene_turn_all(s);
	assert_dora_is_answered(s);
	assert_int_equal(ask(s), port);
	assert_int_equal(scene_all_drops(s), 0);
}

/* DORA's answer to who sent to her address itself. */
static void
assert_answers_as_herself(struct scene *s)
{
	uint8_t ip[SCENE_MAX_BYTES], inner[4] = {10, 4, 0, 5};
	uint32_t n = make(ip, INNER, LAN, INNER_PORT, LAN_PORT);
	scene_put(SCENE_WAN, scene_sealed(s, DORA, ip, n, &(struct scene_seal){0}));
	scene_turn_all(s);
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_memory_equal(ip_source(scene_packet(m), ADDR_V4), inner, sizeof(inner));
	rte_pktmbuf_free(m);
	assert_int_equal(scene_all_drops(s), 0);
}

/* One that somebody outside began stays one, though its first packet had to wait. */
static void
parked_direct(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	translate(s);
	uint32_t n = make(ip, LAN, INNER, LAN_PORT, INNER_PORT);
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	scene_turn_all(s);
	scene_session(s, DORA, true, 0, 0);
	scene_turn_all(s);
	assert_dora_is_answered(s);
	assert_answers_as_herself(s);
}

/* Its first packet was cut for the tunnel: the first piece tells whose flow it is. */
static void
cut_direct(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	translate(s);
	scene_session(s, DORA, true, 0, 0);
	uint32_t n = scene_ip(ip, LAN, INNER, 1500);
	store_be16(ip + IPV4_BYTES, LAN_PORT);
	store_be16(ip + IPV4_BYTES + 2, INNER_PORT);
	store_be16(ip + 6, 0); /* may be cut */
	scene_fix_checksum(ip);
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	scene_turn_all(s);
	assert_dora_is_answered(s);
	rte_pktmbuf_free(scene_take(SCENE_WAN));
	assert_answers_as_herself(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(out_and_back),
		TEST(parked_reply),
		TEST(parked_direct),
		TEST(cut_direct),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
