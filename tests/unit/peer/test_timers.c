/* SPDX-License-Identifier: BSD-3-Clause */
/* The timers: rows of (activity, state, now) → (action, next), then whole stories in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "peer/timers.h"

#define S NS_IN_S
#define MS NS_IN_MS
#define JITTER (100 * MS)
#define INIT TIMER_SEND_INITIATION
#define ROAM TIMER_FORGET_SOURCE
#define KEEP TIMER_SEND_KEEPALIVE

static const struct protocol_times *const times = &protocol_times_default;

static void
rows(void **state)
{
	static const struct {
		const char *name;
		struct peer_activity activity; /* tx_unanswered, rx_unanswered, last_traversal */
		struct timer_state st;
		ns_t now;
		unsigned what;
		ns_t next;
		bool covers;
	} table[] = {
		{"nothing at all", {0}, {0}, 100 * S, 0, 0, false},

		{"received, silent for 0 s", {0, 100 * S, 0}, {0}, 100 * S, 0, 110 * S, true},
		{"received, silent for almost 10 s", {0, 100 * S, 0}, {0}, 110 * S - 1, 0, 110 * S,
			true},
		{"received, silent for 10 s", {0, 100 * S, 0}, {0}, 110 * S, KEEP, 0, false},
		{"the same stamp once", {0, 100 * S, 0}, {.rx_fired_ns = 100 * S}, 120 * S, 0, 0,
			false},
		{"another stamp", {0, 105 * S, 0}, {.rx_fired_ns = 100 * S}, 120 * S, KEEP, 0,
			false},

		{"sent, unanswered for 1 s", {100 * S, 0, 0}, {0}, 101 * S, 0, 111 * S, true},
		{"sent, unanswered for 15 s, the jitter to come", {100 * S, 0, 0}, {0}, 115 * S, 0,
			115 * S + JITTER, true},
		{"sent, unanswered for 15 s and jitter", {100 * S, 0, 0}, {0}, 115 * S + JITTER,
			INIT | ROAM, 120 * S + 2 * JITTER, true},
		{"the jitter of the first look holds", {100 * S, 0, 0},
			{.tx_seen_ns = 100 * S, .tx_due_ns = 115 * S}, 115 * S, INIT | ROAM,
			120 * S + JITTER, true},
		{"a new stamp, a new jitter", {101 * S, 0, 0},
			{.tx_seen_ns = 100 * S, .tx_due_ns = 115 * S}, 115 * S, 0,
			116 * S + JITTER, true},
		{"the same stamp once", {100 * S, 0, 0}, {.tx_fired_ns = 100 * S}, 200 * S, 0, 0,
			false},
		{"unanswered, but an initiation is young",
			{100 * S, 0, 0}, {.handshake_sent_ns = 114 * S, .retry_at_ns = 119 * S,
				.n_retries = 7}, 116 * S, ROAM, 119 * S, true},

		{"wanted, first", {0}, {.wants_handshake = true}, 100 * S, INIT,
			105 * S + JITTER, true},
		{"wanted 4 s after a response", {0},
			{.wants_handshake = true, .handshake_sent_ns = 96 * S}, 100 * S, 0,
			101 * S, true},
		{"wanted 5 s after a response", {0},
			{.wants_handshake = true, .handshake_sent_ns = 95 * S}, 100 * S, INIT,
			105 * S + JITTER, true},
		{"wanted within a retry", {0},
			{.wants_handshake = true, .handshake_sent_ns = 96 * S,
				.retry_at_ns = 101 * S + 1}, 100 * S, 0, 101 * S + 1, true},
		{"wanted as a retry is due", {0},
			{.wants_handshake = true, .handshake_sent_ns = 95 * S,
				.retry_at_ns = 100 * S + 1}, 100 * S, INIT, 105 * S + JITTER, true},

		{"retry not yet", {0}, {.handshake_sent_ns = 96 * S, .retry_at_ns = 101 * S},
			100 * S, 0, 101 * S, true},
		{"retry", {0}, {.handshake_sent_ns = 95 * S, .retry_at_ns = 100 * S}, 100 * S,
			INIT | ROAM, 105 * S + JITTER, true},
		{"the last retry", {0},
			{.handshake_sent_ns = 95 * S, .retry_at_ns = 100 * S, .n_retries = 18},
			100 * S, INIT | ROAM, 105 * S + JITTER, true},
		{"none any more", {0},
			{.handshake_sent_ns = 95 * S, .retry_at_ns = 100 * S, .n_retries = 19},
			100 * S, TIMER_GIVE_UP, 640 * S, false},
		{"giving up does not move a wipe", {0},
			{.handshake_sent_ns = 95 * S, .retry_at_ns = 100 * S, .n_retries = 19,
				.wipe_at_ns = 300 * S}, 100 * S, TIMER_GIVE_UP, 300 * S, false},
		{"giving up, no keepalive", {0, 90 * S, 0},
			{.handshake_sent_ns = 95 * S, .retry_at_ns = 100 * S, .n_retries = 19},
			100 * S, TIMER_GIVE_UP, 640 * S, false},

		{"keys kept", {0}, {.wipe_at_ns = 640 * S}, 639 * S, 0, 640 * S, true},
		{"keys wiped", {0}, {.wipe_at_ns = 640 * S}, 640 * S, TIMER_WIPE, 0, false},

		{"persistent, just on", {0},
			{.persistent_ns = 25 * S, .wants_persistent = true,
				.persistent_since_ns = 100 * S}, 100 * S, KEEP, 125 * S, false},
		{"persistent, traffic 20 s ago", {0, 0, 80 * S},
			{.persistent_ns = 25 * S, .persistent_since_ns = 10 * S}, 100 * S, 0,
			105 * S, true},
		{"persistent, traffic 25 s ago", {0, 0, 75 * S},
			{.persistent_ns = 25 * S, .persistent_since_ns = 10 * S}, 100 * S, KEEP,
			125 * S, false},
		{"persistent, fired and not sent", {0, 0, 10 * S},
			{.persistent_ns = 25 * S, .persistent_since_ns = 90 * S}, 100 * S, 0,
			115 * S, false},
		{"not persistent", {0, 0, 10 * S}, {.persistent_since_ns = 10 * S}, 100 * S, 0, 0,
			false},

		{"all at once", {80 * S, 90 * S, 10 * S},
			{.wipe_at_ns = 100 * S, .persistent_ns = 25 * S,
				.tx_seen_ns = 80 * S, .tx_due_ns = 95 * S}, 100 * S,
			INIT | ROAM | KEEP | TIMER_WIPE, 105 * S + JITTER, true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct timer_state st = table[i].st;
		struct timer_action act =
			timers_next(times, &table[i].activity, &st, table[i].now, JITTER);
		if (act.what != table[i].what || act.next_ns != table[i].next ||
			act.covers_activity != table[i].covers)
			fail_msg("%s: action %#x next %llu ms covers %d", table[i].name, act.what,
				(unsigned long long)(act.next_ns / MS), act.covers_activity);
		/* An action is returned once. */
		act = timers_next(times, &table[i].activity, &st, table[i].now, JITTER);
		assert_int_equal(act.what, 0);
	}
}

/* Calls at each next_ns until nothing is left to do or `until`; counts what was done. */
struct tally {
	unsigned n_initiations, n_keepalives, n_give_ups, n_wipes;
	unsigned last_retry;
	ns_t last_initiation_ns, last_ns;
};

static struct tally
run(struct timer_state *st, struct peer_activity *a, ns_t from, ns_t until)
{
	struct tally t = {0};
	ns_t now = from;
	while (now && now <= until) {
		struct timer_action act = timers_next(times, a, st, now, JITTER);
		t.last_ns = now;
		t.n_keepalives += !!(act.what & KEEP);
		t.n_give_ups += !!(act.what & TIMER_GIVE_UP);
		t.n_wipes += !!(act.what & TIMER_WIPE);
		activity_disarm(&a->tx_unanswered_ns, act.tx_fired_ns);
		activity_disarm(&a->rx_unanswered_ns, act.rx_fired_ns);
		if (act.what & INIT) {
			t.n_initiations++;
			t.last_retry = act.n_retries;
			t.last_initiation_ns = now;
			activity_sent(a, now);
		}
		assert_true(act.next_ns == 0 || act.next_ns > now);
		now = act.next_ns;
	}
	return t;
}

/* Nobody answers: 20 initiations, then the parked packets go, and 540 s later the keys. */
static void
attempts_end(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_want_handshake(&st, WANT_NO_SESSION);
	struct tally t = run(&st, &a, 100 * S, 10000 * S);
	assert_int_equal(t.n_initiations, 20);
	assert_int_equal(t.last_retry, 19);
	assert_int_equal(t.last_initiation_ns, 100 * S + 19 * (5 * S + JITTER));
	assert_int_equal(t.n_give_ups, 1);
	assert_int_equal(t.n_wipes, 1);
	assert_int_equal(t.last_ns, 100 * S + 20 * (5 * S + JITTER) + 540 * S);

	timers_want_handshake(&st, WANT_NO_SESSION); /* traffic begins it anew */
	assert_int_equal(run(&st, &a, 9000 * S, 9001 * S).n_initiations, 1);
}

/* New traffic begins the 90 s anew, without an initiation before its time. */
static void
traffic_prolongs_attempts(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_want_handshake(&st, WANT_NO_SESSION);
	struct tally t = run(&st, &a, 100 * S, 150 * S);
	assert_int_equal(t.n_initiations, 10);
	timers_want_handshake(&st, WANT_NO_SESSION);
	t = run(&st, &a, 150 * S, 10000 * S);
	assert_int_equal(t.n_initiations, 19);
	assert_int_equal(t.last_retry, 19);
	assert_int_equal(t.n_give_ups, 1);
}

static void
handshake_completes(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_want_handshake(&st, WANT_NO_SESSION);
	assert_int_equal(run(&st, &a, 100 * S, 108 * S).n_initiations, 2);
	timers_session_derived(times, &st, 109 * S);
	timers_handshake_complete(&st, 109 * S);
	assert_int_equal(st.handshake_complete_ns, 109 * S);
	struct tally t = run(&st, &a, 109 * S, 10000 * S);
	assert_int_equal(t.n_initiations + t.n_give_ups, 0);
	assert_int_equal(t.n_wipes, 1);
	assert_int_equal(t.last_ns, (109 + 540) * S);
}

/* A responder's own want waits 5 s for the session to be confirmed, and then is forgotten. */
static void
responder_waits(void **state)
{
	for (int is_confirmed = 0; is_confirmed < 2; is_confirmed++) {
		struct timer_state st = {0};
		struct peer_activity a = {0};
		timers_response_sent(&st, 100 * S);
		timers_session_derived(times, &st, 100 * S);
		timers_want_handshake(&st, WANT_NO_SESSION);
		assert_int_equal(run(&st, &a, 101 * S, 104 * S).n_initiations, 0);
		if (is_confirmed)
			timers_handshake_complete(&st, 104 * S);
		struct tally t = run(&st, &a, 104 * S, 106 * S);
		assert_int_equal(t.n_initiations, is_confirmed ? 0 : 1);
	}
}

static void
late_renewal_once(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_want_handshake(&st, WANT_LATE_RENEWAL);
	assert_int_equal(run(&st, &a, 100 * S, 101 * S).n_initiations, 1);
	timers_want_handshake(&st, WANT_LATE_RENEWAL);
	assert_false(st.wants_handshake);
	timers_handshake_complete(&st, 102 * S);
	timers_want_handshake(&st, WANT_LATE_RENEWAL);
	assert_true(st.wants_handshake);
}

static void
renewal_predicates(void **state)
{
	static const struct {
		ns_t age;
		uint64_t n_sent;
		bool is_initiator, tx, rx;
	} table[] = {
		{0, 0, true, false, false},
		{120 * S - 1, 0, true, false, false},
		{120 * S, 0, true, true, false},
		{120 * S, 0, false, false, false},
		{165 * S - 1, 0, true, true, false},
		{165 * S, 0, true, true, true},
		{179 * S, 0, false, false, false},
		{0, 1ull << 60, true, false, false},
		{0, (1ull << 60) + 1, true, true, false},
		{0, (1ull << 60) + 1, false, true, false}, /* messages count in both roles */
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		bool is_initiator = table[i].is_initiator;
		ns_t now = 500 * S + table[i].age;
		assert_int_equal(timers_wants_renewal_tx(times, 500 * S, table[i].n_sent,
			is_initiator, now), table[i].tx);
		assert_int_equal(timers_wants_renewal_rx(times, 500 * S, is_initiator, now),
			table[i].rx);
	}
	assert_false(timers_wants_renewal_tx(times, 500 * S, 0, true, 499 * S)); /* clocks apart */
	assert_true(timers_wants_renewal_tx(&protocol_times_short, 0, 0, true, 4 * S));
	assert_true(times->reject_after_messages == UINT64_MAX - 8192);
}

static void
persistent(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_set_persistent(&st, 25 * S, 100 * S);
	struct tally t = run(&st, &a, 100 * S, 149 * S);
	assert_int_equal(t.n_keepalives, 2); /* at once, and after 25 s */
	timers_set_persistent(&st, 10 * S, 149 * S); /* another interval sends none at once */
	assert_int_equal(run(&st, &a, 126 * S, 126 * S).n_keepalives, 0);
	timers_reset(&st);
	assert_int_equal(st.persistent_ns, 10 * S);
	timers_set_persistent(&st, 0, 150 * S);
	t = run(&st, &a, 150 * S, 1000 * S);
	assert_int_equal(t.n_keepalives, 0);
	assert_int_equal(t.last_ns, 150 * S);
}

/* A path was found: a first initiation goes at once, one that was sent is given 250 ms. */
static void
path_found(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_path_found(&st, 100 * S);
	struct timer_action act = timers_next(times, &a, &st, 100 * S, JITTER);
	assert_int_equal(act.what & INIT, INIT);

	timers_path_found(&st, 100 * S + 10 * MS);
	act = timers_next(times, &a, &st, 100 * S + 10 * MS, JITTER);
	assert_int_equal(act.what, 0);
	assert_int_equal(act.next_ns, 100 * S + 250 * MS);
	act = timers_next(times, &a, &st, 100 * S + 250 * MS, JITTER);
	assert_int_equal(act.what & INIT, INIT);

	timers_handshake_complete(&st, 101 * S);
	act = timers_next(times, &a, &st, 106 * S, JITTER);
	assert_int_equal(act.what, 0);
}

static void
reset_serves_at_once(void **state)
{
	struct timer_state st = {0};
	struct peer_activity a = {0};
	timers_want_handshake(&st, WANT_NO_SESSION);
	run(&st, &a, 100 * S, 101 * S);
	timers_reset(&st);
	assert_int_equal(run(&st, &a, 101 * S, 200 * S).n_initiations, 0);
	timers_response_sent(&st, 200 * S);
	timers_reset(&st);
	timers_want_handshake(&st, WANT_NO_SESSION);
	assert_int_equal(run(&st, &a, 201 * S, 202 * S).n_initiations, 1);
}

/* The stamps as workers write them. */
static void
activity(void **state)
{
	struct peer_activity a = {0};
	activity_sent(&a, 100 * S);
	activity_data_sent(&a, 100 * S);
	activity_sent(&a, 101 * S);
	activity_data_sent(&a, 101 * S);
	assert_int_equal(a.tx_unanswered_ns, 100 * S); /* the first one counts */
	assert_int_equal(a.last_traversal_ns, 101 * S);
	activity_received(&a, 102 * S);
	assert_int_equal(a.tx_unanswered_ns, 0);
	assert_int_equal(a.rx_unanswered_ns, 0); /* a keepalive needs no answer */
	activity_data_received(&a, 102 * S);
	activity_received(&a, 103 * S);
	activity_data_received(&a, 103 * S);
	assert_int_equal(a.rx_unanswered_ns, 102 * S);
	activity_sent(&a, 103 * S + 1); /* a keepalive */
	assert_int_equal(a.rx_unanswered_ns, 0);
	assert_int_equal(a.tx_unanswered_ns, 0);
	assert_int_equal(a.last_traversal_ns, 103 * S); /* coarse */

	activity_data_sent(&a, 104 * S);
	activity_disarm(&a.tx_unanswered_ns, 103 * S); /* changed meanwhile */
	assert_int_equal(a.tx_unanswered_ns, 104 * S);
	activity_disarm(&a.tx_unanswered_ns, 0);
	activity_disarm(&a.tx_unanswered_ns, 104 * S);
	assert_int_equal(a.tx_unanswered_ns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(attempts_end),
		cmocka_unit_test(traffic_prolongs_attempts),
		cmocka_unit_test(handshake_completes),
		cmocka_unit_test(responder_waits),
		cmocka_unit_test(late_renewal_once),
		cmocka_unit_test(renewal_predicates),
		cmocka_unit_test(persistent),
		cmocka_unit_test(reset_serves_at_once),
		cmocka_unit_test(path_found),
		cmocka_unit_test(activity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
