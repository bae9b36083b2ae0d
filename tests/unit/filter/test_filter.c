/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of packets, as stories: each step is a packet into or out of a tunnel, or a change
 * of rules, or time that passes, and what is said of it. 10.0.0.x is a peer, 192.168.1.x the LAN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/filter.h"
#include "wire/ip.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16,
	ECHO = 8,   /* ICMP types */
	REPLY = 0,
	UNREACHABLE = 3,
	V6_ECHO = 128,
	V6_REPLY = 129,
	V6_TOO_BIG = 2,
};

struct packet {
	uint8_t bytes[128];
	uint32_t n_bytes;
	uint8_t family;
};

/* what: TCP's flags or ICMP's type. */
static void
build(struct packet *p, uint8_t proto, const char *from, const char *to, uint8_t what)
{
	struct endpoint src, dst;
	memset(p, 0, sizeof(*p));
	assert_int_equal(endpoint_parse(from, &src), 0);
	assert_int_equal(endpoint_parse(to, &dst), 0);
	bool is_v4 = src.addr.family == ADDR_V4;
	uint8_t *l4 = p->bytes + (is_v4 ? IPV4_BYTES : IPV6_BYTES);
	p->family = src.addr.family;
	p->n_bytes = (uint32_t)(l4 + 24 - p->bytes);
	p->bytes[0] = is_v4 ? 0x45 : 0x60;
	p->bytes[is_v4 ? 9 : 6] = proto;
	store_be16(p->bytes + (is_v4 ? 2 : 4), (uint16_t)(is_v4 ? p->n_bytes : 24));
	memcpy(p->bytes + (is_v4 ? 12 : 8), src.addr.bytes, addr_n_bytes(p->family));
	memcpy(p->bytes + (is_v4 ? 16 : 24), dst.addr.bytes, addr_n_bytes(p->family));
	if (proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMPV6) {
		l4[0] = what;
		return;
	}
	store_be16(l4, src.port);
	store_be16(l4 + 2, dst.port);
	l4[13] = what;
}

enum step_kind {
	END,
	IN,    /* out of a tunnel: from peers */
	OUT,   /* into a tunnel */
	RULES, /* from: a rule, or NULL for none */
	BOUND, /* from: as a rule; NULL: none any more. As a tailnet's from the next RULES on */
	WAIT,  /* what: seconds / 10 */
};

struct step {
	enum step_kind kind;
	uint8_t proto;
	const char *from, *to;
	uint8_t what;
	enum filter_verdict verdict;
};

static void
add_text(struct filter_plan *plan, const char *rule,
	int (*add)(struct filter_plan *plan, struct filter_rule *r))
{
	struct filter_rule r = {0};
	char text[256];
	snprintf(text, sizeof(text), "%s", rule ? rule : "");
	if (!rule)
		return;
	assert_int_equal(filter_rule_parse(text, &r, NULL), 0);
	assert_int_equal(add(plan, &r), 0);
}

static struct filter *
replace_bounded(struct filter *was, const char *rule, const char *bound, bool is_strict_tcp)
{
	struct filter_plan plan = {.is_on = true, .max_flows = 1024,
		.is_strict_tcp = is_strict_tcp, .takes_tsmp = bound};
	add_text(&plan, rule, filter_plan_add);
	add_text(&plan, bound, filter_plan_add_bound);
	struct filter *f = filter_create(&plan, was ? was->flows : NULL,
		was ? (uint16_t)(was->generation + 1) : 1, NULL);
	assert_non_null(f);
	filter_plan_fini(&plan);
	filter_destroy(was);
	return f;
}

static struct filter *
replace(struct filter *was, const char *rule, bool is_strict_tcp)
{
	return replace_bounded(was, rule, NULL, is_strict_tcp);
}

static void
play(const struct step *steps, bool is_strict_tcp)
{
	struct filter *f = replace(NULL, NULL, is_strict_tcp);
	const char *bound = NULL;
	ns_t now = 1000 * NS_IN_S;
	for (unsigned i = 0; steps[i].kind != END; i++) {
		const struct step *s = &steps[i];
		struct packet p;
		if (s->kind == BOUND)
			bound = s->from;
		if (s->kind == RULES)
			f = replace_bounded(f, s->from, bound, is_strict_tcp);
		if (s->kind == WAIT)
			now += s->what * 10ull * NS_IN_S;
		if (s->kind != IN && s->kind != OUT)
			continue;
		build(&p, s->proto, s->from, s->to, s->what);
		struct filter_query q = {.ip = p.bytes, .n_bytes = p.n_bytes, .family = p.family};
		filter_look(f, &q, 1);
		if (s->kind == IN)
			filter_from_tunnel(f, &q, 1, now);
		else
			filter_into_tunnel(f, &q, 1, now);
		if (q.verdict != s->verdict)
			fail_msg("step %u: verdict %u, not %u", i, q.verdict, s->verdict);
	}
	f->owns_flows = true;
	filter_destroy(f);
}

#define TCP IP_PROTO_TCP
#define UDP IP_PROTO_UDP
#define SCTP IP_PROTO_SCTP
#define ICMP IP_PROTO_ICMP
#define PASS FILTER_PASS
#define DENIED FILTER_DENIED

static void
test_udp(void **state)
{
	static const struct step steps[] = {
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{RULES, 0, "10.0.0.2 -> 192.168.1.1 : udp/53"},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, PASS},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:54", 0, DENIED},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.2:53", 0, DENIED},
		{IN, UDP, "10.0.0.3:1000", "192.168.1.1:53", 0, DENIED},
		{IN, SCTP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{OUT, UDP, "192.168.1.1:53", "10.0.0.2:1000", 0, PASS},
		/* Unsolicited, then a reply, then too late. */
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{OUT, UDP, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{IN, UDP, "10.0.0.9:7001", "192.168.1.9:99", 0, DENIED},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:98", 0, DENIED},
		{IN, SCTP, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{WAIT, .what = 2}, /* too soon to be noted */
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{WAIT, .what = 17},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{WAIT, .what = 17},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{WAIT, .what = 21},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{END},
	};
	play(steps, false);
	play(steps, true);
}

static void
test_sctp_and_others(void **state)
{
	static const struct step steps[] = {
		{OUT, SCTP, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, SCTP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{IN, SCTP, "10.0.0.9:7000", "192.168.1.9:98", 0, DENIED},
		{RULES, 0, "* -> * : sctp/98"},
		{IN, SCTP, "10.0.0.9:7000", "192.168.1.9:98", 0, PASS},
		{OUT, 47, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, 47, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{RULES, 0, "* -> *"},
		{IN, 47, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{RULES, 0, "* -> * : proto/47"},
		{IN, 47, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{IN, 50, "10.0.0.9:7000", "192.168.1.9:99", 0, DENIED},
		{RULES, 0, "* -> * : *"},
		{IN, 50, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{END},
	};
	play(steps, false);
}

static void
test_icmp(void **state)
{
	static const struct step steps[] = {
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", ECHO, DENIED},
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", REPLY, PASS},
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", UNREACHABLE, PASS},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd01::1]:0", V6_ECHO, DENIED},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd01::1]:0", V6_REPLY, PASS},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd01::1]:0", V6_TOO_BIG, PASS},
		{RULES, 0, "10.0.0.2, fd00::2 -> * : icmp"},
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", ECHO, PASS},
		{IN, ICMP, "10.0.0.3:0", "192.168.1.1:0", ECHO, DENIED},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd01::1]:0", V6_ECHO, PASS},
		{IN, IP_PROTO_ICMPV6, "[fd00::3]:0", "[fd01::1]:0", V6_ECHO, DENIED},
		{RULES, 0, "10.0.0.2 -> * : tcp"},
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", ECHO, DENIED},
		{END},
	};
	play(steps, false);
}

static void
test_tcp(void **state)
{
	static const struct step steps[] = {
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, DENIED},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN | FIN, DENIED},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN | ACK, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, PASS},
		{RULES, 0, "10.0.0.2 -> 192.168.1.1 : tcp/22"},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:23", SYN, DENIED},
		{END},
	};
	play(steps, false);
}

static void
test_strict_tcp(void **state)
{
	static const struct step steps[] = {
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, FILTER_NO_FLOW},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, DENIED},
		{RULES, 0, "10.0.0.2 -> 192.168.1.1 : tcp/22"},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, FILTER_NO_FLOW},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, PASS},
		/* Not answered: four minutes. Answered: two hours. */
		{WAIT, .what = 27},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, FILTER_NO_FLOW},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, PASS},
		{OUT, TCP, "192.168.1.1:22", "10.0.0.2:1000", SYN | ACK, PASS},
		{WAIT, .what = 255},
		{WAIT, .what = 255},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, PASS},
		{OUT, TCP, "192.168.1.1:22", "10.0.0.2:1000", RST, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, PASS},
		{WAIT, .what = 27},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, FILTER_NO_FLOW},
		/* One that our side opens; the other side's SYN is no reply. */
		{OUT, TCP, "192.168.1.5:99", "10.0.0.2:80", SYN, PASS},
		{IN, TCP, "10.0.0.2:80", "192.168.1.5:99", SYN | ACK, PASS},
		{IN, TCP, "10.0.0.2:80", "192.168.1.5:99", SYN, DENIED},
		{IN, TCP, "10.0.0.2:80", "192.168.1.5:99", ACK, PASS},
		/* One that was open before we were; an end alone opens nothing. */
		{OUT, TCP, "192.168.1.6:99", "10.0.0.2:80", ACK, PASS},
		{IN, TCP, "10.0.0.2:80", "192.168.1.6:99", ACK, PASS},
		{OUT, TCP, "192.168.1.7:99", "10.0.0.2:80", RST, PASS},
		{IN, TCP, "10.0.0.2:80", "192.168.1.7:99", ACK, FILTER_NO_FLOW},
		{END},
	};
	play(steps, true);
}

/* A reload cuts what is not allowed any more, and nothing else. */
static void
test_reload(void **state)
{
	static const struct step steps[] = {
		{RULES, 0, "10.0.0.0/24 -> 192.168.1.1 : udp/53"},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, PASS},
		{IN, UDP, "10.0.0.3:1000", "192.168.1.1:53", 0, PASS},
		{OUT, UDP, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{RULES, 0, "10.0.0.3 -> 192.168.1.1 : udp/53"},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{OUT, UDP, "192.168.1.1:53", "10.0.0.2:1000", 0, PASS}, /* opens nothing */
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{IN, UDP, "10.0.0.3:1000", "192.168.1.1:53", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{RULES, 0, "10.0.0.0/24 -> 192.168.1.1 : udp/53"},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, PASS},
		{END},
	};
	play(steps, false);
}

/* From one peer to another: both packets come out of tunnels. */
static void
test_hairpin(void **state)
{
	static const struct step steps[] = {
		{RULES, 0, "10.0.0.2 -> 10.0.0.3 : udp/53"},
		{IN, UDP, "10.0.0.3:53", "10.0.0.2:1000", 0, DENIED},
		{IN, UDP, "10.0.0.2:1000", "10.0.0.3:53", 0, PASS},
		{IN, UDP, "10.0.0.3:53", "10.0.0.2:1000", 0, PASS},
		{IN, UDP, "10.0.0.3:54", "10.0.0.2:1000", 0, DENIED},
		{RULES, 0, "10.0.0.9 -> 10.0.0.3 : udp/53"},
		{IN, UDP, "10.0.0.3:53", "10.0.0.2:1000", 0, DENIED},
		{IN, UDP, "10.0.0.2:1000", "10.0.0.3:53", 0, DENIED},
		{RULES, 0, "10.0.0.3 -> 10.0.0.2 : udp/1000"},
		{IN, UDP, "10.0.0.3:53", "10.0.0.2:1000", 0, PASS},
		{IN, UDP, "10.0.0.2:1000", "10.0.0.3:53", 0, PASS},
		{END},
	};
	play(steps, false);
}

static void
test_v6(void **state)
{
	static const struct step steps[] = {
		{IN, UDP, "[fd00::2]:1000", "[fd01::1]:53", 0, DENIED},
		{RULES, 0, "fd00::/64 -> fd01::1 : udp/53"},
		{IN, UDP, "[fd00::2]:1000", "[fd01::1]:53", 0, PASS},
		{IN, UDP, "[fd00:0:0:1::2]:1000", "[fd01::1]:53", 0, DENIED},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{OUT, UDP, "[fd01::9]:99", "[fd00::9]:7000", 0, PASS},
		{IN, UDP, "[fd00::9]:7000", "[fd01::9]:99", 0, PASS},
		{IN, UDP, "[fd00::9]:7000", "[fd01::9]:98", 0, DENIED},
		{END},
	};
	play(steps, false);
}

#define NOT_LOCAL FILTER_NOT_LOCAL
#define TSMP IP_PROTO_TSMP

/* Whatever it is, it has to be for us: 192.168.1.0/24 is, 192.168.2.0/24 is not. */
static void
test_bounds(void **state)
{
	static const struct step steps[] = {
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", ACK, PASS}, /* no bounds */
		{IN, TSMP, "10.0.0.2:0", "192.168.1.1:0", 0, DENIED},
		{BOUND, 0, "* -> 192.168.1.0/24, fd01::/64"},
		{RULES},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", ACK, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", ACK, NOT_LOCAL},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", RST, NOT_LOCAL},
		{IN, TCP, "10.0.0.2:1000", "192.168.1.1:22", SYN, DENIED},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", SYN, NOT_LOCAL},
		{IN, UDP, "10.0.0.2:1000", "192.168.1.1:53", 0, DENIED},
		{IN, UDP, "10.0.0.2:1000", "192.168.2.1:53", 0, NOT_LOCAL},
		{IN, ICMP, "10.0.0.2:0", "192.168.1.1:0", REPLY, PASS},
		{IN, ICMP, "10.0.0.2:0", "192.168.2.1:0", REPLY, NOT_LOCAL},
		{IN, ICMP, "10.0.0.2:0", "192.168.2.1:0", UNREACHABLE, NOT_LOCAL},
		{IN, ICMP, "10.0.0.2:0", "192.168.2.1:0", ECHO, NOT_LOCAL},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd01::1]:0", V6_TOO_BIG, PASS},
		{IN, IP_PROTO_ICMPV6, "[fd00::2]:0", "[fd02::1]:0", V6_TOO_BIG, NOT_LOCAL},
		{IN, TSMP, "10.0.0.2:0", "192.168.1.1:0", 0, FILTER_TAKEN},
		{IN, TSMP, "10.0.0.2:0", "192.168.2.1:0", 0, NOT_LOCAL},
		{IN, 47, "10.0.0.2:0", "192.168.1.1:0", 0, DENIED},
		{IN, 47, "10.0.0.2:0", "192.168.2.1:0", 0, NOT_LOCAL},
		/* Replies, too: who is not within bounds gets none. */
		{OUT, UDP, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{OUT, UDP, "192.168.2.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.9:99", 0, NOT_LOCAL},
		/* A rule is a bound as well: of what it lets open, the rest passes. */
		{RULES, 0, "10.0.0.2 -> 192.168.2.1 : tcp/22"},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", SYN, PASS},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.1:22", ACK, PASS},
		{IN, UDP, "10.0.0.2:1000", "192.168.2.1:22", 0, DENIED},
		{IN, TCP, "10.0.0.3:1000", "192.168.2.1:22", ACK, NOT_LOCAL},
		{IN, TCP, "10.0.0.2:1000", "192.168.2.2:22", ACK, NOT_LOCAL},
		{END},
	};
	play(steps, false);
}

/* Flows that are known live on within the bounds of now. */
static void
test_bounds_move(void **state)
{
	static const struct step steps[] = {
		{BOUND, 0, "* -> 192.168.0.0/16"},
		{RULES},
		{OUT, UDP, "192.168.1.9:99", "10.0.0.9:7000", 0, PASS},
		{OUT, UDP, "192.168.2.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.9:99", 0, PASS},
		{OUT, UDP, "192.168.2.8:99", "10.0.0.9:7000", 0, PASS},
		{BOUND, 0, "* -> 192.168.1.0/24"},
		{RULES},
		{IN, UDP, "10.0.0.9:7000", "192.168.1.9:99", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.9:99", 0, NOT_LOCAL},
		{OUT, UDP, "192.168.2.9:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.9:99", 0, NOT_LOCAL},
		{OUT, UDP, "192.168.2.8:99", "10.0.0.9:7000", 0, PASS},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.8:99", 0, NOT_LOCAL},
		{BOUND, 0, "* -> 192.168.0.0/16"},
		{RULES},
		{IN, UDP, "10.0.0.9:7000", "192.168.2.9:99", 0, PASS},
		{END},
	};
	play(steps, false);
	play(steps, true);
}

/* Fragments and headers in the way, with everything allowed that is readable. */
static void
test_shapes(void **state)
{
	static const struct {
		uint8_t family;
		uint8_t set[4][2]; /* byte, value */
		uint32_t n_bytes;
		enum filter_verdict verdict;
	} cases[] = {
		{ADDR_V4, {{6, 0x20}}, 44, PASS},                    /* first fragment */
		{ADDR_V4, {{6, 0x20}}, 27, FILTER_NOT_READABLE},     /* too short for UDP */
		{ADDR_V4, {{7, 9}}, 44, FILTER_NOT_READABLE},        /* overlaps a header */
		{ADDR_V4, {{7, 10}}, 44, PASS},
		{ADDR_V4, {{0, 0x46}}, 44, PASS},                    /* options */
		{ADDR_V4, {{9, IP_PROTO_TCP}}, 39, FILTER_NOT_READABLE},
		{ADDR_V4, {{9, IP_PROTO_SCTP}}, 31, FILTER_NOT_READABLE},
		{ADDR_V4, {{9, IP_PROTO_ICMP}}, 23, FILTER_NOT_READABLE},
		{ADDR_V4, {{9, 44}}, 20, PASS},                      /* no extension here */
		{ADDR_V6, {{6, 0}}, 64, FILTER_NOT_READABLE},        /* hop by hop */
		{ADDR_V6, {{6, 43}}, 64, FILTER_NOT_READABLE},
		{ADDR_V6, {{6, 60}}, 64, FILTER_NOT_READABLE},
		{ADDR_V6, {{6, 59}}, 64, PASS},
		{ADDR_V6, {{6, 44}, {40, IP_PROTO_UDP}, {42, 0}, {43, 1}}, 64, PASS},
		{ADDR_V6, {{6, 44}, {40, IP_PROTO_UDP}, {42, 0}, {43, 0x48}}, 64,
			FILTER_NOT_READABLE},
		{ADDR_V6, {{6, 44}, {40, IP_PROTO_UDP}, {42, 0}, {43, 0x50}}, 64, PASS},
		{ADDR_V6, {{6, 44}, {40, 60}, {42, 0}, {43, 1}}, 64, FILTER_NOT_READABLE},
		{ADDR_V6, {{6, 44}}, 47, FILTER_NOT_READABLE},
	};
	struct filter *f = replace(NULL, "* -> * : *", false);
	for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
		struct packet p;
		bool is_v4 = cases[i].family == ADDR_V4;
		build(&p, IP_PROTO_UDP, is_v4 ? "10.0.0.2:1" : "[fd00::2]:1",
			is_v4 ? "10.0.0.3:2" : "[fd00::3]:2", 0);
		for (unsigned k = 0; k < 4 && (k == 0 || cases[i].set[k][0]); k++)
			p.bytes[cases[i].set[k][0]] = cases[i].set[k][1];
		struct filter_query q = {
			.ip = p.bytes, .n_bytes = cases[i].n_bytes, .family = p.family};
		filter_look(f, &q, 1);
		filter_from_tunnel(f, &q, 1, NS_IN_S);
		if (q.verdict != cases[i].verdict)
			fail_msg("case %u: verdict %u", i, q.verdict);
	}
	f->owns_flows = true;
	filter_destroy(f);
}

/* Later fragments stay within bounds as well. */
static void
test_later_fragments(void **state)
{
	static const struct {
		const char *from, *to;
		uint8_t offset; /* in units of 8 bytes */
		enum filter_verdict verdict;
	} cases[] = {
		{"10.0.0.2:1", "192.168.1.1:2", 10, PASS},
		{"10.0.0.2:1", "192.168.2.1:2", 10, NOT_LOCAL},
		{"10.0.0.2:1", "192.168.1.1:2", 9, FILTER_NOT_READABLE},
		{"[fd00::2]:1", "[fd01::1]:2", 10, PASS},
		{"[fd00::2]:1", "[fd02::1]:2", 10, NOT_LOCAL},
		{"[fd00::2]:1", "[fd01::1]:2", 9, FILTER_NOT_READABLE},
	};
	struct filter *f = replace_bounded(NULL, NULL, "* -> 192.168.1.0/24, fd01::/64", false);
	for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
		struct packet p;
		build(&p, IP_PROTO_UDP, cases[i].from, cases[i].to, 0);
		if (p.family == ADDR_V6) {
			p.bytes[6] = 44;
			store_be16(p.bytes + IPV6_BYTES, IP_PROTO_UDP << 8);
			store_be16(p.bytes + IPV6_BYTES + 2, (uint16_t)(cases[i].offset * 8));
		} else {
			store_be16(p.bytes + 6, cases[i].offset);
		}
		struct filter_query q = {
			.ip = p.bytes, .n_bytes = p.n_bytes, .family = p.family};
		filter_look(f, &q, 1);
		filter_from_tunnel(f, &q, 1, NS_IN_S);
		if (q.verdict != cases[i].verdict)
			fail_msg("case %u: verdict %u", i, q.verdict);
	}
	f->owns_flows = true;
	filter_destroy(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_sctp_and_others),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_strict_tcp),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_hairpin),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_bounds_move),
		cmocka_unit_test(test_later_fragments),
		cmocka_unit_test(test_shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
