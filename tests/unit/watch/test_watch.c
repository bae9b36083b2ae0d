/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests as they come over the socket, what a trace matches, rings of records, pcapng bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "watch/pcapng.h"
#include "watch/request.h"

/* ---- Requests ---- */

static void
requests(void **state)
{
	static const struct {
		enum watch_kind kind;
		const char *text;
		bool is_good;
	} rows[] = {
		{WATCH_TRACE, "{}", true},
		{WATCH_TRACE, "", false},
		{WATCH_TRACE, "[]", false},
		{WATCH_TRACE, "{", false},
		{WATCH_TRACE, "{\"n\":20}", true},
		{WATCH_TRACE, "{\"n\":-1}", false},
		{WATCH_TRACE, "{\"n\":\"20\"}", false},
		{WATCH_TRACE, "{\"n\":4294967296}", false},
		{WATCH_TRACE, "{\"filter\":[\"peer\",\"anne\"]}", true},
		{WATCH_TRACE, "{\"filter\":[\"peer\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"peer\",\"anne\",\"peer\",\"bert\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"peer\",1]}", false},
		{WATCH_TRACE, "{\"filter\":\"peer\"}", false},
		{WATCH_TRACE, "{\"filter\":[\"weather\",\"fine\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"reason\",\"wg-auth\",\"reason\",\"ttl\"]}", true},
		{WATCH_TRACE, "{\"filter\":[\"reason\",\"wg-weather\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"verdict\",\"dropped\"]}", true},
		{WATCH_TRACE, "{\"filter\":[\"verdict\",\"lost\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"stage\",\"verify\"]}", true},
		{WATCH_TRACE, "{\"filter\":[\"stage\",\"exit\"]}", false},
		{WATCH_TRACE, "{\"filter\":[\"address\",\"fd00::/16\"]}", true},
		{WATCH_TRACE, "{\"filter\":[\"address\",\"fd00::/129\"]}", false},
		{WATCH_CAPTURE, "{}", true},
		{WATCH_CAPTURE, "{\"sides\":\"inner\",\"links\":[\"hg0\"],\"snap\":96}", true},
		{WATCH_CAPTURE, "{\"sides\":\"left\"}", false},
		{WATCH_CAPTURE, "{\"sides\":1}", false},
		{WATCH_CAPTURE, "{\"snap\":0}", false},
		{WATCH_CAPTURE, "{\"snap\":65536}", false},
		{WATCH_CAPTURE, "{\"links\":\"hg0\"}", false},
		{WATCH_CAPTURE, "{\"links\":[1]}", false},
		{WATCH_CAPTURE, "{\"inner\":[[6,0,0,65535]]}", true},
		{WATCH_CAPTURE, "{\"inner\":[[6,0,0]]}", false},
		{WATCH_CAPTURE, "{\"inner\":[[6,0,0,4294967296]]}", false},
		{WATCH_CAPTURE, "{\"inner\":[[6,256,0,1]]}", false},
		{WATCH_CAPTURE, "{\"inner\":[6,0,0,1]}", false},
		{WATCH_CAPTURE, "{\"outer\":[[5,0,0,4294967295],[6,0,0,1]]}", false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct watch_request *r = malloc(sizeof(*r));
		struct err err = {0};
		int rc = watch_request_parse(r, rows[i].kind, rows[i].text, &err);
		if ((rc == 0) != rows[i].is_good)
			fail_msg("%s: %d %s", rows[i].text, rc, err.text);
		assert_true(!rc || err.text[0]);
		watch_request_fini(r);
		free(r);
	}
}

/* ---- Matches ---- */

static void
matches(void **state)
{
	static const struct {
		const char *words[6];
		unsigned n;
		bool holds;
	} rows[] = {
		{{NULL}, 0, true},
		{{"verdict", "dropped"}, 2, true},
		{{"verdict", "sent"}, 2, false},
		{{"verdict", "sent", "verdict", "dropped"}, 4, true},
		{{"reason", "wg-auth"}, 2, true},
		{{"reason", "wg-replay"}, 2, false},
		{{"reason", "wg-replay", "reason", "wg-auth"}, 4, true},
		{{"stage", "verify"}, 2, true},
		{{"stage", "route"}, 2, false},
		{{"stage", "verify", "verdict", "sent"}, 4, false},
		{{"address", "10.1.0.0/16"}, 2, true},
		{{"address", "192.168.10.9"}, 2, true},
		{{"address", "198.51.100.1"}, 2, true},
		{{"address", "10.2.0.0/16"}, 2, false},
		{{"address", "::/0"}, 2, false},
	};
	const struct watch_fate fate = {.first_link = 1,
		.in_link = 32,
		.out_link = 33,
		.from = {5, 9},
		.verdict = VERDICT_DROP,
		.stage = STAGE_VERIFY,
		.reason_or_target = DROP_WG_AUTH};
	const struct watch_flows flows = {
		.outer = {.family = ADDR_V4, .source = {198, 51, 100, 1}},
		.inner = {.family = ADDR_V4,
			.source = {10, 1, 7, 7},
			.destination = {192, 168, 10, 9}},
	};
	struct watch_match m;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		assert_int_equal(match_parse(&m, rows[i].words, rows[i].n, NULL), 0);
		if (match_holds(&m, &fate, &flows) != rows[i].holds)
			fail_msg("row %zu", i);
	}
	assert_int_equal(match_parse(&m, NULL, 0, NULL), 0);
	m.peer = (struct watch_peer){5, 9};
	assert_true(match_holds(&m, &fate, &flows));
	m.peer.generation = 10; /* another one in its place */
	assert_false(match_holds(&m, &fate, &flows));
	m.peer.id = 0;
	for (uint16_t link = 0; link < 40; link++) {
		m.link_id = link;
		assert_int_equal(
			match_holds(&m, &fate, &flows), link == 1 || link == 32 || link == 33);
	}
	/* What is only handed over comes again: it is shown to who asks for it. */
	struct watch_fate handed = {.verdict = VERDICT_HANDOFF};
	assert_int_equal(match_parse(&m, NULL, 0, NULL), 0);
	assert_false(match_holds(&m, &handed, &flows));
	assert_int_equal(match_parse(&m, (const char *[]){"verdict", "handed-over"}, 2, NULL), 0);
	assert_true(match_holds(&m, &handed, &flows));
}

static void
flows(void **state)
{
	static const uint8_t v4[] = {0x46, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 7, 7, 192,
		168, 10, 9, 1, 1, 1, 1, 4, 210, 0, 53, 0, 8, 0, 0};
	struct flow f;
	flow_parse(v4, sizeof(v4), &f);
	assert_int_equal(f.family, ADDR_V4);
	assert_int_equal(f.source_port, 1234);
	assert_int_equal(f.destination_port, 53);
	assert_int_equal(f.n_bytes, 32);
	/* Cut anywhere it says less, and reads no further. */
	for (uint32_t n = 0; n < sizeof(v4); n++) {
		uint8_t *cut = malloc(n + !n);
		memcpy(cut, v4, n);
		flow_parse(cut, n, &f);
		assert_int_equal(f.family, n < 24 ? ADDR_NONE : ADDR_V4);
		assert_int_equal(f.source_port, n < 28 ? 0 : 1234);
		flow_parse_frame(cut, n, &f);
		free(cut);
	}
}

/* ---- Rings ---- */

static void
ring_is_bounded(void **state)
{
	struct watch_ring *r = watch_ring_create(1024);
	uint32_t n_bytes, n = 0;
	assert_null(watch_ring_first(r, &n_bytes));
	while (watch_ring_add(r, 100))
		n++;
	assert_int_equal(n, 1024 / 112);
	assert_null(watch_ring_first(r, &n_bytes)); /* not shown yet */
	watch_ring_show(r);
	assert_non_null(watch_ring_first(r, &n_bytes));
	assert_int_equal(n_bytes, 100);
	assert_null(watch_ring_add(r, 100));
	watch_ring_drop(r);
	assert_non_null(watch_ring_add(r, 1));
	assert_null(watch_ring_add(r, 4096));
	watch_ring_destroy(r);
	watch_ring_destroy(NULL);
}

enum { RING_RECORDS = 200000 };

static void *
fill(void *ring)
{
	uint64_t rng = 1;
	for (uint32_t i = 0; i < RING_RECORDS;) {
		uint32_t n_bytes = 4 + (uint32_t)((rng = rng * 6364136223846793005u + 1) >> 56);
		uint8_t *at = watch_ring_add(ring, n_bytes);
		if (at) {
			memset(at, (int)i, n_bytes);
			store_le32(at, i);
			i++;
		}
		watch_ring_show(ring);
		if (!at)
			sched_yield();
	}
	return NULL;
}

static void
ring_keeps_order(void **state)
{
	struct watch_ring *r = watch_ring_create(4096);
	pthread_t writer;
	assert_int_equal(pthread_create(&writer, NULL, fill, r), 0);
	for (uint32_t i = 0; i < RING_RECORDS;) {
		uint32_t n_bytes;
		const uint8_t *at = watch_ring_first(r, &n_bytes);
		if (!at) {
			sched_yield();
			continue;
		}
		assert_int_equal(load_le32(at), i);
		assert_true(n_bytes == 4 || at[n_bytes - 1] == (uint8_t)i);
		watch_ring_drop(r);
		i++;
	}
	pthread_join(writer, NULL);
	watch_ring_destroy(r);
}

/* ---- Sets ---- */

static void
sets(void **state)
{
	static struct watch_plan plan = {.kind = WATCH_TRACE};
	struct watch *watches[WATCH_MAX + 1];
	struct watch_set *set = NULL;
	for (unsigned i = 0; i <= WATCH_MAX; i++)
		assert_non_null(watches[i] = watch_create(&plan, 2, NULL));
	for (unsigned i = 0; i < WATCH_MAX; i++) {
		struct watch_set *more = watch_set_with(set, watches[i]);
		assert_non_null(more);
		assert_int_equal(more->n, i + 1);
		free(set);
		set = more;
	}
	assert_null(watch_set_with(set, watches[WATCH_MAX]));
	for (unsigned i = 0; i < WATCH_MAX; i++) {
		struct watch_set *less = watch_set_without(set, watches[i]);
		assert_int_equal(less->n, WATCH_MAX - 1 - i);
		free(set);
		set = less;
	}
	free(set);
	/* A full ring loses and counts. */
	struct watch_lane *lane = &watches[0]->lanes[1];
	while (watch_add(lane, 1000))
		;
	assert_int_equal(lane->n_lost, 1);
	assert_int_equal(watches[0]->lanes[0].n_lost, 0);
	for (unsigned i = 0; i <= WATCH_MAX; i++)
		watch_destroy(watches[i]);
}

/* ---- pcapng ---- */

static void
pcapng_blocks(void **state)
{
	static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a, 40, 0, 0, 0, 0x4d, 0x3c, 0x2b,
		0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 4, 0, 2, 0, 'h', 'g', 0,
		0, 0, 0, 0, 0, 40, 0, 0, 0};
	static const uint8_t interface[] = {1, 0, 0, 0, 40, 0, 0, 0, 101, 0, 0, 0, 96, 0, 0, 0, 2,
		0, 3, 0, 'h', 'g', '0', 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0};
	static const uint8_t packet[] = {6, 0, 0, 0, 60, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0,
		0, 5, 0, 0, 0, 84, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 1, 0, 2,
		0, 'o', 'k', 0, 0, 0, 0, 0, 0, 60, 0, 0, 0};
	static const uint8_t statistics[] = {5, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0,
		0, 0, 4, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 52, 0, 0, 0};
	const uint64_t time_ns = 2ull << 32 | 3;
	uint8_t out[PCAPNG_BLOCK_BYTES];
	assert_int_equal(pcapng_section(out, "hg"), sizeof(section));
	assert_memory_equal(out, section, sizeof(section));
	assert_int_equal(
		pcapng_interface(out, &(struct pcapng_interface){"hg0", PCAPNG_RAW_IP, 96}),
		sizeof(interface));
	assert_memory_equal(out, interface, sizeof(interface));
	const struct pcapng_packet p = {
		1, time_ns, 84, 5, (const uint8_t[]){1, 2, 3, 4, 5}, PCAPNG_OUT, "ok"};
	assert_int_equal(pcapng_packet(out, &p), sizeof(packet));
	assert_memory_equal(out, packet, sizeof(packet));
	assert_int_equal(pcapng_statistics(out, &(struct pcapng_statistics){0, time_ns, 7, 9}),
		sizeof(statistics));
	assert_memory_equal(out, statistics, sizeof(statistics));
}

/* However long a comment is, the block fits the room that is asked for. */
static void
pcapng_comments(void **state)
{
	char text[PCAPNG_BLOCK_BYTES];
	for (size_t n = 0; n < sizeof(text); n++) {
		uint8_t *out = malloc(PCAPNG_BLOCK_BYTES + 3);
		memset(text, 'x', n);
		text[n] = 0;
		const struct pcapng_packet p = {
			0, 1, 3, 3, (const uint8_t *)"abc", PCAPNG_IN, text};
		size_t size = pcapng_packet(out, &p);
		assert_true(size <= PCAPNG_BLOCK_BYTES + 3 && size % 4 == 0);
		assert_int_equal(load_le32(out + 4), size);
		assert_int_equal(load_le32(out + size - 4), size);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(matches),
		cmocka_unit_test(flows),
		cmocka_unit_test(ring_is_bounded),
		cmocka_unit_test(ring_keeps_order),
		cmocka_unit_test(sets),
		cmocka_unit_test(pcapng_blocks),
		cmocka_unit_test(pcapng_comments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
