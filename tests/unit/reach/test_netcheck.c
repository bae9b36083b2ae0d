/* SPDX-License-Identifier: BSD-3-Clause */
/* How the world sees us: requests and their repetition, and reports of all kinds of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "reach/mapped.h"
#include "reach/netcheck.h"

#define NOW (1000 * NS_IN_S)
#define MS NS_IN_MS

static struct netcheck_request requests[NETCHECK_MAX_TARGETS];

static struct netcheck_target
target(const char *server, int32_t region)
{
	struct netcheck_target t = {.region = region};
	assert_int_equal(endpoint_parse(server, &t.server), 0);
	return t;
}

static unsigned
tick(struct netcheck *n, unsigned ms, unsigned *next_ms)
{
	ns_t next_ns;
	unsigned n_out = netcheck_tick(n, NOW + ms * MS, requests, &next_ns);
	*next_ms = next_ns ? (unsigned)((next_ns - NOW) / MS) : 0;
	return n_out;
}

/* What a server that sees us there answers to a request. */
static bool
answer(struct netcheck *n, unsigned ms, const struct netcheck_request *r, const char *seen)
{
	uint8_t bytes[20 + 4 + 22] = {1, 1, 0, 24, 0x21, 0x12, 0xa4, 0x42};
	struct endpoint e;
	assert_int_equal(endpoint_parse(seen, &e), 0);
	memcpy(bytes + 8, r->bytes + 8, STUN_TXID_BYTES);
	store_be16(bytes + 20, 0x0020);
	store_be16(bytes + 22, 20);
	bytes[25] = 2;
	mapped_from_endpoint(bytes + 28, &e);
	for (unsigned i = 0; i < 16; i++)
		bytes[28 + i] ^= bytes[4 + i];
	store_be16(bytes + 26, e.port ^ 0x2112);
	return netcheck_answer(n, NOW + ms * MS, bytes, sizeof(bytes) - 2);
}

static struct netcheck_report
report(const struct netcheck *n, unsigned ms)
{
	struct netcheck_report r;
	netcheck_report(n, NOW + ms * MS, &r);
	return r;
}

static void
assert_endpoint(const struct endpoint *e, const char *want)
{
	char text[ENDPOINT_TEXT_BYTES];
	assert_string_equal(endpoint_format(e, text), want);
}

static void
all_answer(void **state)
{
	const struct netcheck_target targets[] = {target("192.0.2.1:3478", 1),
		target("[2001:db8::1]:3478", 1), target("192.0.2.2:3478", 2)};
	struct netcheck n;
	unsigned next;
	netcheck_begin(&n, targets, ARRAY_COUNT(targets), NOW);
	assert_int_equal(tick(&n, 0, &next), 3);
	assert_int_equal(next, 400);
	assert_false(report(&n, 5).is_done);
	assert_true(answer(&n, 10, &requests[2], "198.51.100.7:51820"));
	assert_true(answer(&n, 30, &requests[0], "198.51.100.7:51820"));
	assert_true(answer(&n, 40, &requests[1], "[2001:db8:7::1]:51820"));
	assert_true(answer(&n, 90, &requests[2], "198.51.100.8:1")); /* the first one counts */
	assert_int_equal(tick(&n, 90, &next), 0);
	assert_int_equal(next, 0);

	struct netcheck_report r = report(&n, 90);
	assert_true(r.is_done);
	assert_endpoint(&r.v4, "198.51.100.7:51820");
	assert_endpoint(&r.v6, "[2001:db8:7::1]:51820");
	assert_int_equal(r.mapping, MAPPING_SAME);
	assert_int_equal(r.nearest, 2);
	assert_int_equal(r.n_regions, 2);
	assert_int_equal(r.regions[0].v4_ns, 30 * MS);
	assert_int_equal(r.regions[0].v6_ns, 40 * MS);
	assert_int_equal(r.regions[1].v4_ns, 10 * MS);
	assert_int_equal(r.regions[1].v6_ns, 0);
}

/* Asked three times; an answer to a later one is measured from when that was sent. */
static void
repeated(void **state)
{
	const struct netcheck_target targets[] = {target("192.0.2.1:3478", 1),
		target("192.0.2.2:3478", 2)};
	struct netcheck n;
	unsigned next;
	netcheck_begin(&n, targets, ARRAY_COUNT(targets), NOW);
	assert_int_equal(tick(&n, 0, &next), 2);
	struct netcheck_request first = requests[0];
	assert_int_equal(tick(&n, 399, &next), 0);
	assert_int_equal(next, 400);
	assert_int_equal(tick(&n, 400, &next), 2);
	assert_int_equal(next, 1200);
	assert_memory_not_equal(requests[0].bytes, first.bytes, sizeof(first.bytes));
	assert_true(answer(&n, 407, &requests[0], "198.51.100.7:5"));
	assert_int_equal(tick(&n, 1200, &next), 1);
	assert_int_equal(next, 2500);
	assert_false(report(&n, 2499).is_done);
	assert_int_equal(tick(&n, 2500, &next), 0);
	assert_int_equal(next, 0);
	assert_false(answer(&n, 2500, &requests[0], "198.51.100.7:6")); /* too late */

	struct netcheck_report r = report(&n, 2500);
	assert_true(r.is_done);
	assert_int_equal(r.regions[0].v4_ns, 7 * MS);
	assert_int_equal(r.mapping, MAPPING_UNKNOWN);
	assert_int_equal(r.nearest, 1);
	assert_endpoint(&r.v4, "198.51.100.7:5");
	assert_endpoint(&r.v6, "none");
}

static void
varies(void **state)
{
	const struct netcheck_target targets[] = {target("192.0.2.1:3478", 1),
		target("192.0.2.2:3478", 2)};
	struct netcheck n;
	unsigned next;
	netcheck_begin(&n, targets, ARRAY_COUNT(targets), NOW);
	assert_int_equal(tick(&n, 0, &next), 2);
	assert_true(answer(&n, 20, &requests[0], "198.51.100.7:51820"));
	assert_true(answer(&n, 10, &requests[1], "198.51.100.7:51821"));
	struct netcheck_report r = report(&n, 20);
	assert_int_equal(r.mapping, MAPPING_VARIES);
	assert_endpoint(&r.v4, "198.51.100.7:51821");
}

static void
nothing(void **state)
{
	struct netcheck n = {0};
	struct netcheck_request made_up = {.bytes = {0, 1}};
	unsigned next;
	assert_int_equal(tick(&n, 0, &next), 0); /* before it ever began */
	assert_int_equal(next, 0);
	assert_false(answer(&n, 0, &made_up, "198.51.100.7:51820"));
	netcheck_begin(&n, NULL, 0, NOW);
	assert_int_equal(tick(&n, 0, &next), 0);
	assert_int_equal(next, 0);
	assert_true(report(&n, 0).is_done);
	const struct netcheck_target one = target("192.0.2.1:3478", 1);
	netcheck_begin(&n, &one, 1, NOW);
	assert_int_equal(tick(&n, 0, &next), 1);
	assert_false(answer(&n, 5, &made_up, "198.51.100.7:51820"));
	assert_false(answer(&n, 5, &requests[0], "198.51.100.7:0"));
	assert_false(answer(&n, 5, &requests[0], "0.0.0.0:7"));
	assert_int_equal(report(&n, 2500).nearest, 0);
	assert_true(report(&n, 2500).is_done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_answer),
		cmocka_unit_test(repeated),
		cmocka_unit_test(varies),
		cmocka_unit_test(nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
