/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets through the whole of it: out and back, errors, and what is left alone or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nat/nat.h"
#include "packets.h"

enum { TUNNEL = 3, NOW_NS_BITS = 40, FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static const ns_t now = 1ull << NOW_NS_BITS;

/* The same scene in both families. */
struct world {
	const char *inner, *other_inner, *remote, *other_remote, *outside, *router;
	struct addr ours;
	const char *ours_text;
	struct nat *nat;
};

static const struct {
	struct world w;
	const char *network;
} worlds[] = {
	{{.inner = "10.0.0.2", .other_inner = "10.0.0.3", .remote = "192.168.10.10",
		 .other_remote = "192.168.10.11", .outside = "192.168.11.1",
		 .router = "192.168.10.9", .ours_text = "192.168.10.1"}, "192.168.10.0/24"},
	{{.inner = "fd00::2", .other_inner = "fd00::3", .remote = "fd00:10::10",
		 .other_remote = "fd00:10::11", .outside = "fd00:11::1", .router = "fd00:10::9",
		 .ours_text = "fd00:10::1"}, "fd00:10::/64"},
};
enum { WORLDS = ARRAY_COUNT(worlds) };

static struct nat *
nat_for(const char *network, struct nat_table *flows)
{
	struct nat_network n = {.tunnel = TUNNEL};
	assert_int_equal(prefix_parse(network, &n.prefix), 0);
	const struct nat_plan plan = {.first_port = 61000, .last_port = 65535, .n_flows = 1024,
		.networks = &n, .n_networks = 1};
	struct nat *nat = nat_create(&plan, flows, NULL);
	assert_non_null(nat);
	assert_true(nat_is_as_planned(nat, &plan));
	nat->owns_flows = !flows;
	return nat;
}

static struct world
begin(unsigned i)
{
	struct world w = worlds[i].w;
	assert_int_equal(addr_parse(w.ours_text, &w.ours), 0);
	w.nat = nat_for(worlds[i].network, NULL);
	return w;
}

static enum nat_verdict
out(struct world *w, struct made *m)
{
	struct nat_query q = {.ip = m->bytes, .n_bytes = m->n_bytes, .family = m->family,
		.ours = &w->ours};
	enum nat_verdict v = nat_outgoing(w->nat, &q, now);
	assert_true(v != NAT_DONE || is_sound(m));
	return v;
}

static enum nat_verdict
in(struct world *w, struct made *m)
{
	struct nat_query q = {.ip = m->bytes, .n_bytes = m->n_bytes, .family = m->family};
	enum nat_verdict v = nat_incoming(w->nat, &q, now);
	assert_true(v != NAT_DONE || is_sound(m));
	return v;
}

static enum nat_verdict
note(struct world *w, struct made *m)
{
	struct nat_query q = {.ip = m->bytes, .n_bytes = m->n_bytes, .family = m->family};
	return nat_note_direct(w->nat, &q, now);
}

static bool
is_address(const struct made *m, const uint8_t *at, const char *text)
{
	struct addr a;
	return addr_parse(text, &a) == 0 && memcmp(at, a.bytes, addr_n_bytes(m->family)) == 0;
}

static bool
is_from(const struct made *m, const char *text)
{
	return is_address(m, ip_source(m->bytes, m->family), text);
}

static bool
is_to(const struct made *m, const char *text)
{
	return is_address(m, ip_destination(m->bytes, m->family), text);
}

static uint16_t
port_at(struct made *m, unsigned offset)
{
	return load_be16(upper_of(m) + offset);
}

static struct made
make(const char *src, uint16_t src_port, const char *dst, uint16_t dst_port, uint8_t proto,
	uint8_t flags)
{
	return make_ports((struct side){src, src_port}, (struct side){dst, dst_port}, proto, flags);
}

/* Out; the port it has got. */
static uint16_t
opened(struct world *w, const char *src, uint16_t port, uint8_t proto)
{
	struct made m = make(src, port, w->remote, 53, proto, SYN);
	assert_int_equal(out(w, &m), NAT_DONE);
	assert_true(is_from(&m, w->ours_text) && is_to(&m, w->remote));
	assert_int_equal(port_at(&m, 2), 53);
	return port_at(&m, 0);
}

static void
test_ports(void **state)
{
	static const uint8_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP};
	for (unsigned i = 0; i < WORLDS * 2; i++) {
		struct world w = begin(i / 2);
		uint8_t proto = protos[i % 2];
		uint16_t a = opened(&w, w.inner, 4000, proto);
		uint16_t b = opened(&w, w.other_inner, 4000, proto);
		assert_int_equal(opened(&w, w.inner, 4000, proto), a);
		assert_int_not_equal(a, b);
		struct made m = make(w.remote, 53, w.ours_text, a, proto, SYN | ACK);
		assert_int_equal(in(&w, &m), NAT_DONE);
		assert_true(is_to(&m, w.inner) && is_from(&m, w.remote));
		assert_int_equal(port_at(&m, 2), 4000);
		m = make(w.remote, 53, w.ours_text, b, proto, SYN | ACK);
		assert_int_equal(in(&w, &m), NAT_DONE);
		assert_true(is_to(&m, w.other_inner));
		nat_destroy(w.nat);
	}
}

/* Only who was asked may answer, by what he was asked; all else is the box's own. */
static void
test_strangers(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		uint16_t port = opened(&w, w.inner, 4000, IP_PROTO_UDP);
		struct made packets[] = {
			make(w.other_remote, 53, w.ours_text, port, IP_PROTO_UDP, 0),
			make(w.remote, 54, w.ours_text, port, IP_PROTO_UDP, 0),
			make(w.remote, 53, w.ours_text, port, IP_PROTO_TCP, ACK),
			make(w.remote, 53, w.other_remote, port, IP_PROTO_UDP, 0),
			make(w.remote, 53, w.ours_text, (uint16_t)(port ^ 1), IP_PROTO_UDP, 0),
			make(w.remote, 53, w.ours_text, 22, IP_PROTO_UDP, 0),
			make_echo(w.remote, w.ours_text, false, port),
			make_echo(w.remote, w.ours_text, true, port),
		};
		for (unsigned k = 0; k < ARRAY_COUNT(packets); k++) {
			struct made before = packets[k];
			assert_int_equal(in(&w, &packets[k]), NAT_PASS);
			assert_memory_equal(before.bytes, packets[k].bytes, before.n_bytes);
		}
		nat_destroy(w.nat);
	}
}

static void
test_echo(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		struct made m = make_echo(w.inner, w.remote, false, 9);
		assert_int_equal(out(&w, &m), NAT_DONE);
		uint16_t id = port_at(&m, 4);
		assert_true(is_from(&m, w.ours_text) && id >= 61000);
		m = make_echo(w.remote, w.ours_text, true, id);
		assert_int_equal(in(&w, &m), NAT_DONE);
		assert_true(is_to(&m, w.inner) && port_at(&m, 4) == 9);
		m = make_echo(w.inner, w.remote, true, 9);
		assert_int_equal(out(&w, &m), NAT_NO_FLOW);
		nat_destroy(w.nat);
	}
}

/* About what went out, by a router on the way; about what came in, by the inner end or by us. */
static void
test_errors(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		struct made sent = make(w.inner, 4000, w.remote, 53, IP_PROTO_UDP, 0);
		uint32_t quoted = header_bytes_of(&sent) + 8;
		assert_int_equal(out(&w, &sent), NAT_DONE);
		uint16_t port = port_at(&sent, 0);
		struct made m = make_error(w.router, w.ours_text, &sent, quoted);
		assert_int_equal(in(&w, &m), NAT_DONE);
		assert_true(is_to(&m, w.inner) && is_from(&m, w.router));
		assert_int_equal(port_at(&m, 8 + quoted - 8), 4000);

		struct made answer = make(w.remote, 53, w.ours_text, port, IP_PROTO_UDP, 0);
		assert_int_equal(in(&w, &answer), NAT_DONE);
		m = make_error(w.inner, w.remote, &answer, answer.n_bytes);
		assert_int_equal(out(&w, &m), NAT_DONE);
		assert_true(is_from(&m, w.ours_text));
		assert_int_equal(port_at(&m, 8 + quoted - 8 + 2), port);

		m = make_error(w.other_remote, w.remote, &answer, answer.n_bytes);
		struct nat_query q = {.ip = m.bytes, .n_bytes = m.n_bytes, .family = m.family,
			.ours = &w.ours, .is_own = true};
		assert_int_equal(nat_outgoing(w.nat, &q, now), NAT_DONE);
		assert_true(is_from(&m, w.other_remote) && is_sound(&m));

		/* about nothing that is known */
		sent = make(w.inner, 4001, w.remote, 53, IP_PROTO_UDP, 0);
		m = make_error(w.router, w.ours_text, &sent, quoted);
		assert_int_equal(in(&w, &m), NAT_PASS);
		m = make_error(w.inner, w.remote, &sent, quoted);
		assert_int_equal(out(&w, &m), NAT_NO_FLOW);
		nat_destroy(w.nat);
	}
}

static void
test_refused(void **state)
{
	struct world w = begin(0);
	struct made m = make(w.inner, 4000, w.remote, 53, IP_PROTO_UDP, 0);
	store_be16(m.bytes + 6, 0x2000);
	assert_int_equal(out(&w, &m), NAT_FRAGMENTED);
	store_be16(m.bytes + 6, 100);
	assert_int_equal(out(&w, &m), NAT_FRAGMENTED);
	m = make(w.inner, 4000, w.remote, 53, IP_PROTO_UDP, 0);
	m.bytes[9] = 47;
	assert_int_equal(out(&w, &m), NAT_UNSUPPORTED);
	m = make(w.inner, 4000, w.remote, 53, IP_PROTO_TCP, 0);
	m.n_bytes = IPV4_BYTES + 12;
	assert_int_equal(out(&w, &m), NAT_BROKEN);
	m = make(w.inner, 4000, w.remote, 53, IP_PROTO_TCP, RST);
	assert_int_equal(out(&w, &m), NAT_NO_FLOW);
	/* a reply in pieces: the first tells whose, and is no business of the box */
	uint16_t port = opened(&w, w.inner, 4000, IP_PROTO_UDP);
	m = make(w.remote, 53, w.ours_text, port, IP_PROTO_UDP, 0);
	store_be16(m.bytes + 6, 0x2000);
	assert_int_equal(in(&w, &m), NAT_FRAGMENTED);
	nat_destroy(w.nat);
}

/* Who has a route begins: his packets and the replies stay as they are, and errors about them. */
static void
test_direct(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		struct made m = make(w.remote, 2000, w.inner, 80, IP_PROTO_TCP, ACK);
		assert_int_equal(note(&w, &m), NAT_PASS); /* opens nothing */
		m = make(w.inner, 80, w.remote, 2000, IP_PROTO_TCP, ACK);
		assert_int_equal(out(&w, &m), NAT_DONE);
		m = make(w.remote, 2001, w.inner, 80, IP_PROTO_TCP, SYN);
		assert_int_equal(note(&w, &m), NAT_PASS);
		m = make(w.inner, 80, w.remote, 2001, IP_PROTO_TCP, SYN | ACK);
		assert_int_equal(out(&w, &m), NAT_PASS);
		m = make_echo(w.remote, w.inner, false, 5);
		assert_int_equal(note(&w, &m), NAT_PASS);
		m = make_echo(w.inner, w.remote, true, 5);
		assert_int_equal(out(&w, &m), NAT_PASS);
		struct made asked = make(w.remote, 2002, w.inner, 81, IP_PROTO_UDP, 0);
		assert_int_equal(note(&w, &asked), NAT_PASS);
		m = make_error(w.inner, w.remote, &asked, asked.n_bytes);
		assert_int_equal(out(&w, &m), NAT_PASS);
		m = make(w.inner, 81, w.other_remote, 2002, IP_PROTO_UDP, 0);
		assert_int_equal(out(&w, &m), NAT_DONE);
		nat_destroy(w.nat);
	}
}

/* What works from inside is not cut by who sends there from outside; what does not, is his. */
static void
test_direct_beside_translated(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		uint16_t port = opened(&w, w.inner, 4000, IP_PROTO_UDP);
		struct made m = make(w.remote, 53, w.ours_text, port, IP_PROTO_UDP, 0);
		assert_int_equal(in(&w, &m), NAT_DONE);
		for (unsigned k = 0; k < 3; k++) {
			m = make(w.remote, 53, w.inner, 4000, IP_PROTO_UDP, 0);
			assert_int_equal(note(&w, &m), NAT_PASS);
			assert_int_equal(opened(&w, w.inner, 4000, IP_PROTO_UDP), port);
		}
		/* nobody has answered this one: the other end knows us by the inner address */
		m = make(w.inner, 4001, w.remote, 53, IP_PROTO_UDP, 0);
		assert_int_equal(out(&w, &m), NAT_DONE);
		m = make(w.remote, 53, w.inner, 4001, IP_PROTO_UDP, 0);
		assert_int_equal(note(&w, &m), NAT_PASS);
		m = make(w.inner, 4001, w.remote, 53, IP_PROTO_UDP, 0);
		assert_int_equal(out(&w, &m), NAT_PASS);
		nat_destroy(w.nat);
	}
}

/* Whoever sends inside without an answer, as often as he likes, makes room for what is new. */
static void
test_direct_scan(void **state)
{
	struct world w = begin(0);
	for (uint32_t k = 0; k < 2 * 4096; k++) {
		struct made m = make(w.remote, 2000, w.inner, (uint16_t)(1 + k / 2),
			IP_PROTO_UDP, 0);
		enum nat_verdict v = note(&w, &m);
		assert_true(v == NAT_PASS || v == NAT_FULL);
	}
	for (uint32_t k = 0; k < 64; k++)
		(void)opened(&w, w.other_inner, (uint16_t)(5000 + k), IP_PROTO_UDP);
	nat_destroy(w.nat);
}

/* What bears our address has nothing to be translated, and must not be a flow that seems direct. */
static void
test_own_source(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		struct made m = make(w.ours_text, 4000, w.remote, 53, IP_PROTO_UDP, 0);
		struct made back = make(w.remote, 53, w.ours_text, 4000, IP_PROTO_UDP, 0);
		assert_int_equal(out(&w, &m), NAT_PASS);
		assert_int_equal(in(&w, &back), NAT_PASS);
		struct nat_counts n = nat_table_count(w.nat->flows, nat_tick(now));
		assert_int_equal(n.tcp + n.udp + n.icmp, 0);
		nat_destroy(w.nat);
	}
}

/* Another set of networks with the same flows: those whose remote end is in none have ended. */
static void
test_networks(void **state)
{
	for (unsigned i = 0; i < WORLDS; i++) {
		struct world w = begin(i);
		struct addr remote, outside;
		assert_int_equal(addr_parse(w.remote, &remote), 0);
		assert_int_equal(addr_parse(w.outside, &outside), 0);
		assert_true(nat_serves(w.nat, TUNNEL, remote.bytes, remote.family));
		assert_false(nat_serves(w.nat, TUNNEL + 1, remote.bytes, remote.family));
		assert_false(nat_serves(w.nat, TUNNEL, outside.bytes, outside.family));
		uint16_t port = opened(&w, w.inner, 4000, IP_PROTO_UDP);
		struct nat *next = nat_for(i ? "::/0" : "0.0.0.0/0", w.nat->flows);
		struct nat *last = nat_for("10.99.0.0/16", w.nat->flows);
		struct nat *nats[] = {w.nat, next, last};
		for (unsigned k = 0; k < ARRAY_COUNT(nats); k++) {
			struct world now_it = w;
			now_it.nat = nats[k];
			struct made m = make(w.remote, 53, w.ours_text, port, IP_PROTO_UDP, 0);
			assert_int_equal(in(&now_it, &m), k == 2 ? NAT_PASS : NAT_DONE);
		}
		assert_true(nat_serves(next, TUNNEL, outside.bytes, outside.family));
		nat_destroy(last);
		nat_destroy(next);
		nat_destroy(w.nat);
	}
}

/* The first network that matches decides, of those of the tunnel. */
static void
exempt_networks(void **state)
{
	static const struct {
		uint16_t tunnel;
		bool is_exempt;
		const char *prefix;
	} rows[] = {
		{TUNNEL, false, "10.1.0.0/16"},
		{TUNNEL, true, "10.0.0.0/8"},
		{TUNNEL + 1, true, "0.0.0.0/0"},
		{TUNNEL, false, "0.0.0.0/0"},
	};
	static const struct {
		const char *address;
		bool is_served;
	} cases[] = {{"10.1.2.3", true}, {"10.2.0.1", false}, {"8.8.8.8", true},
		{"2001:db8::1", false}};
	struct nat_network networks[ARRAY_COUNT(rows)];
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		networks[i] = (struct nat_network){
			.tunnel = rows[i].tunnel, .is_exempt = rows[i].is_exempt};
		assert_int_equal(prefix_parse(rows[i].prefix, &networks[i].prefix), 0);
	}
	struct nat_plan plan = {.first_port = 61000, .last_port = 65535, .n_flows = 1024,
		.networks = networks, .n_networks = ARRAY_COUNT(networks)};
	struct nat *n = nat_create(&plan, NULL, NULL);
	assert_non_null(n);
	n->owns_flows = true;
	for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
		struct addr a;
		assert_int_equal(addr_parse(cases[i].address, &a), 0);
		assert_int_equal(nat_serves(n, TUNNEL, a.bytes, a.family), cases[i].is_served);
		assert_false(nat_serves(n, TUNNEL + 1, a.bytes, a.family));
	}
	assert_true(nat_is_as_planned(n, &plan));
	networks[1].is_exempt = false;
	assert_false(nat_is_as_planned(n, &plan));
	nat_destroy(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exempt_networks),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_direct_beside_translated),
		cmocka_unit_test(test_direct_scan),
		cmocka_unit_test(test_own_source),
		cmocka_unit_test(test_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
