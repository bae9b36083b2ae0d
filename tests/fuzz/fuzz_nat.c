/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address translation of hostile packets. Each packet is a byte that says which way it goes, a
 * length byte, and as many bytes, in a buffer of just its size. Whatever it is: nothing outside is
 * touched, what is passed on or refused stays as it is, checksums that were right stay right, and
 * what went out and is turned around comes back to whom it was from.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat.h"
#include "wire/ip.h"
#include "wire/upper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

enum { WAY_IN = 1, WAY_NOTE = 2, WAY_OWN = 4, TUNNEL = 1 };

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static struct nat *
make_nat(void)
{
	const struct nat_network networks[] = {
		{.tunnel = TUNNEL, .prefix.addr.family = ADDR_V4},
		{.tunnel = TUNNEL, .prefix.addr.family = ADDR_V6},
	};
	const struct nat_plan plan = {.first_port = 61000, .last_port = 61063, .n_flows = 1024,
		.networks = networks, .n_networks = ARRAY_COUNT(networks)};
	struct nat *n = nat_create(&plan, NULL, NULL);
	must(n);
	return n;
}

/* Whether the IPv4 header's checksum is right, and the upper layer's where it is whole. */
static bool
is_sound(const uint8_t *ip, uint8_t family, uint32_t n_bytes)
{
	struct ip_upper u;
	if (!ip_upper_find(ip, family, n_bytes, &u) || u.is_later_fragment)
		return false;
	uint64_t sum = ip_sum(ip + u.offset, n_bytes - u.offset);
	if (u.proto != IP_PROTO_ICMP)
		sum += ip_sum(ip_source(ip, family), family == ADDR_V4 ? 8 : 32) +
		       __builtin_bswap16(u.proto) + __builtin_bswap32(n_bytes - u.offset);
	return ip_sum_fold(sum) == 0xffff && (family == ADDR_V6 || ipv4_checksum_is_right(ip));
}

static enum nat_verdict
translate(struct nat *n, struct nat_query *q, uint8_t way)
{
	if (way & WAY_NOTE)
		return nat_note_direct(n, q, NS_IN_S);
	return way & WAY_IN ? nat_incoming(n, q, NS_IN_S) : nat_outgoing(n, q, NS_IN_S);
}

/* An answer to a packet with ports that has just gone out. */
static void
come_back(struct nat *n, struct nat_query *q, const uint8_t *was)
{
	struct nat_packet p, first;
	uint8_t address[16], width = (uint8_t)addr_n_bytes(q->family);
	nat_parse(q->ip, q->family, q->n_bytes, &p);
	if (p.outer.kind != NAT_KIND_PORTS || q->is_own)
		return;
	uint8_t *src = q->ip + (ip_source(q->ip, q->family) - q->ip), *dst = src + width;
	memcpy(address, src, width);
	memcpy(src, dst, width);
	memcpy(dst, address, width);
	store_be16(p.outer.upper, p.outer.dst_port);
	store_be16(p.outer.upper + 2, p.outer.src_port);
	must(nat_incoming(n, q, NS_IN_S) == NAT_DONE);
	must(memcmp(dst, ip_source(was, q->family), width) == 0);
	nat_parse(q->ip, q->family, q->n_bytes, &first);
	must(first.outer.dst_port == load_be16(was + (p.outer.upper - q->ip)));
}

static void
play(struct nat *n, uint8_t way, const uint8_t *data, uint32_t n_bytes)
{
	static const struct addr ours_v4 = {{10, 1, 1, 1}, ADDR_V4};
	static const struct addr ours_v6 = {{0xfd, 1}, ADDR_V6};
	uint8_t *ip = malloc(n_bytes ? n_bytes : 1), family;
	must(ip);
	if (n_bytes)
		memcpy(ip, data, n_bytes);
	struct nat_query q = {.ip = ip, .n_bytes = ip_check(ip, n_bytes, &family),
		.is_own = way & WAY_OWN};
	q.family = family;
	q.ours = family == ADDR_V4 ? &ours_v4 : &ours_v6;
	if (q.n_bytes) {
		bool was_sound = is_sound(ip, family, q.n_bytes);
		enum nat_verdict v = translate(n, &q, way);
		must(v < NAT_VERDICTS);
		must(v == NAT_DONE || memcmp(ip, data, q.n_bytes) == 0);
		must(!was_sound || is_sound(ip, family, q.n_bytes));
		if (v == NAT_DONE && !(way & (WAY_IN | WAY_NOTE)))
			come_back(n, &q, data);
	}
	free(ip);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static struct nat *n; /* its memory is too much to ask for each time */
	if (!n)
		n = make_nat();
	for (size_t at = 0; at + 2 <= n_bytes; at += 2u + data[at + 1]) {
		size_t left = n_bytes - at - 2, size = data[at + 1];
		play(n, data[at], data + at + 2, (uint32_t)(size < left ? size : left));
	}
	return 0;
}
