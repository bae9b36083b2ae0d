/* SPDX-License-Identifier: BSD-3-Clause */
/* The access filter in a worker's turn: who gets through, who does not, and what makes flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "filter/filter.h"
#include "scene_test.h"

#define LAN "192.168.10.9"

/* A filter with that rule, or with none, in the place of the one before, whose flows go on. */
static void
allow(struct scene *s, const char *line)
{
	struct filter_plan plan = {.is_on = true, .max_flows = FILTER_FLOWS_MIN};
	struct filter_rule rule = {0};
	struct filter *was = s->tables->filter;
	char text[128];
	snprintf(text, sizeof(text), "%s", line ? line : "");
	if (line) {
		assert_int_equal(filter_rule_parse(text, &rule, NULL), 0);
		assert_int_equal(filter_plan_add(&plan, &rule), 0);
	}
	struct filter *f = filter_create(&plan, was ? was->flows : NULL,
		was ? (uint16_t)(was->generation + 1) : 1, NULL);
	assert_non_null(f);
	tables_filter_set(s->tables, f);
	filter_plan_fini(&plan);
}

static uint32_t
n_flows(const struct scene *s)
{
	const struct filter *f = s->tables->filter;
	return flow_table_count(f->flows, &f->times, flow_tick(clock_boot_ns()));
}

/* UDP with those ports. */
static uint32_t
make(uint8_t *ip, const char *src, const char *dst, uint16_t src_port, uint16_t dst_port)
{
	uint32_t n = scene_ip(ip, src, dst, 60);
	uint8_t *udp = ip + (ip_version(ip) == 4 ? IPV4_BYTES : IPV6_BYTES);
	store_be16(udp, src_port);
	store_be16(udp + 2, dst_port);
	return n;
}

static void
from_peer(struct scene *s, unsigned peer, const uint8_t *ip, uint32_t n)
{
	scene_put(SCENE_WAN, scene_sealed(s, peer, ip, n, &(struct scene_seal){0}));
	scene_turn_all(s);
}

static void
from_lan(struct scene *s, const uint8_t *ip, uint32_t n)
{
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	scene_turn_all(s);
}

static void
denied_unless_allowed(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = make(ip, "10.1.0.5", LAN, 1000, 53);
	from_peer(s, ANNE, ip, n); /* no filter */
	assert_sent(s, SCENE_LAN);
	allow(s, NULL);
	from_peer(s, ANNE, ip, n);
	assert_dropped(s, DROP_FILTER_DENIED);
	allow(s, "10.1.0.0/16 -> " LAN " : udp/53");
	from_peer(s, ANNE, ip, n);
	rte_pktmbuf_free(scene_take(SCENE_LAN));
	assert_int_equal(scene_all_drops(s), 1);
	assert_int_equal(n_flows(s), 1);
	n = make(ip, "10.1.0.5", LAN, 1000, 54);
	from_peer(s, ANNE, ip, n);
	assert_int_equal(scene_drops(s, DROP_FILTER_DENIED), 2);
	assert_true(scene_is_silent(s));
}

/* ANNE's session is the other worker's: request and reply go by different ones. */
static void
replies_by_another_worker(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	scene_session(s, ANNE, true, 1, 0);
	allow(s, NULL);
	from_lan(s, ip, make(ip, LAN, "10.1.0.5", 99, 7000));
	assert_sent(s, SCENE_WAN);
	assert_int_equal(n_flows(s), 1);
	from_peer(s, ANNE, ip, make(ip, "10.1.0.5", LAN, 7000, 99));
	assert_sent(s, SCENE_LAN);
	from_peer(s, ANNE, ip, make(ip, "10.1.0.5", LAN, 7001, 99));
	assert_dropped(s, DROP_FILTER_DENIED);
}

/* From a source that is not the peer's: no flow of it, which another could answer. */
static void
spoofed_makes_no_flow(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	allow(s, "* -> * : *");
	from_peer(s, ANNE, ip, make(ip, "10.2.0.5", LAN, 1000, 53));
	assert_dropped(s, DROP_WG_INNER_SOURCE);
	assert_int_equal(n_flows(s), 0);
}

static void
from_peer_to_peer(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	allow(s, "10.1.0.5 -> 10.2.0.6 : udp/53");
	from_peer(s, BERT, ip, make(ip, "10.2.0.6", "10.1.0.5", 53, 1000));
	assert_dropped(s, DROP_FILTER_DENIED);
	from_peer(s, ANNE, ip, make(ip, "10.1.0.5", "10.2.0.6", 1000, 53));
	rte_pktmbuf_free(scene_take(SCENE_WAN));
	from_peer(s, BERT, ip, make(ip, "10.2.0.6", "10.1.0.5", 53, 1000));
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_int_equal(scene_all_drops(s), 1);
	assert_int_equal(n_flows(s), 1);
}

/* What waits for a handshake has made its flow already, once. */
static void
parked_is_a_flow(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	allow(s, NULL);
	from_lan(s, ip, make(ip, LAN, "10.4.0.5", 99, 7000));
	assert_true(scene_is_silent(s));
	assert_int_equal(n_flows(s), 1);
	scene_session(s, DORA, true, 0, 0);
	scene_turn_all(s);
	rte_pktmbuf_free(scene_take(SCENE_WAN));
	assert_int_equal(n_flows(s), 1);
	from_peer(s, DORA, ip, make(ip, "10.4.0.5", LAN, 7000, 99));
	assert_sent(s, SCENE_LAN);
}

/* In a burst with others: each gets what is its own. */
static void
in_a_train(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	allow(s, "10.1.0.0/16 -> " LAN " : udp/53");
	for (uint16_t i = 0; i < 8; i++) {
		uint32_t n = make(ip, "10.1.0.5", LAN, 1000, i % 2 ? 53 : 54);
		scene_put(SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){0}));
	}
	scene_turn_all(s);
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *m = scene_take(SCENE_LAN);
		assert_non_null(m);
		assert_int_equal(load_be16(scene_packet(m) + IPV4_BYTES + 2), 53);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(scene_drops(s, DROP_FILTER_DENIED), 4);
	assert_true(scene_is_silent(s));
}

static void
not_readable(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	allow(s, "* -> * : *");
	uint32_t n = make(ip, "10.1.0.5", LAN, 1000, 53);
	store_be16(ip + 6, 3); /* a later fragment that overlaps the first one's header */
	scene_fix_checksum(ip);
	from_peer(s, ANNE, ip, n);
	assert_dropped(s, DROP_FILTER_UNREADABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(denied_unless_allowed),
		TEST(replies_by_another_worker),
		TEST(spoofed_makes_no_flow),
		TEST(from_peer_to_peer),
		TEST(parked_is_a_flow),
		TEST(in_a_train),
		TEST(not_readable),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
