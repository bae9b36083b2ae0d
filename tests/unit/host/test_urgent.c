/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets go before the rest; every row is also cut at each length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "host/urgent.h"

enum { V4 = 0x0800, V6 = 0x86dd, ARP = 0x0806 };

struct row {
	const char *name;
	uint16_t type;
	uint8_t n_tags, proto, icmp_type;
	uint16_t src_port, dst_port, fragment;
	bool is_urgent;
};

static const struct row rows[] = {
	{"ARP", ARP, .is_urgent = true},
	{"ARP in a VLAN", ARP, 1, .is_urgent = true},
	{"ARP in two VLANs", ARP, 2, .is_urgent = true},
	{"three tags are not looked through", ARP, 3},
	{"LLDP", 0x88cc, .is_urgent = true},
	{"LACP", 0x8809, .is_urgent = true},
	{"MPLS", 0x8847},
	{"ping", V4, .proto = 1},
	{"BGP to the peer", V4, .proto = 6, .src_port = 40000, .dst_port = 179, .is_urgent = true},
	{"BGP from the peer", V6, .proto = 6, .src_port = 179, .dst_port = 9, .is_urgent = true},
	{"BGP, a later fragment", V4, .proto = 6, .dst_port = 179, .fragment = 100},
	{"SSH", V6, 1, .proto = 6, .src_port = 40000, .dst_port = 22},
	{"UDP 179 is not BGP", V4, .proto = 17, .dst_port = 179},
	{"BFD", V4, .proto = 17, .src_port = 50000, .dst_port = 3784, .is_urgent = true},
	{"OSPF", V4, 1, .proto = 89, .is_urgent = true},
	{"neighbour solicitation", V6, .proto = 58, .icmp_type = 135, .is_urgent = true},
	{"neighbour advertisement", V6, 2, .proto = 58, .icmp_type = 136, .is_urgent = true},
	{"ping of IPv6", V6, .proto = 58, .icmp_type = 128},
};

static size_t
build(const struct row *r, uint8_t *out, size_t *ip_at)
{
	uint8_t *p = out + 12;
	memset(out, 0, 128);
	for (unsigned i = 0; i < r->n_tags; i++, p += 4)
		store_be16(p, 0x8100);
	store_be16(p, r->type);
	p += 2;
	*ip_at = (size_t)(p - out);
	if (r->type == V4) {
		p[0] = 0x46; /* with options */
		store_be16(p + 6, r->fragment);
		p[9] = r->proto;
		p += 24;
	} else if (r->type == V6) {
		p[0] = 0x60;
		p[6] = r->proto;
		p += 40;
	} else {
		return (size_t)(p - out);
	}
	store_be16(p, r->src_port);
	store_be16(p + 2, r->dst_port);
	if (r->icmp_type)
		p[0] = r->icmp_type;
	return (size_t)(p - out) + 4;
}

/* The same answer from a buffer that ends where the packet ends, so that ASan sees over-reads. */
static bool
ask(const uint8_t *data, size_t n, bool (*fn)(const uint8_t *, size_t))
{
	uint8_t *exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, data, n);
	bool is = fn(exact, n);
	free(exact);
	return is;
}

static void
urgent_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t frame[128];
		size_t ip_at, n = build(&rows[i], frame, &ip_at);
		if (ask(frame, n, urgent_is_frame) != rows[i].is_urgent)
			fail_msg("%s", rows[i].name);
		if (rows[i].type == V4 || rows[i].type == V6)
			assert_int_equal(ask(frame + ip_at, n - ip_at, urgent_is_packet),
				rows[i].is_urgent);
		for (size_t cut = 0; cut < n; cut++) {
			bool is = ask(frame, cut, urgent_is_frame);
			assert_false(is && !rows[i].is_urgent);
			ask(frame, cut, urgent_is_packet);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
