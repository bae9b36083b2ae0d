/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes into a tunnel: padded, counted, sealed and sent, or parked, or dropped, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene_test.h"

static void
put_plain(struct scene *s, const char *to, uint32_t n_bytes)
{
	uint8_t ip[SCENE_MAX_BYTES];
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip,
				     scene_ip(ip, strchr(to, ':') ? "fd01::9" : "192.168.10.9", to,
					     n_bytes)));
}

/* Opens the next packet out of the wan port; the inner length with padding, *counter. */
static uint32_t
take_sealed(struct scene *s, unsigned peer, uint8_t *plain, uint64_t *counter)
{
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	uint32_t n = scene_open(s, peer, m, plain, counter);
	assert_int_not_equal(n, UINT32_MAX);
	rte_pktmbuf_free(m);
	return n;
}

/* Padded to 16, never past the tunnel's MTU (whitepaper 5.4.6); the outer lengths follow. */
static void
padding(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint32_t n_bytes, padded;
		uint16_t mtu;
	} rows[] = {
		{28, 32, 1420}, {32, 32, 1420}, {33, 48, 1420}, {47, 48, 1420}, {48, 48, 1420},
		{64, 64, 1420}, {1400, 1408, 1420}, {1408, 1408, 1420}, {1409, 1420, 1420},
		{1416, 1420, 1420}, {1419, 1420, 1420}, {1420, 1420, 1420}, {100, 111, 111},
		{100, 110, 110}, {100, 100, 100}, {1280, 1280, 1280},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t plain[SCENE_MAX_BYTES];
		uint64_t counter;
		tables_iface_set_mtu(s->tables, s->iface_id, rows[i].mtu);
		put_plain(s, "10.1.0.5", rows[i].n_bytes);
		scene_turn(s);
		assert_int_equal(take_sealed(s, ANNE, plain, &counter), rows[i].padded);
		assert_int_equal(counter, i);
		for (uint32_t at = rows[i].n_bytes; at < rows[i].padded; at++)
			assert_int_equal(plain[at], 0);
	}
	assert_int_equal(scene_all_drops(s), 0);
}

/* The outer header as a stock peer's: TTL 64, no DF, DSCP 0, ECN from inside, valid checksums. */
static void
outer_header(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t ip[SCENE_MAX_BYTES], ecn = i & 3;
		bool is_v6 = i >= 4;
		if (i == 4)
			scene_endpoint(s, ANNE, "2001:db8:1::1");
		uint32_t n = scene_ip(ip, "192.168.10.9", "10.1.0.5", 100 + i);
		ip[1] = 0xb8 | ecn;
		scene_fix_checksum(ip);
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
		struct rte_mbuf *m = scene_take(SCENE_WAN);
		assert_non_null(m);
		uint8_t *outer = scene_packet(m), family, header = is_v6 ? IPV6_BYTES : IPV4_BYTES;
		assert_memory_equal(outer - 14,
			((const uint8_t[]){2, 0, 0, 0, 2, 9, 2, 0, 0, 0, 1, SCENE_WAN}), 12);
		assert_int_equal(ip_check(outer, m->data_len - 14u, &family), m->data_len - 14);
		assert_int_equal(family, is_v6 ? ADDR_V6 : ADDR_V4);
		assert_int_equal(ip_ttl(outer, family), 64);
		assert_int_equal(ip_traffic_class(outer, family), ecn);
		assert_int_equal(load_be16(outer + header), SCENE_LISTEN);
		assert_int_equal(load_be16(outer + header + 2), SCENE_PEER_PORT);
		assert_int_equal(load_be16(outer + header + 4), m->data_len - 14 - header);
		if (is_v6) {
			uint64_t sum = __builtin_bswap16(IP_PROTO_UDP) + load_le16(outer + 4);
			for (uint32_t at = 8; at + 14u < m->data_len; at += 2)
				sum += load_le16(outer + at);
			assert_int_equal(ip_sum_fold(sum), 0xffff);
		} else {
			assert_true(ipv4_checksum_is_right(outer));
			assert_int_equal(load_be16(outer + 6), 0);
			assert_int_equal(load_be16(outer + header + 6), 0);
		}
		rte_pktmbuf_free(m);
	}
}

/* Counters run on in the order of arrival, though peers mix in one burst. */
static void
order_and_counters(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter, next[2] = {0};
	static const uint8_t who[] = {0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0};
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < sizeof(who); i++)
			put_plain(s, who[i] ? "10.2.0.5" : "10.1.0.5", 60 + i);
		scene_turn(s);
		for (unsigned i = 0; i < sizeof(who); i++) {
			take_sealed(s, who[i] ? BERT : ANNE, plain, &counter);
			assert_int_equal(counter, next[who[i]]++);
			assert_int_equal(load_be16(plain + 2), 60 + i);
		}
	}
	const struct peer_entry *anne = tables_peer(s->tables, s->peers[ANNE].id);
	assert_true(anne->activity.tx_unanswered_ns != 0);
	assert_true(anne->tx_bytes > 0);
	struct event_mail event;
	assert_true(scene_event(s, EVENT_ACTIVITY, &event));
	assert_int_equal(event.peer_id, s->peers[ANNE].id);
	assert_true(scene_event(s, EVENT_ACTIVITY, &event));
	assert_int_equal(event.peer_id, s->peers[BERT].id);
	assert_false(scene_event(s, EVENT_ACTIVITY, &event));
}

static void
inner_v6(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	put_plain(s, "fd00:1::5", 100);
	put_plain(s, "fd00:1::6", 100);
	put_plain(s, "fd00:2::5", 100);
	scene_turn(s);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(take_sealed(s, ANNE, plain, &counter), 112);
		assert_int_equal(plain[39], 5 + i);
		assert_int_equal(plain[7], 63);
	}
	assert_int_equal(scene_drops(s, DROP_NO_PEER), 1);
}

static void
no_peer(void **state)
{
	struct scene *s = *state;
	put_plain(s, "10.9.0.5", 100);
	scene_turn(s);
	assert_dropped(s, DROP_NO_PEER);
}

static void
no_endpoint(void **state)
{
	struct scene *s = *state;
	put_plain(s, "10.3.0.5", 100);
	scene_turn(s);
	assert_dropped(s, DROP_NO_ENDPOINT);
	/* With a session it is the same. */
	scene_session(s, CARL, true, 0, 0);
	put_plain(s, "10.3.0.5", 100);
	scene_turn(s);
	assert_int_equal(scene_drops(s, DROP_NO_ENDPOINT), 2);
}

static void
ttl_runs_out(void **state)
{
	struct scene *s = *state;
	for (uint8_t ttl = 0; ttl < 4; ttl++) {
		uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
		uint64_t counter;
		uint32_t n = scene_ip(ip, "192.168.10.9", "10.1.0.5", 100);
		ip[8] = ttl;
		scene_fix_checksum(ip);
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
		if (ttl <= 1) {
			assert_int_equal(scene_drops(s, DROP_TTL), ttl + 1);
		} else {
			take_sealed(s, ANNE, plain, &counter);
			assert_int_equal(plain[8], ttl - 1);
			assert_true(ipv4_checksum_is_right(plain));
		}
		assert_int_equal(s->workers[0]->again.n, ttl <= 1); /* path/answer.h */
		scene_turn(s);
		rte_pktmbuf_free(scene_take(SCENE_LAN));
		assert_true(scene_is_silent(s));
	}
}

static void
no_underlay(void **state)
{
	struct scene *s = *state;
	scene_endpoint(s, ANNE, "192.0.2.1");
	put_plain(s, "10.1.0.5", 100);
	scene_turn(s);
	assert_dropped(s, DROP_NO_UNDERLAY);
}

/* The route to the peer's endpoint changes: the next packet takes the new way. */
static void
stale_header(void **state)
{
	struct scene *s = *state;
	for (unsigned spares = 0; spares < 2; spares++) {
		struct prefix narrow;
		struct event_mail event;
		uint32_t n_spares = s->workers[0]->n_spares;
		if (!spares)
			s->workers[0]->n_spares = 0;
		assert_int_equal(prefix_parse("198.51.100.1/32", &narrow), 0);
		assert_int_equal(
			tables_route_set(s->tables, TABLES_UNDERLAY, &narrow, s->wan_glean_id), 0);
		put_plain(s, "10.1.0.5", 100);
		put_plain(s, "10.1.0.5", 100);
		scene_turn(s);
		assert_true(scene_is_silent(s)); /* waits for the neighbour there */
		assert_true(
			scene_event(s, spares ? EVENT_ENCAP_REPLACED : EVENT_ENCAP_STALE, &event));
		assert_int_equal(event.peer_id, s->peers[ANNE].id);
		assert_int_equal(tables_route_set(s->tables, TABLES_UNDERLAY, &narrow, 0), 0);
		scene_turn(s); /* no neighbour to wait for any more */
		for (unsigned i = 0; i < 2; i++) {
			uint8_t plain[SCENE_MAX_BYTES];
			uint64_t counter;
			take_sealed(s, ANNE, plain, &counter);
			assert_int_equal(counter, spares * 2 + i);
		}
		if (!spares)
			s->workers[0]->n_spares = n_spares;
		tables_peer(s->tables, s->peers[ANNE].id)->encap_stale_is_told = false;
	}
	assert_int_equal(scene_all_drops(s), 0);
}

static void
parked_for_a_session(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	for (uint32_t i = 0; i < 5; i++) {
		put_plain(s, "10.4.0.5", 60 + i);
		scene_turn(s);
	}
	assert_true(scene_is_silent(s));
	assert_int_equal(scene_all_drops(s), 0);
	assert_true(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
	assert_int_equal(event.peer_id, s->peers[DORA].id);
	assert_false(scene_event(s, EVENT_HANDSHAKE_WANTED, &event)); /* asked once */
	/* The session comes in the same turn as a sixth packet: that one stays behind the others.
	 */
	scene_session(s, DORA, true, 0, 0);
	put_plain(s, "10.4.0.5", 65);
	scene_turn(s);
	for (uint32_t i = 0; i < 6; i++) {
		take_sealed(s, DORA, plain, &counter);
		assert_int_equal(counter, i);
		assert_int_equal(load_be16(plain + 2), 60 + i);
		assert_int_equal(plain[8], 63); /* one hop, though it was looked at twice */
	}
	assert_true(scene_is_silent(s));
	assert_int_equal(scene_all_drops(s), 0);
}

static void
parked_too_many(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	for (uint32_t i = 0; i < PARK_LOT_PKTS + 3; i++) {
		put_plain(s, "10.4.0.5", 100 + i);
		scene_turn(s);
	}
	assert_int_equal(scene_drops(s, DROP_PARK_FULL), 3);
	scene_session(s, DORA, true, 0, 0);
	scene_turn(s);
	for (uint32_t i = 0; i < PARK_LOT_PKTS; i++) {
		take_sealed(s, DORA, plain, &counter);
		assert_int_equal(load_be16(plain + 2), 100 + i);
	}
	assert_int_equal(scene_all_drops(s), 3);
}

static void
parked_too_long(void **state)
{
	struct scene *s = *state;
	put_plain(s, "10.4.0.5", 100);
	put_plain(s, "10.4.0.5", 100);
	scene_turn(s);
	assert_int_equal(s->workers[0]->park.used, 1);
	s->workers[0]->park.lots[0].give_up_ns = clock_boot_ns();
	scene_turn(s);
	assert_int_equal(scene_drops(s, DROP_PARK_TIMEOUT), 2);
	assert_int_equal(s->workers[0]->park.used, 0);
}

/* Control gives the handshake up, or the peer is removed: what waits for it goes. */
static void
parked_in_vain(void **state)
{
	struct scene *s = *state;
	struct order_mail order = {.kind = ORDER_PARKED_DROP, .peer_id = s->peers[DORA].id};
	put_plain(s, "10.4.0.5", 100);
	scene_turn(s);
	assert_true(mailbox_put(s->boxes.orders[0], &order));
	scene_turn(s);
	assert_int_equal(scene_drops(s, DROP_PARK_TIMEOUT), 1);
	put_plain(s, "10.4.0.5", 100);
	scene_turn(s);
	tables_peer_remove(s->tables, s->peers[DORA].id);
	scene_turn(s);
	assert_int_equal(scene_drops(s, DROP_PARK_TIMEOUT), 2);
	scene_turn(s);
	for (unsigned i = 0; i < 2; i++)
		rte_pktmbuf_free(scene_take(SCENE_LAN)); /* the errors */
	assert_int_equal(scene_buffers_used(), 0);
}

static void
old_session_is_not_used(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	scene_session(s, ANNE, true, 0, s->times.reject_after_ns - NS_IN_S);
	put_plain(s, "10.1.0.5", 100);
	scene_turn(s);
	assert_sent(s, SCENE_WAN);
	assert_true(scene_event(s, EVENT_HANDSHAKE_WANTED, &event)); /* it is past its prime */
	scene_session(s, ANNE, true, 0, s->times.reject_after_ns);
	put_plain(s, "10.1.0.5", 100);
	scene_turn(s);
	assert_true(scene_is_silent(s)); /* parked */
	assert_true(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
}

/* An initiator renews after 120 s, once; a responder leaves it to the other side. */
static void
renewal(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	for (int initiator = 0; initiator < 2; initiator++) {
		for (int is_old = 0; is_old < 2; is_old++) {
			scene_session(s, ANNE, initiator, 0,
				s->times.rekey_after_ns - !is_old * 5 * NS_IN_S);
			if (!initiator)
				(void)tables_session_confirm(
					s->tables, s->peers[ANNE].gateway_index);
			for (unsigned i = 0; i < 2; i++) {
				put_plain(s, "10.1.0.5", 100);
				scene_turn(s);
				assert_sent(s, SCENE_WAN);
				assert_int_equal(scene_event(s, EVENT_HANDSHAKE_WANTED, &event),
					i == 0 && initiator && is_old);
			}
		}
	}
}

static void
spent_counter(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	struct session *session = tables_session(s->tables, s->peers[ANNE].gateway_index);
	session->send_counter = s->times.reject_after_messages - 2;
	for (unsigned i = 0; i < 4; i++)
		put_plain(s, "10.1.0.5", 100);
	scene_turn(s);
	for (unsigned i = 0; i < 2; i++)
		rte_pktmbuf_free(scene_take(SCENE_WAN));
	assert_int_equal(scene_drops(s, DROP_COUNTER_SPENT), 2);
	assert_true(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
	/* From now on packets wait for the next session. */
	put_plain(s, "10.1.0.5", 100);
	scene_turn(s);
	assert_true(scene_is_silent(s));
	assert_int_equal(scene_all_drops(s), 2);
}

/* A neighbour that is not known: asked for, waited for, and nothing overtakes. */
static void
parked_for_a_neighbour(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	struct event_mail event;
	scene_endpoint(s, ANNE, "198.51.101.1");
	for (unsigned i = 0; i < 3; i++) {
		put_plain(s, "10.1.0.5", 100 + i);
		scene_turn(s);
	}
	assert_true(scene_is_silent(s));
	assert_true(scene_event(s, EVENT_NEIGHBOUR_WANTED, &event));
	assert_int_equal(event.link_id, SCENE_WAN);
	assert_true(addr_is_equal(&event.path.remote.addr, &s->peers[ANNE].endpoint.addr));
	assert_false(scene_event(s, EVENT_NEIGHBOUR_WANTED, &event)); /* not again for a second */
	s->workers[0]->park.lots[0].ask_again_ns = 1;
	scene_turn(s);
	assert_true(scene_event(s, EVENT_NEIGHBOUR_WANTED, &event));
	struct nexthop nh = *tables_nexthop(s->tables, s->wan_id);
	assert_int_equal(tables_nexthop_set(s->tables, s->wan_glean_id, &nh), 0);
	put_plain(s, "10.1.0.5", 103);
	scene_turn(s);
	for (unsigned i = 0; i < 4; i++) {
		take_sealed(s, ANNE, plain, &counter);
		assert_int_equal(counter, i);
	}
	assert_int_equal(scene_all_drops(s), 0);
}

static void
parked_behind_the_tunnel(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	struct event_mail event;
	uint32_t n = scene_ip(ip, "10.1.7.7", "192.168.20.4", 100);
	for (unsigned i = 0; i < 3; i++)
		scene_put(SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){0}));
	scene_turn(s);
	assert_true(scene_event(s, EVENT_NEIGHBOUR_WANTED, &event));
	assert_int_equal(event.link_id, SCENE_LAN);
	assert_true(scene_is_silent(s));
	struct nexthop nh = *tables_nexthop(s->tables, s->wan_id);
	nh.link_id = SCENE_LAN;
	assert_int_equal(tables_nexthop_set(s->tables, s->lan_glean_id, &nh), 0);
	scene_turn(s);
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m = scene_take(SCENE_LAN);
		assert_non_null(m);
		assert_int_equal(ip_ttl(scene_packet(m), ADDR_V4), 63);
		rte_pktmbuf_free(m);
	}
}

static void
order_keepalive(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	struct event_mail event;
	struct order_mail order = {.kind = ORDER_KEEPALIVE, .peer_id = s->peers[ANNE].id};
	assert_true(mailbox_put(s->boxes.orders[0], &order));
	scene_turn(s);
	assert_int_equal(take_sealed(s, ANNE, plain, &counter), 0);
	assert_int_equal(tables_peer(s->tables, s->peers[ANNE].id)->activity.tx_unanswered_ns, 0);
	/* Without a session there is a handshake to make. */
	order.peer_id = s->peers[DORA].id;
	assert_true(mailbox_put(s->boxes.orders[0], &order));
	scene_turn(s);
	assert_true(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
	assert_true(scene_is_silent(s));
	/* A new session is shown to the responder, by what waits or else by an empty packet. */
	order.kind = ORDER_SESSION_READY;
	for (unsigned n_waiting = 0; n_waiting < 2; n_waiting++) {
		if (n_waiting) {
			tables_sessions_wipe(s->tables, order.peer_id);
			put_plain(s, "10.4.0.5", 100);
			scene_turn(s);
		}
		scene_session(s, DORA, true, 0, 0);
		assert_true(mailbox_put(s->boxes.orders[0], &order));
		scene_turn(s);
		assert_int_equal(take_sealed(s, DORA, plain, &counter), n_waiting * 112);
		assert_true(scene_is_silent(s));
	}
}

static void
order_send(void **state)
{
	struct scene *s = *state;
	struct order_mail order = {.kind = ORDER_SEND, .iface_id = s->iface_id, .n_bytes = 148,
		.path.remote = {.port = 4711}, .message = {1, [147] = 9}};
	static const char *const places[] = {"198.51.100.9", "2001:db8:1::9", "192.0.2.9"};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(addr_parse(places[i], &order.path.remote.addr), 0);
		assert_true(mailbox_put(s->boxes.orders[0], &order));
		scene_turn(s);
		struct rte_mbuf *m = scene_take(SCENE_WAN);
		assert_int_equal(m == NULL, i == 2);
		if (!m)
			continue;
		uint8_t *ip = scene_packet(m), family = i ? ADDR_V6 : ADDR_V4;
		uint32_t header = i ? IPV6_BYTES : IPV4_BYTES;
		assert_int_equal(ip_traffic_class(ip, family), 0x88);
		assert_memory_equal(ip_destination(ip, family), order.path.remote.addr.bytes,
			addr_n_bytes(family));
		assert_int_equal(load_be16(ip + header), SCENE_LISTEN);
		assert_int_equal(load_be16(ip + header + 2), 4711);
		assert_memory_equal(ip + header + UDP_BYTES, order.message, 148);
		rte_pktmbuf_free(m);
	}
	assert_dropped(s, DROP_NO_UNDERLAY);
}

static void
no_buffer_for_an_order(void **state)
{
	struct scene *s = *state;
	struct order_mail order = {.kind = ORDER_KEEPALIVE, .peer_id = s->peers[ANNE].id};
	struct rte_mbuf *all[600];
	unsigned n = 0;
	while ((all[n] = rte_pktmbuf_alloc(s->config.pool)))
		n++;
	assert_true(mailbox_put(s->boxes.orders[0], &order));
	scene_turn(s);
	assert_dropped(s, DROP_NO_BUFFER);
	rte_pktmbuf_free_bulk(all, n);
}

static void
full_port(void **state)
{
	struct scene *s = *state;
	unsigned n_out = 0;
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned k = 0; k < 32; k++)
			put_plain(s, "10.1.0.5", 100);
		scene_turn(s);
	}
	for (struct rte_mbuf *m; (m = scene_take(SCENE_WAN)); n_out++)
		rte_pktmbuf_free(m);
	assert_int_equal(n_out + scene_drops(s, DROP_TX_FULL), 160);
	assert_true(n_out < 160);
	assert_int_equal(s->workers[0]->links[SCENE_WAN].tx_pkts, n_out);
	assert_int_equal(s->workers[0]->links[SCENE_LAN].rx_pkts, 160);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(padding),
		TEST(outer_header),
		TEST(order_and_counters),
		TEST(inner_v6),
		TEST(no_peer),
		TEST(no_endpoint),
		TEST(ttl_runs_out),
		TEST(no_underlay),
		TEST(stale_header),
		TEST(parked_for_a_session),
		TEST(parked_too_many),
		TEST(parked_too_long),
		TEST(parked_in_vain),
		TEST(old_session_is_not_used),
		TEST(renewal),
		TEST(spent_counter),
		TEST(parked_for_a_neighbour),
		TEST(parked_behind_the_tunnel),
		TEST(order_keepalive),
		TEST(order_send),
		TEST(no_buffer_for_an_order),
		TEST(full_port),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
