/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What those who look on are told of packets: fate, stage, peers and flows by a trace; bytes, links
 * and directions by a capture; and drops by link and by peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "scene_test.h"
#include "watch/watch.h"

static const struct scene_seal as_usual;

/* ---- Somebody looks ---- */

static struct watch *
look(struct scene *s, const struct watch_plan *plan)
{
	struct watch *watch = watch_create(plan, s->config.n_workers, NULL);
	struct watch_set *set = watch_set_with(s->tables->watches, watch);
	assert_non_null(set);
	free(s->tables->watches);
	s->tables->watches = set;
	return watch;
}

static struct watch *
trace(struct scene *s, const char *const *words, unsigned n_words)
{
	struct watch_plan *plan = calloc(1, sizeof(*plan));
	plan->kind = WATCH_TRACE;
	assert_int_equal(match_parse(&plan->match, words, n_words, NULL), 0);
	struct watch *watch = look(s, plan);
	free(plan);
	return watch;
}

static struct watch *
capture(struct scene *s, uint32_t snap_bytes)
{
	struct watch_plan *plan = calloc(1, sizeof(*plan));
	plan->kind = WATCH_CAPTURE;
	plan->snap_bytes = snap_bytes;
	for (uint16_t link = 0; link < LINK_COUNT; link++)
		watch_add_link(plan, link);
	struct watch *watch = look(s, plan);
	free(plan);
	return watch;
}

static void
look_away(struct scene *s, struct watch *watch)
{
	struct watch_set *set = watch_set_without(s->tables->watches, watch);
	free(s->tables->watches);
	s->tables->watches = set->n ? set : NULL;
	if (!set->n)
		free(set);
	watch_destroy(watch);
}

/* The next record of the worker's lane; it holds until the next call. NULL: there is none. */
static const struct watch_record *
next(struct watch *watch, unsigned worker)
{
	static uint64_t record[512];
	uint32_t n_bytes;
	const void *r = watch_ring_first(watch->lanes[worker].ring, &n_bytes);
	if (!r)
		return NULL;
	assert_true(n_bytes <= sizeof(record));
	memcpy(record, r, n_bytes);
	watch_ring_drop(watch->lanes[worker].ring);
	return (const struct watch_record *)record;
}

static const struct watch_flows *
flows_of(const struct watch_record *r)
{
	return (const struct watch_flows *)(r + 1);
}

static void
assert_fate(const struct watch_record *r, enum verdict verdict, enum stage stage)
{
	assert_non_null(r);
	assert_int_equal(r->fate.verdict, verdict);
	assert_int_equal(r->fate.stage, stage);
}

static struct rte_mbuf *
plain(const char *to, uint32_t n_bytes)
{
	uint8_t ip[SCENE_MAX_BYTES];
	return scene_frame(SCENE_LAN, ip, scene_ip(ip, "192.168.10.9", to, n_bytes));
}

static struct rte_mbuf *
from_anne(struct scene *s, const char *source, const struct scene_seal *how)
{
	uint8_t ip[SCENE_MAX_BYTES];
	return scene_sealed(s, ANNE, ip, scene_ip(ip, source, "192.168.10.9", 100), how);
}

static void
sink(enum scene_port port)
{
	struct rte_mbuf *m = scene_take(port);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

/* Answers and the like that a test is not about. */
static void
drain(struct scene *s)
{
	struct rte_mbuf *m;
	while ((m = scene_take(SCENE_LAN)) || (m = scene_take(SCENE_WAN)) ||
		(m = scene_take_kernel(s)))
		rte_pktmbuf_free(m);
}

/* ---- Traces ---- */

static void
into_the_tunnel(void **state)
{
	struct scene *s = *state;
	struct watch *t = trace(s, NULL, 0);
	put(s, SCENE_LAN, plain("10.1.7.7", 100));
	sink(SCENE_WAN);
	const struct watch_record *r = next(t, 0);
	assert_fate(r, VERDICT_TX, STAGE_ENCAP);
	assert_int_equal(r->fate.first_link, SCENE_LAN);
	assert_int_equal(r->fate.out_link, SCENE_WAN);
	assert_int_equal(r->fate.to.id, s->peers[ANNE].id);
	assert_int_equal(r->fate.from.id, 0);
	assert_int_equal(r->n_bytes, 100 + ETHERNET_BYTES);
	assert_int_equal(flows_of(r)->inner.destination[0], 10);
	assert_int_equal(flows_of(r)->inner.source_port, 1234);
	assert_int_equal(flows_of(r)->outer.destination[0], 198);
	assert_int_equal(flows_of(r)->outer.destination_port, SCENE_PEER_PORT);
	assert_null(next(t, 0));
	look_away(s, t);
	/* And as before when nobody looks. */
	put(s, SCENE_LAN, plain("10.1.7.7", 100));
	sink(SCENE_WAN);
}

static void
out_of_the_tunnel(void **state)
{
	struct scene *s = *state;
	struct watch *t = trace(s, NULL, 0);
	put(s, SCENE_WAN, from_anne(s, "10.1.7.7", &as_usual));
	sink(SCENE_LAN);
	const struct watch_record *r = next(t, 0);
	assert_fate(r, VERDICT_TX, STAGE_ROUTE);
	assert_int_equal(r->fate.from.id, s->peers[ANNE].id);
	assert_int_equal(r->fate.to.id, 0);
	assert_int_equal(r->fate.first_link, SCENE_WAN);
	assert_int_equal(r->fate.in_link, link_of_iface(s->iface_id));
	assert_int_equal(flows_of(r)->outer.source[0], 198);
	assert_int_equal(flows_of(r)->inner.source[0], 10);
	look_away(s, t);
}

/* Each drop ends at its stage, and is counted under its link and its peer. */
static void
drops(void **state)
{
	struct scene *s = *state;
	struct watch *t = trace(s, NULL, 0);
	const uint16_t hg0 = link_of_iface(s->iface_id);
	const struct {
		struct rte_mbuf *m;
		enum scene_port port;
		enum stage stage;
		enum drop_reason reason;
		uint16_t link;
		bool is_annes;
	} rows[] = {
		{from_anne(s, "10.1.7.7", &(struct scene_seal){.is_damaged = true}), SCENE_WAN,
			STAGE_VERIFY, DROP_WG_AUTH, SCENE_WAN, true},
		{from_anne(s, "10.2.7.7", &as_usual), SCENE_WAN, STAGE_VERIFY,
			DROP_WG_INNER_SOURCE, hg0, true},
		{from_anne(s, "10.1.7.7", &(struct scene_seal){.to_port = SCENE_LISTEN_1}),
			SCENE_WAN, STAGE_SESSIONS, DROP_WG_INTERFACE, SCENE_WAN, true},
		{plain("10.9.9.9", 100), SCENE_LAN, STAGE_PEERS, DROP_NO_PEER, SCENE_LAN, false},
		{plain("172.16.1.1", 100), SCENE_LAN, STAGE_ROUTE, DROP_NO_ROUTE, SCENE_LAN,
			false},
		{scene_bytes((const uint8_t[]){1, 2, 3}, 3), SCENE_LAN, STAGE_CLASSIFY,
			DROP_FRAME_SHORT, SCENE_LAN, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct drop_sample sample = {0};
		put(s, rows[i].port, rows[i].m);
		const struct watch_record *r = next(t, 0);
		assert_fate(r, VERDICT_DROP, rows[i].stage);
		assert_int_equal(r->fate.reason_or_target, rows[i].reason);
		assert_int_equal(r->fate.from.id, rows[i].is_annes ? s->peers[ANNE].id : 0);
		drops_sample(s->workers[0], &sample);
		drop_sample_settle(&sample);
		struct drop_cell cell = {.scope = DROP_BY_LINK, .reason = (uint8_t)rows[i].reason,
			.id = rows[i].link};
		assert_int_equal(drop_sample_count(&sample, &cell), 1);
		cell.scope = DROP_BY_PEER;
		cell.id = s->peers[ANNE].id;
		cell.generation = tables_peer(s->tables, cell.id)->generation;
		assert_int_equal(drop_sample_count(&sample, &cell), rows[i].is_annes);
		drop_sample_fini(&sample);
		/* What came of it: an ICMP error, next turn. */
		scene_turn_all(s);
		drain(s);
		while (next(t, 0))
			;
	}
	look_away(s, t);
}

static void
waits_and_is_given_up(void **state)
{
	struct scene *s = *state;
	struct watch *t = trace(s, NULL, 0);
	put(s, SCENE_LAN, plain("10.4.7.7", 100));
	assert_fate(next(t, 0), VERDICT_KEPT, STAGE_PEERS);
	struct order_mail order = {.kind = ORDER_PARKED_DROP, .peer_id = s->peers[DORA].id};
	assert_true(mailbox_put(s->boxes.orders[0], &order));
	scene_turn(s);
	const struct watch_record *r = next(t, 0);
	assert_fate(r, VERDICT_DROP, STAGE_PARK);
	assert_int_equal(r->fate.reason_or_target, DROP_PARK_TIMEOUT);
	assert_int_equal(r->fate.to.id, s->peers[DORA].id);
	assert_int_equal(flows_of(r)->inner.destination[0], 10);
	look_away(s, t);
	scene_turn_all(s);
	drain(s);
}

static void
only_what_matches(void **state)
{
	struct scene *s = *state;
	struct watch *t = trace(s, (const char *[]){"address", "10.1.0.0/16"}, 2);
	put(s, SCENE_LAN, plain("10.2.7.7", 100));
	put(s, SCENE_LAN, plain("10.1.7.7", 100));
	sink(SCENE_WAN);
	sink(SCENE_WAN);
	assert_fate(next(t, 0), VERDICT_TX, STAGE_ENCAP);
	assert_null(next(t, 0));
	look_away(s, t);
}

/* Worker 1 owns the session: what worker 0 hands over is shown once, by worker 1. */
static void
handed_over(void **state)
{
	struct scene *s = *state;
	scene_session(s, ANNE, true, 1, 0);
	struct watch *t = trace(s, NULL, 0);
	struct watch *c = capture(s, 2000);
	scene_put(SCENE_WAN, from_anne(s, "10.1.7.7", &as_usual));
	scene_turn_all(s);
	sink(SCENE_LAN);
	assert_null(next(t, 0));
	assert_fate(next(t, 1), VERDICT_TX, STAGE_ROUTE);
	assert_null(next(t, 1));
	/* The frame where it came in; the packet and the frame that leaves by worker 1. */
	assert_int_equal(next(c, 0)->link_id, SCENE_WAN);
	assert_null(next(c, 0));
	assert_int_equal(next(c, 1)->link_id, link_of_iface(s->iface_id));
	assert_int_equal(next(c, 1)->link_id, SCENE_LAN);
	assert_null(next(c, 1));
	look_away(s, c);
	look_away(s, t);
}

/* ---- Captures ---- */

struct seen {
	uint16_t link;
	bool is_out;
	uint32_t n_bytes;
};

static void
assert_seen(struct watch *c, const struct seen *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct watch_record *r = next(c, 0);
		assert_non_null(r);
		assert_int_equal(r->link_id, rows[i].link);
		assert_int_equal(r->is_out, rows[i].is_out);
		assert_int_equal(r->n_bytes, rows[i].n_bytes);
		assert_int_equal(r->n_captured, MIN_OF(r->n_bytes, 96));
		assert_int_equal(r->fate.verdict, VERDICT_TX);
	}
	assert_null(next(c, 0));
}

static void
seen_once_on_each_link(void **state)
{
	struct scene *s = *state;
	const uint16_t hg0 = link_of_iface(s->iface_id);
	struct watch *c = capture(s, 96);
	put(s, SCENE_LAN, plain("10.1.7.7", 100));
	sink(SCENE_WAN);
	assert_seen(c, (struct seen[]){{SCENE_LAN, false, 114}, {hg0, true, 100},
			       {SCENE_WAN, true, 14 + 20 + 8 + 32 + 112}}, 3);
	put(s, SCENE_WAN, from_anne(s, "10.1.7.7", &as_usual));
	sink(SCENE_LAN);
	assert_seen(c, (struct seen[]){{SCENE_WAN, false, 14 + 20 + 8 + 32 + 112},
			       {hg0, false, 100}, {SCENE_LAN, true, 114}}, 3);
	look_away(s, c);
}

/* Sealing is in place: the inner copy is from before, the outer one from after. */
static void
plain_inside_sealed_outside(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	scene_ip(ip, "192.168.10.9", "10.1.7.7", 100);
	struct watch *c = capture(s, 2000);
	put(s, SCENE_LAN, plain("10.1.7.7", 100));
	sink(SCENE_WAN);
	assert_non_null(next(c, 0));
	const struct watch_record *r = next(c, 0);
	assert_memory_equal((const uint8_t *)(r + 1) + IPV4_BYTES, ip + IPV4_BYTES,
		100 - IPV4_BYTES);
	r = next(c, 0);
	const uint8_t *message = (const uint8_t *)(r + 1) + ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
	assert_int_equal(load_le32(message), WG_DATA);
	assert_memory_not_equal(message + 16 + IPV4_BYTES, ip + IPV4_BYTES, 100 - IPV4_BYTES);
	look_away(s, c);
}

/* A full ring costs records, never packets. */
static void
full_ring(void **state)
{
	struct scene *s = *state;
	struct watch *c = capture(s, 2000);
	unsigned n_pkts = 0;
	while (!c->lanes[0].n_lost) {
		put(s, SCENE_LAN, plain("10.1.7.7", 1400));
		sink(SCENE_WAN);
		n_pkts++;
	}
	assert_true(n_pkts > WATCH_CAPTURE_RING_BYTES / 5000);
	assert_int_equal(scene_all_drops(s), 0);
	look_away(s, c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(into_the_tunnel),
		TEST(out_of_the_tunnel),
		TEST(drops),
		TEST(waits_and_is_given_up),
		TEST(only_what_matches),
		TEST(handed_over),
		TEST(seen_once_on_each_link),
		TEST(plain_inside_sealed_outside),
		TEST(full_ring),
	};
	return scene_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
