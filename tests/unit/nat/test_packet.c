/* SPDX-License-Identifier: BSD-3-Clause */
/* What is read of a packet, and that all checksums are right behind every rewriting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nat/packet.h"
#include "packets.h"

static const struct {
	const char *src, *dst, *other;
} addresses[] = {
	{"10.0.0.2", "192.168.10.10", "192.168.10.1"},
	{"255.255.255.254", "0.0.0.1", "255.255.0.0"},
	{"fd00:20::10", "fd00:10::10", "fd00:10::1"},
	{"ffff:ffff::ffff", "::2", "1:0:0:ffff:ffff:ffff:0:ffff"},
};

static struct nat_packet
parsed(struct made *m)
{
	struct nat_packet p;
	nat_parse(m->bytes, m->family, m->n_bytes, &p);
	return p;
}

/* Each port and address with each: sums that come to 0 and 0xffff are among them. */
static void
test_checksums(void **state)
{
	static const uint8_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP};
	for (unsigned a = 0; a < ARRAY_COUNT(addresses); a++) {
		struct addr other;
		assert_int_equal(addr_parse(addresses[a].other, &other), 0);
		for (uint32_t port = 0; port < 65536 * 2; port += 13) {
			struct made m = make_ports((struct side){addresses[a].src, 1234},
				(struct side){addresses[a].dst, 53}, protos[port & 1], 2);
			struct nat_end end = {other.bytes, (uint16_t)port};
			struct nat_packet p = parsed(&m);
			assert_int_equal(p.outer.kind, NAT_KIND_PORTS);
			nat_set_source(&p, &end);
			assert_true(is_sound(&m));
			nat_set_destination(&p, &end);
			assert_true(is_sound(&m));
			assert_int_equal(load_be16(upper_of(&m)), (uint16_t)port);
			assert_int_equal(load_be16(upper_of(&m) + 2), (uint16_t)port);
		}
	}
}

/* No checksum stays none; in UDP a sum of 0 is written as 0xffff, so it is never made one. */
static void
test_udp_without_checksum(void **state)
{
	struct addr other;
	struct made m = make_ports((struct side){"10.0.0.2", 7}, (struct side){"10.9.9.9", 53},
		IP_PROTO_UDP, 0);
	store_be16(upper_of(&m) + 6, 0);
	struct nat_packet p = parsed(&m);
	assert_int_equal(addr_parse("192.168.10.1", &other), 0);
	nat_set_source(&p, &(struct nat_end){other.bytes, 61000});
	assert_int_equal(load_be16(upper_of(&m) + 6), 0);
	assert_int_equal(plain_sum(0, m.bytes, IPV4_BYTES), 0xffff);
}

static void
test_echo(void **state)
{
	for (unsigned a = 0; a < ARRAY_COUNT(addresses); a++) {
		struct addr other;
		struct made m = make_echo(addresses[a].src, addresses[a].dst, false, 77);
		struct nat_packet p = parsed(&m);
		assert_int_equal(addr_parse(addresses[a].other, &other), 0);
		assert_int_equal(p.outer.kind, NAT_KIND_ASKS);
		assert_int_equal(p.outer.src_port, 77);
		nat_set_source(&p, &(struct nat_end){other.bytes, 61234});
		assert_true(is_sound(&m));
		assert_int_equal(load_be16(upper_of(&m) + 4), 61234);
		m = make_echo(addresses[a].src, addresses[a].dst, true, 77);
		assert_int_equal(parsed(&m).outer.kind, NAT_KIND_ANSWERS);
	}
}

/* The quoted header's own checksums are right as well, as far as it is quoted. */
static void
check_quoted(struct made *m, uint32_t quoted_bytes, bool is_whole)
{
	struct made q = {.n_bytes = quoted_bytes, .family = m->family};
	memcpy(q.bytes, upper_of(m) + 8, quoted_bytes);
	if (q.family == ADDR_V4)
		assert_int_equal(plain_sum(0, q.bytes, IPV4_BYTES), 0xffff);
	if (is_whole)
		assert_true(is_sound(&q));
}

static void
test_errors(void **state)
{
	static const uint8_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP};
	for (unsigned k = 0; k < ARRAY_COUNT(addresses) * 4; k++) {
		unsigned a = k / 4;
		struct addr other;
		struct made about = make_ports((struct side){addresses[a].src, 61001},
			(struct side){addresses[a].dst, 53}, protos[k & 1], 16);
		bool is_whole = k & 2;
		uint32_t n = is_whole ? about.n_bytes : header_bytes_of(&about) + 8;
		struct made m = make_error(addresses[a].dst, addresses[a].src, &about, n);
		struct nat_packet p = parsed(&m);
		assert_int_equal(addr_parse(addresses[a].other, &other), 0);
		assert_int_equal(p.outer.kind, NAT_KIND_ERROR);
		assert_int_equal(p.quoted.kind, NAT_KIND_PORTS);
		assert_int_equal(p.quoted.src_port, 61001);
		nat_set_error_in(&p, &(struct nat_end){other.bytes, 4321});
		assert_true(is_sound(&m));
		check_quoted(&m, n, is_whole);
		assert_memory_equal(ip_destination(m.bytes, m.family), other.bytes,
			addr_n_bytes(m.family));
		nat_set_error_out(&p, &(struct nat_end){other.bytes, 4322}, k & 1);
		assert_true(is_sound(&m));
		check_quoted(&m, n, is_whole);
	}
}

static void
test_kinds(void **state)
{
	struct made udp = make_ports((struct side){"10.0.0.2", 7}, (struct side){"10.9.9.9", 53},
		IP_PROTO_UDP, 0), m = udp;
	store_be16(m.bytes + 6, 0x2000); /* more come */
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_FRAGMENT);
	assert_int_equal(parsed(&m).outer.dst_port, 53);
	store_be16(m.bytes + 6, 1); /* a later one */
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_FRAGMENT);
	assert_int_equal(parsed(&m).outer.dst_port, 0);
	m = udp;
	m.bytes[9] = 47;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_OTHER);
	m = udp;
	m.n_bytes = IPV4_BYTES + 7;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_BROKEN);
	m.bytes[9] = IP_PROTO_TCP;
	m.n_bytes = IPV4_BYTES + 19;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_BROKEN);
	/* an error that quotes nothing, or something of another family */
	m = make_error("10.0.0.1", "10.0.0.2", &udp, 19);
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_BROKEN);
	m = make_error("10.0.0.1", "10.0.0.2", &udp, udp.n_bytes);
	upper_of(&m)[8] = 0x65;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_BROKEN);
	m = make_error("10.0.0.1", "10.0.0.2", &udp, IPV4_BYTES + 7);
	assert_int_equal(parsed(&m).quoted.kind, NAT_KIND_BROKEN);
	/* a timestamp request, a neighbour solicitation */
	m = make_echo("10.0.0.1", "10.0.0.2", false, 1);
	upper_of(&m)[0] = 13;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_OTHER);
	m = make_echo("fd00::1", "fd00::2", false, 1);
	upper_of(&m)[0] = 135;
	assert_int_equal(parsed(&m).outer.kind, NAT_KIND_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_udp_without_checksum),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
