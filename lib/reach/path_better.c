/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of two verified paths is the better one, as stock nodes judge it. */
#include "base/bytes.h"
#include "reach/peer_paths.h"

static bool
is_loopback(const struct addr *a)
{
	static const struct addr v6 = {.bytes = {[15] = 1}, .family = ADDR_V6};
	return a->family == ADDR_V4 ? a->bytes[0] == 127 : addr_is_equal(a, &v6);
}

/* RFC 1918, and the unique local addresses of RFC 4193. */
static bool
is_private(const struct addr *a)
{
	const uint8_t *b = a->bytes;
	if (a->family == ADDR_V6)
		return (b[0] & 0xfe) == 0xfc;
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
}

static unsigned
points_of(const struct addr *a)
{
	unsigned points = a->family == ADDR_V6 ? 10 : 0;
	if (is_loopback(a))
		return points + 50;
	if (addr_is_link_local(a))
		return points + 30;
	return points + (is_private(a) ? 20 : 0);
}

/* By how many per cent `fast` is faster than `slow`, which is not 0. */
static unsigned
gain(ns_t fast_ns, ns_t slow_ns)
{
	return 100 - (unsigned)(fast_ns * 100 / slow_ns);
}

bool
path_is_better(const struct endpoint *a, ns_t a_latency_ns, const struct endpoint *b,
	ns_t b_latency_ns)
{
	unsigned a_points = points_of(&a->addr), b_points = points_of(&b->addr);

	if (endpoint_is_equal(a, b))
		return false;
	if (a_latency_ns > b_latency_ns)
		b_points += gain(b_latency_ns, a_latency_ns);
	else if (b_latency_ns)
		a_points += gain(a_latency_ns, b_latency_ns);
	if (a_points <= 1 && b_points == 0)
		return false;
	return a_points > b_points;
}
