/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways to a peer, as a story each: who is pinged when, which path is the best, and what others
 * cannot make us do. The times are those of stock nodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "reach/peer_paths.h"

#define START (1000 * NS_IN_S)
#define MS NS_IN_MS

static struct path_actions acts; /* of the last event */

static struct path_now
at(ns_t ms)
{
	acts.n = 0;
	return (struct path_now){.times = &path_times_default, .ns = START + ms * MS};
}

static struct endpoint
ep(const char *text)
{
	struct endpoint e;
	assert_int_equal(endpoint_parse(text, &e), 0);
	return e;
}

static struct path_link
from(const char *remote)
{
	struct path_link link = {.remote = ep(remote)};
	assert_int_equal(addr_parse("192.0.2.1", &link.local), 0);
	return link;
}

static unsigned
n_of(enum path_action_kind kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < acts.n; i++)
		n += acts.at[i].kind == kind;
	return n;
}

/* The action of that kind towards remote; NULL: there is none. */
static const struct path_action *
act(enum path_action_kind kind, const char *remote)
{
	struct endpoint e = ep(remote);
	for (unsigned i = 0; i < acts.n; i++)
		if (acts.at[i].kind == kind && endpoint_is_equal(&acts.at[i].link.remote, &e))
			return &acts.at[i];
	return NULL;
}

static void
set_map(struct peer_paths *p, const char *a, const char *b)
{
	struct endpoint e[2] = {ep(a)};
	if (b)
		e[1] = ep(b);
	peer_paths_set_map(p, e, b ? 2 : 1);
}

/* A tick while data is being sent. */
static ns_t
tick(struct peer_paths *p, ns_t ms)
{
	struct path_now now = at(ms);
	ns_t next = peer_paths_tick(p, &now, now.ns, &acts);
	return next ? (next - START) / MS : 0;
}

/* The TxID of the ping that was just sent there. */
static struct disco_txid
pinged(const char *remote)
{
	const struct path_action *a = act(PATH_PING, remote);
	assert_non_null(a);
	return a->txid;
}

static bool
pong(struct peer_paths *p, ns_t ms, const char *remote, struct disco_txid txid)
{
	struct path_now now = at(ms);
	struct path_link link = from(remote);
	return peer_paths_pong_received(p, &now, &link, &txid, &acts);
}

static void
ping(struct peer_paths *p, ns_t ms, const char *remote, uint8_t txid)
{
	struct path_now now = at(ms);
	struct path_link link = from(remote);
	peer_paths_ping_received(p, &now, &link, &(struct disco_txid){{txid}}, &acts);
}

static void
assert_best(const struct peer_paths *p, ns_t ms, const char *remote, bool is_trusted)
{
	struct path_best best;
	char text[ENDPOINT_TEXT_BYTES];
	if (!remote) {
		assert_false(peer_paths_best(p, START + ms * MS, &best));
		return;
	}
	assert_true(peer_paths_best(p, START + ms * MS, &best));
	assert_string_equal(endpoint_format(&best.link.remote, text), remote);
	assert_int_equal(best.is_trusted, is_trusted);
}

static bool
knows(const struct peer_paths *p, const char *remote)
{
	struct endpoint e = ep(remote);
	return peer_paths_knows(p, &e);
}

#define FAR "198.51.100.7:41641"
#define NEAR "10.1.0.7:41641"
#define OTHER "203.0.113.9:5000"

/* Nothing is pinged before data is to be sent; then all, each at most every 5 s. */
static void
discovery(void **state)
{
	struct peer_paths p = {0};
	struct path_now now = at(0);

	set_map(&p, FAR, NEAR);
	assert_int_equal(peer_paths_tick(&p, &now, 0, &acts), 0);
	assert_int_equal(acts.n, 0);
	assert_int_equal(tick(&p, 10), 5010);
	assert_int_equal(n_of(PATH_PING), 2);
	assert_non_null(act(PATH_PING, FAR));
	assert_non_null(act(PATH_PING, NEAR));
	assert_int_equal(act(PATH_PING, FAR)->link.local.family, ADDR_NONE);
	assert_int_equal(tick(&p, 5009), 5010);
	assert_int_equal(acts.n, 0);
	assert_int_equal(tick(&p, 5010), 10010);
	assert_int_equal(n_of(PATH_PING), 2);

	/* The last data is 45 s old: silence. */
	now = at(20000);
	assert_int_equal(peer_paths_tick(&p, &now, now.ns - 45 * NS_IN_S, &acts), 0);
	assert_int_equal(acts.n, 0);
	assert_int_not_equal(peer_paths_tick(&p, &now, now.ns - 45 * NS_IN_S + 1, &acts), 0);
	assert_int_equal(n_of(PATH_PING), 2);
}

/* A pong makes a path; it is kept by heartbeats, doubted without, and taken again. */
static void
best_path(void **state)
{
	struct peer_paths p = {0};

	set_map(&p, FAR, NEAR);
	tick(&p, 0);
	struct disco_txid to_far = pinged(FAR), to_near = pinged(NEAR);
	assert_true(pong(&p, 40, FAR, to_far));
	assert_non_null(act(PATH_BEST, FAR));
	assert_int_equal(act(PATH_REACHED, FAR)->latency_ns, 40 * MS);
	assert_best(&p, 40, FAR, true);
	assert_false(pong(&p, 41, FAR, to_far)); /* counted already */
	assert_true(pong(&p, 41, NEAR, to_near)); /* a bit slower, but private */
	assert_non_null(act(PATH_BEST, NEAR));
	assert_best(&p, 41, NEAR, true);

	assert_int_equal(tick(&p, 50), 3000);
	assert_int_equal(acts.n, 0);
	assert_int_equal(tick(&p, 3000), 6000);
	assert_int_equal(n_of(PATH_PING), 1);
	struct disco_txid heartbeat = pinged(NEAR);
	assert_true(pong(&p, 3041, NEAR, heartbeat));
	assert_int_equal(n_of(PATH_BEST), 0);
	assert_best(&p, 9540, NEAR, true);

	/* No pong for 6.5 s: doubted, said once, and all are pinged again. */
	assert_int_equal(tick(&p, 6000), 9000);
	assert_int_equal(tick(&p, 9000), 9541);
	tick(&p, 9541);
	assert_non_null(act(PATH_DOUBTED, NEAR));
	assert_best(&p, 9541, NEAR, false);
	assert_non_null(act(PATH_PING, FAR));
	to_far = pinged(FAR);
	tick(&p, 9600);
	assert_int_equal(acts.n, 0);
	/* Any that answers is better than a doubted one. */
	assert_true(pong(&p, 9641, FAR, to_far));
	assert_non_null(act(PATH_BEST, FAR));
	struct path_now now = at(14000);
	peer_paths_ping_all(&p, &now, &acts);
	assert_true(pong(&p, 14160, NEAR, pinged(NEAR)));
	assert_best(&p, 14160, FAR, true); /* 100 ms against 160 ms beat the 20 points */
}

/* With a good path the others are left alone, with a slow one they are looked at every minute. */
static void
looks_for_better(void **state)
{
	for (unsigned is_slow = 0; is_slow < 2; is_slow++) {
		struct peer_paths p = {0};
		unsigned n_far = 0;
		set_map(&p, FAR, NEAR);
		tick(&p, 0);
		assert_true(pong(&p, is_slow ? 6 : 5, NEAR, pinged(NEAR)));
		for (unsigned ms = 1000; ms < 125000; ms += 1000) {
			tick(&p, ms);
			n_far += act(PATH_PING, FAR) != NULL;
			if (act(PATH_PING, NEAR))
				assert_true(pong(&p, ms + (is_slow ? 6 : 5), NEAR, pinged(NEAR)));
		}
		assert_int_equal(n_far, is_slow ? 2 : 0);
	}
}

/* A ping is answered once, along its own way, and pinged back; that alone makes no path. */
static void
ping_received(void **state)
{
	struct peer_paths p = {0};

	ping(&p, 0, OTHER, 1);
	assert_int_equal(n_of(PATH_PONG), 1);
	assert_int_equal(act(PATH_PONG, OTHER)->txid.bytes[0], 1);
	assert_int_equal(act(PATH_PONG, OTHER)->link.local.family, ADDR_V4);
	struct disco_txid back = pinged(OTHER);
	assert_int_equal(act(PATH_PING, OTHER)->link.local.family, ADDR_V4);
	assert_best(&p, 0, NULL, false);
	ping(&p, 1, OTHER, 1);
	assert_int_equal(acts.n, 0);
	ping(&p, 2, OTHER, 2); /* another one; but it was pinged just now */
	assert_int_equal(n_of(PATH_PONG), 1);
	assert_int_equal(n_of(PATH_PING), 0);
	assert_true(pong(&p, 20, OTHER, back));
	assert_best(&p, 20, OTHER, true);
	/* The trusted one needs no ping back; the silent side renews it when it was doubted. */
	ping(&p, 6000, OTHER, 3);
	assert_int_equal(n_of(PATH_PING), 0);
	ping(&p, 7000, OTHER, 4);
	assert_int_equal(n_of(PATH_PING), 1);
	/* From nowhere, or from where nothing can be sent to. */
	ping(&p, 7000, "0.0.0.0:1", 5);
	ping(&p, 7000, "192.0.2.3:0", 5);
	ping(&p, 7000, "224.0.0.1:5", 5);
	ping(&p, 7000, "[fe80::1]:5", 5);
	assert_int_equal(acts.n, 0);
}

/* A pong counts for the address pinged, though it comes from another; late it is none. */
static void
pong_credits_the_pinged(void **state)
{
	struct peer_paths p = {0};

	set_map(&p, FAR, NULL);
	tick(&p, 0);
	struct disco_txid first = pinged(FAR);
	assert_false(pong(&p, 10, FAR, (struct disco_txid){{0}}));
	assert_int_equal(acts.n, 0);
	assert_true(pong(&p, 10, OTHER, first));
	assert_best(&p, 10, FAR, true);
	assert_false(knows(&p, OTHER));
	assert_int_equal(act(PATH_BEST, FAR)->link.local.family, ADDR_NONE);

	struct peer_paths late = {0};
	set_map(&late, FAR, NULL);
	tick(&late, 0);
	assert_false(pong(&late, 5000, FAR, pinged(FAR)));
	assert_best(&late, 5000, NULL, false);
}

/* Candidates of pings give way to nobody while they are new; the map's always find a place. */
static void
strangers_are_bounded(void **state)
{
	struct peer_paths p = {0};
	unsigned n_pings = 0, n_pongs = 0;
	char text[ENDPOINT_TEXT_BYTES];

	set_map(&p, FAR, NULL);
	for (unsigned i = 0; i < 1000; i++) { /* replayed with made-up sources within 1 s */
		snprintf(text, sizeof(text), "10.0.%u.%u:7", i / 250, 1 + i % 250);
		ping(&p, i, text, 1);
		n_pings += n_of(PATH_PING);
		n_pongs += n_of(PATH_PONG);
	}
	assert_int_equal(n_pings, PATHS_MAX_LEARNED);
	assert_in_range(n_pongs, PATHS_PONG_BURST, PATHS_PONG_BURST + 21);
	assert_true(knows(&p, FAR));
	assert_true(knows(&p, "10.0.0.1:7"));
	ping(&p, 7000, OTHER, 9); /* a new one, when the old are silent */
	assert_int_equal(n_of(PATH_PING), 1);
	assert_true(knows(&p, OTHER));

	struct endpoint map[PATHS_MAX_OF_MAP + 4];
	for (unsigned i = 0; i < ARRAY_COUNT(map); i++)
		map[i] = (struct endpoint){.addr = addr_from_v4(0xcb007101u + i), .port = 9};
	peer_paths_set_map(&p, map, ARRAY_COUNT(map));
	for (unsigned i = 0; i < ARRAY_COUNT(map); i++)
		assert_int_equal(peer_paths_knows(&p, &map[i]), i < PATHS_MAX_OF_MAP);
	assert_false(knows(&p, FAR));

	/* Learned ones are forgotten after 45 s without a ping. */
	assert_true(knows(&p, OTHER));
	tick(&p, 51999);
	assert_true(knows(&p, OTHER));
	tick(&p, 52000);
	assert_false(knows(&p, OTHER));
}

/* The best path outlives its entry in the map while it is trusted, and no longer. */
static void
best_leaves_the_map(void **state)
{
	struct peer_paths p = {0};

	set_map(&p, FAR, NULL);
	tick(&p, 0);
	assert_true(pong(&p, 10, FAR, pinged(FAR)));
	set_map(&p, OTHER, NULL);
	assert_best(&p, 11, FAR, true);
	tick(&p, 7000);
	assert_non_null(act(PATH_LOST, FAR));
	assert_non_null(act(PATH_PING, OTHER));
	assert_null(act(PATH_PING, FAR));
	assert_best(&p, 7000, NULL, false);
}

static void
call_me_maybe(void **state)
{
	struct peer_paths p = {0};
	struct disco_message call = {.type = DISCO_CALL_ME_MAYBE, .n_endpoints = 3};
	struct path_now now;

	set_map(&p, FAR, NULL);
	tick(&p, 0);
	call.endpoints[0] = ep(OTHER);
	call.endpoints[1] = ep("[fe80::7]:41641");
	call.endpoints[2] = ep(NEAR);
	now = at(100);
	peer_paths_call_received(&p, &now, &call, &acts);
	assert_int_equal(n_of(PATH_PING), 3); /* FAR too, although it was pinged just now */
	now = at(200);
	peer_paths_call_received(&p, &now, &call, &acts);
	assert_int_equal(acts.n, 0); /* too soon */
	call.n_endpoints = 1;
	now = at(1200);
	peer_paths_call_received(&p, &now, &call, &acts);
	assert_int_equal(n_of(PATH_PING), 2);
	assert_false(knows(&p, NEAR)); /* replaced */
}

static void
what_ends_a_path(void **state)
{
	struct peer_paths p = {0};
	struct endpoint far = ep(FAR), other = ep(OTHER);

	set_map(&p, FAR, NULL);
	tick(&p, 0);
	assert_true(pong(&p, 10, FAR, pinged(FAR)));
	acts.n = 0;
	peer_paths_send_failed(&p, &other, &acts);
	assert_best(&p, 11, FAR, true);
	peer_paths_send_failed(&p, &far, &acts);
	assert_non_null(act(PATH_LOST, FAR));
	assert_best(&p, 11, NULL, false);

	tick(&p, 5010);
	assert_true(pong(&p, 5020, FAR, pinged(FAR)));
	tick(&p, 8100);
	struct disco_txid under_way = pinged(FAR);
	acts.n = 0;
	peer_paths_disco_changed(&p, &acts);
	assert_non_null(act(PATH_LOST, FAR));
	assert_false(pong(&p, 8101, FAR, under_way));
	tick(&p, 8102); /* at once, to the new process */
	assert_non_null(act(PATH_PING, FAR));
}

/* Silent, the tick still says when the trust ends. */
static void
idle(void **state)
{
	struct peer_paths p = {0};
	struct path_now now;

	ping(&p, 0, OTHER, 1);
	assert_true(pong(&p, 10, OTHER, pinged(OTHER)));
	now = at(20);
	assert_int_equal(peer_paths_tick(&p, &now, 0, &acts), START + 6510 * MS);
	now = at(6510);
	assert_int_equal(peer_paths_tick(&p, &now, 0, &acts), 0);
	assert_int_equal(acts.n, 1);
	assert_non_null(act(PATH_DOUBTED, OTHER));
	now = at(100000); /* the only way we know is not forgotten */
	assert_int_equal(peer_paths_tick(&p, &now, 0, &acts), 0);
	assert_best(&p, 100000, OTHER, false);
	now = at(100000);
	peer_paths_ping_all(&p, &now, &acts);
	assert_int_equal(n_of(PATH_PING), 1);
}

static void
better(void **state)
{
	static const struct {
		const char *a;
		unsigned a_ms;
		const char *b;
		unsigned b_ms;
		bool is_better;
	} rows[] = {
		{"1.1.1.1:1", 100, "1.1.1.2:1", 101, false}, /* one per cent is none */
		{"1.1.1.1:1", 100, "1.1.1.2:1", 103, true},
		{"1.1.1.1:1", 103, "1.1.1.2:1", 100, false},
		{"1.1.1.1:1", 100, "1.1.1.2:1", 100, false},
		{"1.1.1.1:1", 10, "1.1.1.1:1", 100, false},  /* the same one */
		{"[2001:db8::1]:1", 100, "1.1.1.2:1", 100, true},
		{"[2001:db8::1]:1", 109, "1.1.1.2:1", 100, true},
		{"[2001:db8::1]:1", 110, "1.1.1.2:1", 100, false},
		{"10.0.0.1:1", 120, "1.1.1.2:1", 100, true},
		{"10.0.0.1:1", 130, "1.1.1.2:1", 100, false},
		{"172.16.0.1:1", 100, "192.168.0.1:1", 100, false},
		{"172.32.0.1:1", 100, "192.168.0.1:1", 100, false},
		{"192.168.0.1:1", 100, "172.32.0.1:1", 100, true},
		{"[fd00::1]:1", 100, "10.0.0.1:1", 100, true},
		{"169.254.1.1:1", 100, "10.0.0.1:1", 100, true},
		{"127.0.0.1:1", 190, "1.1.1.1:1", 100, true},
		{"127.0.0.1:1", 210, "1.1.1.1:1", 100, false},
		{"[::1]:1", 100, "127.0.0.1:1", 100, true},
		{"1.1.1.1:1", 0, "1.1.1.2:1", 0, false},
		{"1.1.1.1:1", 0, "1.1.1.2:1", 7, true},
		{"1.1.1.1:1", 7, "1.1.1.2:1", 0, false},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		struct endpoint a = ep(rows[i].a), b = ep(rows[i].b);
		bool is = path_is_better(&a, rows[i].a_ms * MS, &b, rows[i].b_ms * MS);
		if (is != rows[i].is_better)
			fail_msg("row %u", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discovery),
		cmocka_unit_test(best_path),
		cmocka_unit_test(looks_for_better),
		cmocka_unit_test(ping_received),
		cmocka_unit_test(pong_credits_the_pinged),
		cmocka_unit_test(strangers_are_bounded),
		cmocka_unit_test(best_leaves_the_map),
		cmocka_unit_test(call_me_maybe),
		cmocka_unit_test(what_ends_a_path),
		cmocka_unit_test(idle),
		cmocka_unit_test(better),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
