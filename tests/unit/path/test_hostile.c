/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What neighbours, peers and strangers may try on a worker: to fill the places where packets wait,
 * to have it answer where no answer belongs, to keep it busy or to make it silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Control that acts on an event in the moment in which it is put: takes the marks back. */
static struct peer_entry *prompt_for;
bool __real_mailbox_put(struct mailbox *box, const void *mail);
bool __wrap_mailbox_put(struct mailbox *box, const void *mail);

bool
__wrap_mailbox_put(struct mailbox *box, const void *mail)
{
	bool is_put = __real_mailbox_put(box, mail);
	if (is_put && prompt_for) {
		prompt_for->handshake_is_wanted = false;
		prompt_for->is_armed = false;
		prompt_for->roam_is_told = false;
		prompt_for->encap_stale_is_told = false;
	}
	return is_put;
}

static int
setup(void **state)
{
	static struct scene scene;
	prompt_for = NULL;
	scene_create(&scene, 1);
	*state = &scene;
	return 0;
}

static int
teardown(void **state)
{
	scene_destroy(*state);
	assert_int_equal(scene_buffers_used(), 0);
	return 0;
}

static void
put_plain(struct scene *s, const char *src, const char *dst)
{
	uint8_t ip[SCENE_MAX_BYTES];
	scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, scene_ip(ip, src, dst, 100)));
	scene_turn(s);
}

static void
put_sealed(struct scene *s, unsigned peer, const char *src, const char *dst,
	const struct scene_seal *how)
{
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = scene_ip(ip, src, dst, 100);
	scene_put(SCENE_WAN, scene_sealed(s, peer, ip, n, how));
	scene_turn(s);
}

static unsigned
count_events(struct scene *s, enum event_kind kind)
{
	struct event_mail ev;
	unsigned n = 0;
	while (scene_event(s, kind, &ev))
		n++;
	return n;
}

static struct peer_entry *
entry(struct scene *s, unsigned peer)
{
	return tables_peer(s->tables, s->peers[peer].id);
}

/* A mark set after control has acted would silence all workers about this peer, for good. */
static void
marks_never_outlive_their_event(void **state)
{
	struct scene *s = *state;
	prompt_for = entry(s, DORA);
	put_plain(s, "192.168.10.9", "10.4.0.1");
	assert_false(prompt_for->handshake_is_wanted);
	put_plain(s, "192.168.10.9", "10.4.0.1");
	assert_int_equal(count_events(s, EVENT_HANDSHAKE_WANTED), 2);

	prompt_for = entry(s, ANNE);
	put_plain(s, "192.168.10.9", "10.1.0.1");
	assert_false(prompt_for->is_armed);
	put_sealed(s, ANNE, "10.1.0.1", "192.168.10.9", &(struct scene_seal){0});
	assert_false(prompt_for->is_armed);

	while (s->workers[0]->n_spares)
		free(s->workers[0]->spares[--s->workers[0]->n_spares]);
	put_sealed(s, ANNE, "10.1.0.1", "192.168.10.9",
		&(struct scene_seal){.from = "198.51.100.77"});
	assert_false(prompt_for->roam_is_told);
	__atomic_fetch_add(&s->tables->underlay_generation, 1, __ATOMIC_RELAXED);
	put_plain(s, "192.168.10.9", "10.1.0.1");
	assert_false(prompt_for->encap_stale_is_told);
	for (struct rte_mbuf *m; (m = scene_take(SCENE_WAN)) || (m = scene_take(SCENE_LAN));)
		rte_pktmbuf_free(m);
}

/* One peer walks through the dead addresses of a LAN; others still get their session. */
static void
scan_takes_no_ones_place(void **state)
{
	struct scene *s = *state;
	char to[32];
	for (unsigned i = 1; i < 80; i++) {
		snprintf(to, sizeof(to), "192.168.20.%u", i);
		put_sealed(s, ANNE, "10.1.0.1", to, &(struct scene_seal){0});
	}
	unsigned n_asked = count_events(s, EVENT_NEIGHBOUR_WANTED);
	assert_in_range(n_asked, PARK_FORWARD_LOTS + 1, 79);
	assert_int_equal(scene_drops(s, DROP_PARK_FULL), 79 - PARK_FORWARD_LOTS);
	put_plain(s, "192.168.10.9", "10.4.0.1");
	assert_int_equal(scene_drops(s, DROP_PARK_FULL), 79 - PARK_FORWARD_LOTS);
	assert_int_equal(count_events(s, EVENT_HANDSHAKE_WANTED), 1);
}

/* Nor does the lack of a place keep a peer from its handshake. */
static void
handshake_is_asked_for_without_a_lot(void **state)
{
	struct scene *s = *state;
	s->workers[0]->park.n_of[PARK_PEER] = PARK_PEER_LOTS;
	put_plain(s, "192.168.10.9", "10.4.0.1");
	s->workers[0]->park.n_of[PARK_PEER] = 0;
	assert_int_equal(scene_drops(s, DROP_PARK_FULL), 1);
	assert_int_equal(count_events(s, EVENT_HANDSHAKE_WANTED), 1);
}

static uint32_t
add_group(struct scene *s, enum tables_which which, const char *prefix, uint32_t glean_id,
	uint32_t link_id)
{
	struct nexthop group = {
		.type = NEXTHOP_GROUP, .n_members = 2, .members = {glean_id, link_id}};
	struct prefix p;
	uint32_t id;
	assert_int_equal(tables_nexthop_add(s->tables, &group, &id), 0);
	assert_int_equal(prefix_parse(prefix, &p), 0);
	assert_int_equal(tables_route_set(s->tables, which, &p, id), 0);
	return id;
}

/* A gateway of several that is not resolved: what waits for it waits, and does not go round. */
static void
waits_for_a_gateway_of_a_group(void **state)
{
	struct scene *s = *state;
	struct nexthop up = *tables_nexthop(s->tables, s->wan_id);
	add_group(s, TABLES_UNDERLAY, "198.51.102.0/24", s->wan_glean_id, s->wan_id);
	scene_endpoint(s, ANNE, "198.51.102.1");
	put_plain(s, "192.168.10.9", "10.1.0.1");
	unsigned n_taken = 0;
	for (unsigned i = 0; i < 50; i++) {
		n_taken += worker_turn(s->workers[0]);
		rcu_reader_quiescent();
	}
	assert_int_equal(n_taken, 0);
	assert_int_equal(count_events(s, EVENT_NEIGHBOUR_WANTED), 1);
	assert_int_equal(tables_nexthop_set(s->tables, s->wan_glean_id, &up), 0);
	scene_turn(s);
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_int_equal(scene_all_drops(s), 0);
}

/* Whatever it is answered with would go to a group, to everybody or to ourselves. */
static void
strange_sources_are_not_answered(void **state)
{
	static const char *const sources[] = {
		"224.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0", "240.0.0.1", "203.0.113.2"};
	struct scene *s = *state;
	for (unsigned i = 0; i < ARRAY_COUNT(sources); i++) {
		uint8_t ip[SCENE_MAX_BYTES];
		uint32_t n = IPV4_BYTES + UDP_BYTES + sizeof(struct wg_initiation);
		scene_ip(ip, sources[i], "203.0.113.2", n);
		store_be16(ip + IPV4_BYTES + 2, SCENE_LISTEN);
		store_le32(ip + IPV4_BYTES + UDP_BYTES, WG_INITIATION);
		scene_put(SCENE_WAN, scene_frame(SCENE_WAN, ip, n));
		scene_turn(s);
	}
	assert_int_equal(scene_drops(s, DROP_IP_SOURCE), ARRAY_COUNT(sources) - 1);
	assert_int_equal(scene_drops(s, DROP_OWN_SOURCE), 1);
	assert_int_equal(mailbox_count(s->boxes.wire), 0);
}

/* AllowedIPs = 0.0.0.0/0 does not mean 127.0.0.1. Plain ones are the kernel's to refuse. */
static void
strange_inner_sources_go_nowhere(void **state)
{
	struct scene *s = *state;
	struct prefix all;
	assert_int_equal(prefix_parse("0.0.0.0/0", &all), 0);
	assert_int_equal(tables_allowed_set(s->tables, s->iface_id, &all, s->peers[ANNE].id), 0);
	put_sealed(s, ANNE, "127.0.0.1", "192.168.10.9", &(struct scene_seal){0});
	put_sealed(s, ANNE, "224.0.0.5", "192.168.10.9", &(struct scene_seal){0});
	put_sealed(s, ANNE, "0.0.0.0", "192.168.10.9", &(struct scene_seal){0});
	assert_int_equal(scene_drops(s, DROP_IP_SOURCE), 3);
	assert_true(scene_is_silent(s));
	put_plain(s, "127.0.0.1", "10.1.0.1");
	struct rte_mbuf *m = scene_take_kernel(s);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_true(scene_is_silent(s));
}

/*
 * Whoever sent it on from there, no host did: it is dropped, the endpoint stays, and so does its
 * place in the replay window, for the packet itself may still come.
 */
static void
no_roaming_to_strange_addresses(void **state)
{
	static const struct {
		const char *from;
		enum drop_reason reason;
	} rows[] = {
		{"255.255.255.255", DROP_IP_SOURCE}, {"224.0.0.1", DROP_IP_SOURCE},
		{"127.0.0.1", DROP_IP_SOURCE}, {"0.0.0.0", DROP_IP_SOURCE},
		{"::1", DROP_IP_SOURCE}, {"ff02::1", DROP_IP_SOURCE},
		{"203.0.113.2", DROP_OWN_SOURCE}, {"2001:db8::2", DROP_OWN_SOURCE},
	};
	struct scene *s = *state;
	struct endpoint remote;
	struct addr local;
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		uint64_t n = scene_drops(s, rows[i].reason);
		put_sealed(s, ANNE, "10.1.0.1", "192.168.10.9",
			&(struct scene_seal){.from = rows[i].from, .has_counter = true});
		assert_int_equal(scene_drops(s, rows[i].reason), n + 1);
		assert_true(scene_is_silent(s));
	}
	assert_true(tables_encap_get(s->tables, s->peers[ANNE].id, &remote, &local));
	assert_true(endpoint_is_equal(&remote, &s->peers[ANNE].endpoint));
	assert_int_equal(count_events(s, EVENT_ROAMED), 0);
	put_sealed(s, ANNE, "10.1.0.1", "192.168.10.9", &(struct scene_seal){.has_counter = true});
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

/* AllowedIPs = 0.0.0.0/0, ::/0 does not let a peer speak with our own address. */
static void
own_inner_sources_go_nowhere(void **state)
{
	struct scene *s = *state;
	static const char *const all[] = {"0.0.0.0/0", "::/0"};
	put_sealed(s, ANNE, "203.0.113.2", "192.168.10.9", &(struct scene_seal){0});
	assert_int_equal(scene_drops(s, DROP_WG_INNER_SOURCE), 1);
	for (unsigned i = 0; i < ARRAY_COUNT(all); i++) {
		struct prefix p;
		assert_int_equal(prefix_parse(all[i], &p), 0);
		assert_int_equal(
			tables_allowed_set(s->tables, s->iface_id, &p, s->peers[ANNE].id), 0);
	}
	put_sealed(s, ANNE, "203.0.113.2", "192.168.10.9", &(struct scene_seal){0});
	assert_int_equal(scene_drops(s, DROP_OWN_SOURCE), 1);
	put_sealed(s, ANNE, "2001:db8::2", "fd01::9", &(struct scene_seal){0});
	assert_int_equal(scene_drops(s, DROP_OWN_SOURCE), 2);
	assert_true(scene_is_silent(s));
	put_sealed(s, ANNE, "203.0.113.3", "192.168.10.9", &(struct scene_seal){0});
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

static void
strange_inner_destinations(void **state)
{
	static const struct {
		const char *source, *destination;
		enum drop_reason reason;
	} rows[] = {
		{"10.1.0.1", "224.0.0.251", DROP_MULTICAST},
		{"10.1.0.1", "240.0.0.1", DROP_MULTICAST},
		{"10.1.0.1", "255.255.255.255", DROP_MULTICAST},
		{"10.1.0.1", "127.0.0.1", DROP_IP_DESTINATION},
		{"10.1.0.1", "0.0.0.0", DROP_IP_DESTINATION},
		{"fd00:1::1", "ff02::1", DROP_MULTICAST},
		{"fd00:1::1", "::1", DROP_IP_DESTINATION},
		{"fd00:1::1", "::", DROP_IP_DESTINATION},
	};
	struct scene *s = *state;
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		uint64_t n = scene_drops(s, rows[i].reason);
		put_sealed(s, ANNE, rows[i].source, rows[i].destination, &(struct scene_seal){0});
		assert_int_equal(scene_drops(s, rows[i].reason), n + 1);
		assert_true(scene_is_silent(s));
		/* From a LAN they are the kernel's to refuse. */
		put_plain(s, rows[i].source, rows[i].destination);
		struct rte_mbuf *m = scene_take_kernel(s);
		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
}

/* No counter past the limit, whoever asks; what waits for the next session rests meanwhile. */
static void
spent_session_seals_nothing(void **state)
{
	struct scene *s = *state;
	struct session *session = entry(s, ANNE)->tx;
	struct order_mail order = {.kind = ORDER_KEEPALIVE, .peer_id = s->peers[ANNE].id};
	session->send_counter = s->times.reject_after_messages;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(mailbox_put(s->boxes.orders[0], &order));
		scene_turn(s);
	}
	assert_int_equal(session->send_counter, s->times.reject_after_messages);
	put_plain(s, "192.168.10.9", "10.1.0.1");
	assert_int_equal(worker_turn(s->workers[0]), 0);
	assert_true(scene_is_silent(s));
	assert_true(count_events(s, EVENT_HANDSHAKE_WANTED) > 0);
	assert_int_equal(session->send_counter, s->times.reject_after_messages);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(marks_never_outlive_their_event),
		T(scan_takes_no_ones_place),
		T(handshake_is_asked_for_without_a_lot),
		T(waits_for_a_gateway_of_a_group),
		T(strange_sources_are_not_answered),
		T(strange_inner_sources_go_nowhere),
		T(no_roaming_to_strange_addresses),
		T(own_inner_sources_go_nowhere),
		T(strange_inner_destinations),
		T(spent_session_seals_nothing),
	};
	if (!scene_begin())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
