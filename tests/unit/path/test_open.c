/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes sealed: found, opened, believed or not, and passed on. Each refusal stands beside
 * the packet that differs only in what it is refused for.
 */
#include <rte_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "scene_test.h"

static const struct scene_seal as_usual;

/* A packet of ANNE's for the LAN. */
static uint32_t
inner(uint8_t *ip)
{
	return scene_ip(ip, "10.1.7.7", "192.168.10.9", 100);
}

static struct rte_mbuf *
from_anne(struct scene *s, const struct scene_seal *how)
{
	uint8_t ip[SCENE_MAX_BYTES];
	return scene_sealed(s, ANNE, ip, inner(ip), how);
}

static void
assert_delivered(struct scene *s)
{
	uint8_t ip[SCENE_MAX_BYTES];
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	uint32_t n = inner(ip);
	assert_non_null(m);
	assert_int_equal(m->data_len, ETHERNET_BYTES + n); /* padding is gone */
	assert_int_equal(m->pkt_len, m->data_len);
	ip_ttl_decrement(ip, ADDR_V4);
	assert_memory_equal(scene_packet(m), ip, n);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *),
		((const uint8_t[]){2, 0, 0, 0, 2, 9, 2, 0, 0, 0, 1, SCENE_LAN, 8, 0}), 14);
	rte_pktmbuf_free(m);
	assert_true(scene_is_silent(s));
}

static void
delivered_to_the_lan(void **state)
{
	struct scene *s = *state;
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_delivered(s);
	assert_int_equal(scene_all_drops(s), 0);
	const struct peer_entry *peer = tables_peer(s->tables, s->peers[ANNE].id);
	assert_int_equal(peer->rx_bytes, 112 + WG_DATA_OVERHEAD_BYTES);
	assert_true(peer->activity.rx_unanswered_ns != 0);
	struct event_mail event;
	assert_true(scene_event(s, EVENT_ACTIVITY, &event));
	assert_int_equal(event.peer_id, s->peers[ANNE].id);
	/* Armed now: the next one is not told. Nor did it roam. */
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_delivered(s);
	assert_false(scene_event(s, EVENT_ACTIVITY, &event));
}

static void
unknown_index(void **state)
{
	struct scene *s = *state;
	struct rte_mbuf *m = from_anne(s, &as_usual);
	struct wg_data *data = (struct wg_data *)(scene_packet(m) + 28);
	data->receiver_index ^= 1u << 31;
	put(s, SCENE_WAN, m);
	assert_dropped(s, DROP_WG_INDEX);
}

/* Any index is safe to ask for. */
static void
hostile_indices(void **state)
{
	struct scene *s = *state;
	static const uint32_t indices[] = {0, 1, 2, 3, 0xfffff, 0xffffffff, 0x80000000, 0x00100000};
	for (size_t i = 0; i < ARRAY_COUNT(indices); i++) {
		struct rte_mbuf *m = from_anne(s, &as_usual);
		((struct wg_data *)(scene_packet(m) + 28))->receiver_index = indices[i];
		put(s, SCENE_WAN, m);
	}
	assert_int_equal(scene_drops(s, DROP_WG_INDEX), ARRAY_COUNT(indices));
}

static void
other_interface(void **state)
{
	struct scene *s = *state;
	put(s, SCENE_WAN, from_anne(s, &(struct scene_seal){.to_port = SCENE_LISTEN_1}));
	assert_dropped(s, DROP_WG_INTERFACE);
}

static void
expired_session(void **state)
{
	struct scene *s = *state;
	scene_session(s, ANNE, true, 0, s->times.reject_after_ns - NS_IN_S);
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_delivered(s);
	scene_session(s, ANNE, true, 0, s->times.reject_after_ns);
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_dropped(s, DROP_WG_EXPIRED);
}

static void
counter_past_the_limit(void **state)
{
	struct scene *s = *state;
	uint64_t limit = s->times.reject_after_messages;
	put(s, SCENE_WAN,
		from_anne(s, &(struct scene_seal){.counter = limit - 1, .has_counter = true}));
	assert_delivered(s);
	put(s, SCENE_WAN,
		from_anne(s, &(struct scene_seal){.counter = limit, .has_counter = true}));
	assert_dropped(s, DROP_WG_EXPIRED);
}

static void
forged(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	put(s, SCENE_WAN,
		from_anne(s, &(struct scene_seal){.is_damaged = true, .from = "198.51.100.77"}));
	assert_dropped(s, DROP_WG_AUTH);
	/* It told nothing: neither that the peer lives nor where, nor is its counter taken. */
	const struct peer_entry *peer = tables_peer(s->tables, s->peers[ANNE].id);
	assert_int_equal(peer->rx_bytes, 0);
	assert_int_equal(peer->activity.last_traversal_ns, 0);
	assert_false(scene_event(s, EVENT_ROAMED, &event));
	s->peers[ANNE].next_counter = 0;
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_delivered(s);
}

static void
replayed(void **state)
{
	struct scene *s = *state;
	struct scene_seal how = {.counter = 9000, .has_counter = true};
	put(s, SCENE_WAN, from_anne(s, &how));
	assert_delivered(s);
	put(s, SCENE_WAN, from_anne(s, &how));
	assert_int_equal(scene_drops(s, DROP_WG_REPLAY), 1);
	how.counter = 9000 - REPLAY_WINDOW + 1; /* late, not too late */
	put(s, SCENE_WAN, from_anne(s, &how));
	assert_delivered(s);
	how.counter = 9000 - REPLAY_WINDOW;
	put(s, SCENE_WAN, from_anne(s, &how));
	assert_int_equal(scene_drops(s, DROP_WG_REPLAY), 2);
	assert_int_equal(scene_all_drops(s), 2);
}

/* Twice in one burst is as bad as twice in a day. */
static void
replayed_in_one_burst(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 5; i++)
		scene_put(SCENE_WAN,
			from_anne(s, &(struct scene_seal){.counter = 3, .has_counter = true}));
	scene_turn(s);
	assert_delivered(s);
	assert_int_equal(scene_drops(s, DROP_WG_REPLAY), 4);
}

static void
inner_source_of_another_peer(void **state)
{
	struct scene *s = *state;
	static const char *const sources[] = {"10.2.0.1", "10.9.0.1", "192.168.10.7"};
	uint8_t ip[SCENE_MAX_BYTES];
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		uint32_t n = scene_ip(ip, sources[i], "192.168.10.9", 100);
		put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
		assert_int_equal(scene_drops(s, DROP_WG_INNER_SOURCE), i + 1);
	}
	uint32_t n = scene_ip(ip, "fd00:2::1", "fd01::9", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_int_equal(scene_drops(s, DROP_WG_INNER_SOURCE), 4);
	assert_true(scene_is_silent(s));
	n = scene_ip(ip, "fd00:1::1", "fd01::9", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_int_equal(scene_all_drops(s), 4);
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_int_equal(ip_ttl(scene_packet(m), ADDR_V6), 63);
	rte_pktmbuf_free(m);
}

/* Two peers in one burst, each with the other's source in the middle of a train. */
static void
sources_within_a_train(void **state)
{
	struct scene *s = *state;
	uint8_t anne[SCENE_MAX_BYTES], bert[SCENE_MAX_BYTES];
	scene_ip(anne, "10.1.7.7", "192.168.10.9", 100);
	scene_ip(bert, "10.2.7.7", "192.168.10.9", 100);
	for (unsigned i = 0; i < 12; i++)
		scene_put(SCENE_WAN, scene_sealed(s, i % 4 < 2 ? ANNE : BERT,
						  i % 2 ? anne : bert, 100, &as_usual));
	scene_turn(s);
	unsigned n = 0;
	for (struct rte_mbuf *m; (m = scene_take(SCENE_LAN)); n++)
		rte_pktmbuf_free(m);
	assert_int_equal(n, 6);
	assert_int_equal(scene_drops(s, DROP_WG_INNER_SOURCE), 6);
}

static void
inner_packet_is_none(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = inner(ip);
	ip[0] = 0x35;
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_int_equal(scene_drops(s, DROP_IP_VERSION), 1);
	inner(ip);
	store_be16(ip + 2, 113); /* 112 were sealed */
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_int_equal(scene_drops(s, DROP_IP_HEADER), 1);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, 8, &as_usual));
	assert_int_equal(scene_all_drops(s), 3);
	scene_ip(ip, "10.1.7.7", "224.0.0.5", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_int_equal(scene_drops(s, DROP_MULTICAST), 1);
	assert_true(scene_is_silent(s));
	inner(ip);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){.extra_bytes = 64}));
	assert_delivered(s);
}

/* RFC 6040, figure 4: inner by outer; the marks that cannot be passed on end the packet. */
static void
ecn(void **state)
{
	struct scene *s = *state;
	enum { DROPPED = 9 };
	static const uint8_t out[4][4] = {
		[ECN_NOT_ECT] = {ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, DROPPED},
		[ECN_ECT1] = {ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE},
		[ECN_ECT0] = {ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE},
		[ECN_CE] = {ECN_CE, ECN_CE, ECN_CE, ECN_CE},
	};
	uint64_t n_dropped = 0;
	for (unsigned i = 0; i < 16; i++) {
		uint8_t ip[SCENE_MAX_BYTES], in = (uint8_t)(i / 4), outer = (uint8_t)(i % 4);
		uint32_t n = inner(ip);
		ip[1] = 0xb8 | in; /* EF, which stays the inner packet's own */
		scene_fix_checksum(ip);
		put(s, SCENE_WAN,
			scene_sealed(
				s, ANNE, ip, n, &(struct scene_seal){.outer_tos = 0x28 | outer}));
		struct rte_mbuf *m = scene_take(SCENE_LAN);
		n_dropped += out[in][outer] == DROPPED;
		assert_int_equal(scene_drops(s, DROP_ECN), n_dropped);
		assert_int_equal(m == NULL, out[in][outer] == DROPPED);
		if (!m)
			continue;
		assert_int_equal(scene_packet(m)[1], 0xb8 | out[in][outer]);
		assert_true(ipv4_checksum_is_right(scene_packet(m)));
		rte_pktmbuf_free(m);
	}
	assert_int_equal(n_dropped, 1);
}

static void
keepalive(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	put(s, SCENE_WAN, scene_sealed(s, ANNE, NULL, 0, &as_usual));
	assert_int_equal(scene_all_drops(s), 0);
	assert_true(scene_is_silent(s));
	const struct peer_entry *peer = tables_peer(s->tables, s->peers[ANNE].id);
	assert_int_equal(peer->rx_bytes, WG_DATA_OVERHEAD_BYTES);
	assert_true(peer->activity.last_traversal_ns != 0);
	assert_int_equal(peer->activity.rx_unanswered_ns, 0); /* it asks for no answer */
	assert_false(scene_event(s, EVENT_ACTIVITY, &event));
}

/* The responder's first authentic packet confirms; once it is told it is not told again. */
static void
confirms(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	scene_session(s, DORA, false, 0, 0);
	put(s, SCENE_WAN, scene_sealed(s, DORA, NULL, 0, &(struct scene_seal){.is_damaged = true}));
	assert_false(scene_event(s, EVENT_CONFIRMED, &event));
	put(s, SCENE_WAN, scene_sealed(s, DORA, NULL, 0, &as_usual));
	assert_true(scene_event(s, EVENT_CONFIRMED, &event));
	assert_int_equal(event.peer_id, s->peers[DORA].id);
	assert_int_equal(event.local_index, s->peers[DORA].gateway_index);
	put(s, SCENE_WAN, scene_sealed(s, DORA, NULL, 0, &as_usual));
	assert_false(scene_event(s, EVENT_CONFIRMED, &event));
}

/* An initiator that only listens asks for the next session while there is time. */
static void
renewal_by_a_listener(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	ns_t age = s->times.reject_after_ns - s->times.keepalive_ns - s->times.rekey_timeout_ns;
	for (int initiator = 0; initiator < 2; initiator++) {
		scene_session(s, ANNE, initiator, 0, age - 5 * NS_IN_S);
		put(s, SCENE_WAN, scene_sealed(s, ANNE, NULL, 0, &as_usual));
		assert_false(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
		scene_session(s, ANNE, initiator, 0, age);
		put(s, SCENE_WAN, scene_sealed(s, ANNE, NULL, 0, &as_usual));
		assert_int_equal(scene_event(s, EVENT_HANDSHAKE_WANTED, &event), initiator);
		put(s, SCENE_WAN, scene_sealed(s, ANNE, NULL, 0, &as_usual));
		assert_false(scene_event(s, EVENT_HANDSHAKE_WANTED, &event));
	}
}

/* The endpoint follows authentic packets: another address, another port, the other family. */
static void
roams(void **state)
{
	struct scene *s = *state;
	static const char *const places[] = {"198.51.100.77", "2001:db8:1::77", "198.51.100.1"};
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		struct endpoint remote;
		struct addr local, expected;
		uint8_t ip[SCENE_MAX_BYTES];
		struct event_mail event;
		put(s, SCENE_WAN, from_anne(s, &(struct scene_seal){.from = places[i]}));
		assert_delivered(s);
		assert_true(scene_event(s, EVENT_ENCAP_REPLACED, &event));
		assert_int_equal(event.peer_id, s->peers[ANNE].id);
		assert_true(tables_encap_get(s->tables, s->peers[ANNE].id, &remote, &local));
		assert_int_equal(addr_parse(places[i], &expected), 0);
		assert_true(addr_is_equal(&remote.addr, &expected));
		assert_int_equal(remote.port, SCENE_PEER_PORT);
		/* The next packet to it goes there. */
		uint32_t n = scene_ip(ip, "192.168.10.9", "10.1.0.5", 100);
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
		struct rte_mbuf *m = scene_take(SCENE_WAN);
		assert_non_null(m);
		assert_memory_equal(ip_destination(scene_packet(m), expected.family),
			expected.bytes, addr_n_bytes(expected.family));
		rte_pktmbuf_free(m);
		/* And it is no roaming any more. */
		put(s, SCENE_WAN, from_anne(s, &(struct scene_seal){.from = places[i]}));
		assert_delivered(s);
		assert_false(scene_event(s, EVENT_ENCAP_REPLACED, &event));
	}
}

/* Where disco has found the peer it stays, whatever comes from elsewhere, until that is doubted. */
static void
pinned_does_not_roam(void **state)
{
	struct scene *s = *state;
	struct endpoint at = s->peers[ANNE].endpoint, remote;
	struct addr local;
	struct event_mail event;
	const struct scene_seal elsewhere = {.from = "198.51.100.77"};
	assert_int_equal(tables_encap_pin(s->tables, s->peers[ANNE].id, &at, NULL), 0);
	put(s, SCENE_WAN, from_anne(s, &elsewhere));
	assert_delivered(s);
	assert_false(scene_event(s, EVENT_ENCAP_REPLACED, &event));
	assert_int_equal(tables_encap_roam(s->tables, s->peers[ANNE].id, &at, NULL), -EBUSY);
	assert_true(tables_encap_get(s->tables, s->peers[ANNE].id, &remote, &local));
	assert_true(endpoint_is_equal(&remote, &at));

	tables_encap_unpin(s->tables, s->peers[ANNE].id);
	put(s, SCENE_WAN, from_anne(s, &elsewhere));
	assert_delivered(s);
	assert_true(scene_event(s, EVENT_ENCAP_REPLACED, &event));
}

/* Without a spare header control is asked instead, once. */
static void
roams_without_a_spare(void **state)
{
	struct scene *s = *state;
	struct event_mail event;
	struct worker *w = s->workers[0];
	uint32_t n_spares = w->n_spares;
	w->n_spares = 0;
	for (unsigned i = 0; i < 2; i++) {
		put(s, SCENE_WAN, from_anne(s, &(struct scene_seal){.from = "198.51.100.77"}));
		assert_delivered(s);
	}
	assert_true(scene_event(s, EVENT_ROAMED, &event));
	assert_int_equal(event.path.remote.port, SCENE_PEER_PORT);
	struct addr remote = addr_from_v4(0xc633644d), local = addr_from_v4(0xcb007102);
	assert_true(addr_is_equal(&event.path.remote.addr, &remote));
	assert_true(addr_is_equal(&event.path.local, &local));
	assert_false(scene_event(s, EVENT_ROAMED, &event));
	w->n_spares = n_spares;
}

static void
hairpin(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
	uint64_t counter;
	uint32_t n = scene_ip(ip, "10.1.7.7", "10.2.7.7", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	assert_int_equal(scene_open(s, BERT, m, plain, &counter), 112);
	ip_ttl_decrement(ip, ADDR_V4);
	assert_memory_equal(plain, ip, n);
	rte_pktmbuf_free(m);
	assert_true(scene_is_silent(s));
}

/* Not for a tunnel, nor a neighbour: the twin of hg0 gets the inner packet as it came. */
static void
for_the_kernel(void **state)
{
	struct scene *s = *state;
	static const char *const places[] = {"203.0.113.2", "8.8.8.8"};
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		uint8_t ip[SCENE_MAX_BYTES];
		uint32_t n = scene_ip(ip, "10.1.7.7", places[i], 100);
		put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
		struct rte_mbuf *m = scene_take_kernel(s);
		assert_non_null(m);
		assert_int_equal(m->data_len, n);
		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), ip, n);
		assert_int_equal(frame_link((struct frame *)m), link_of_iface(s->iface_id));
		rte_pktmbuf_free(m);
	}
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = scene_ip(ip, "10.1.7.7", "172.16.0.1", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &as_usual));
	assert_dropped(s, DROP_NO_ROUTE);
}

/* A session of worker 1's: worker 0 hands its packets over, and only that one opens them. */
static void
handed_to_the_owner(void **state)
{
	struct scene *s = *state;
	scene_session(s, ANNE, true, 1, 0);
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_true(scene_is_silent(s));
	const struct peer_entry *peer = tables_peer(s->tables, s->peers[ANNE].id);
	assert_int_equal(peer->rx_bytes, 0);
	assert_int_equal(worker_turn(s->workers[1]), 1);
	assert_delivered(s);
	assert_true(peer->rx_bytes != 0);
}

static void
handed_to_a_busy_owner(void **state)
{
	struct scene *s = *state;
	scene_session(s, ANNE, true, 1, 0);
	for (unsigned i = 0; !scene_drops(s, DROP_HANDOFF_FULL); i++) {
		assert_true(i < 100);
		put(s, SCENE_WAN, from_anne(s, &as_usual));
	}
	assert_int_equal(scene_all_drops(s), 1);
	scene_turn_all(s);
	unsigned n = 0;
	for (struct rte_mbuf *m; (m = scene_take(SCENE_LAN)); n++)
		rte_pktmbuf_free(m);
	assert_int_equal(n, 63);
}

/* Fewer TX queues than workers: what worker 1 has to send leaves through worker 0. */
static void
sent_by_another(void **state)
{
	struct scene *s = *state;
	((struct port *)s->config.ports[SCENE_LAN])->n_tx_queues = 1;
	scene_session(s, ANNE, true, 1, 0);
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_int_equal(worker_turn(s->workers[1]), 1);
	assert_true(scene_is_silent(s));
	scene_turn(s);
	assert_delivered(s);
}

static void
port_is_down(void **state)
{
	struct scene *s = *state;
	struct port *lan = s->config.ports[SCENE_LAN];
	lan->is_up = false;
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_dropped(s, DROP_LINK_DOWN);
	lan->is_up = true;
	put(s, SCENE_WAN, from_anne(s, &as_usual));
	assert_delivered(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(delivered_to_the_lan),
		TEST(unknown_index),
		TEST(hostile_indices),
		TEST(other_interface),
		TEST(expired_session),
		TEST(counter_past_the_limit),
		TEST(forged),
		TEST(replayed),
		TEST(replayed_in_one_burst),
		TEST(inner_source_of_another_peer),
		TEST(sources_within_a_train),
		TEST(inner_packet_is_none),
		TEST(ecn),
		TEST(keepalive),
		TEST(confirms),
		TEST(renewal_by_a_listener),
		TEST(roams),
		TEST(pinned_does_not_roam),
		TEST(roams_without_a_spare),
		TEST(hairpin),
		TEST(for_the_kernel),
		TEST(handed_to_the_owner),
		TEST(handed_to_a_busy_owner),
		TEST(sent_by_another),
		TEST(port_is_down),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
