/* SPDX-License-Identifier: BSD-3-Clause */
/* The intent as a value: peers and prefixes, copies, core lists, and what the check refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "intent/cores.h"
#include "intent/intent.h"

static const struct origin nowhere;

static struct key
key_of(unsigned n)
{
	struct key k = {{0}};
	store_le32(k.bytes, n);
	k.bytes[31] = 1;
	return k;
}

static struct prefix
prefix_of(const char *text)
{
	struct prefix p;
	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct peer_intent *
add_peer(struct peer_set *s, unsigned n)
{
	struct key k = key_of(n);
	struct peer_intent *p = peer_set_add(s, &k);
	assert_non_null(p);
	return p;
}

static void
allow(struct peer_set *s, struct peer_intent *p, const char *text)
{
	struct prefix prefix = prefix_of(text);
	assert_int_equal(allowed_add(s, p, &prefix, nowhere), 0);
}

static void
test_prefix_has_one_owner(void **state)
{
	struct peer_set s;
	struct prefix prefix = prefix_of("10.0.0.0/24");
	peer_set_init(&s);
	struct peer_intent *a = add_peer(&s, 1), *b = add_peer(&s, 2);
	assert_null(allowed_find(&s, &prefix));
	allow(&s, a, "10.0.0.7/24"); /* host bits do not count */
	allow(&s, a, "10.0.0.0/24");
	assert_int_equal(a->n_allowed, 1);
	assert_ptr_equal(allowed_find(&s, &prefix)->owner, a);
	allow(&s, b, "10.0.0.0/24");
	assert_int_equal(a->n_allowed, 0);
	assert_null(a->first_allowed);
	assert_ptr_equal(allowed_find(&s, &prefix)->owner, b);
	peer_set_remove(&s, b);
	assert_null(allowed_find(&s, &prefix));
	peer_set_fini(&s);
}

static void
test_order_is_kept(void **state)
{
	enum { N = 5000 };
	struct peer_set s;
	peer_set_init(&s);
	for (unsigned n = 0; n < N; n++)
		add_peer(&s, n);
	for (unsigned n = 0; n < N; n += 2) {
		struct key k = key_of(n);
		peer_set_remove(&s, peer_set_find(&s, &k));
		assert_null(peer_set_find(&s, &k));
	}
	unsigned expect = 1;
	for (struct peer_intent *p = s.first; p; p = p->next, expect += 2)
		assert_int_equal(load_le32(p->public_key.bytes), expect);
	assert_int_equal(expect, N + 1);
	assert_int_equal(s.n, N / 2);
	peer_set_fini(&s);
}

static void
test_copy_stands_alone(void **state)
{
	struct intent *it = intent_create();
	struct interface_intent *i = intent_interface_add(it, "hg0");
	struct key k = key_of(9);
	interface_set_key(i, &k);
	struct peer_intent *p = add_peer(&i->peers, 1);
	struct endpoint_intent e = {.host = (char *)"hub.example", .host_port = 51820};
	assert_int_equal(peer_set_endpoint(p, &e), 0);
	p->origin = (struct origin){intent_file_id(it, "a.conf"), 7};
	allow(&i->peers, p, "10.0.0.0/8");
	assert_non_null(intent_port_add(it, "wan"));

	struct intent *copy = intent_copy(it);
	intent_destroy(it);
	i = intent_interface_find(copy, "hg0");
	assert_int_equal(i->private_key.bytes[0], 8); /* clamped */
	assert_int_equal(i->private_key.bytes[31], 65);
	interface_clamp_key(&k);
	assert_true(i->has_key && key_is_equal(&i->private_key, &k));
	k = key_of(1);
	p = peer_set_find(&i->peers, &k);
	assert_string_equal(p->endpoint.host, "hub.example");
	char where[INTENT_WHERE_BYTES];
	assert_string_equal(intent_where(copy, p->origin, where), "a.conf:7");
	assert_int_equal(p->n_allowed, 1);
	assert_non_null(intent_port_find(copy, "wan"));
	intent_destroy(copy);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		int error;
	} rows[] = {
		{"wan", 0},
		{"wan", EEXIST},
		{"", EINVAL},
		{"-x", EINVAL},
		{"a/b", EINVAL},
		{"..", EINVAL},
		{"twelve-chars", 0},
		{"thirteen-char", EINVAL},
	};
	struct intent *it = intent_create();
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		errno = 0;
		bool added = intent_port_add(it, rows[r].name);
		assert_int_equal(added, rows[r].error == 0);
		assert_int_equal(errno, rows[r].error);
	}
	intent_destroy(it);
}

static void
test_cores(void **state)
{
	static const struct {
		const char *text;
		int n; /* -1: refused */
	} rows[] = {
		{"0", 1},
		{"1-3", 3},
		{" 1 - 3 , 5 ", 4},
		{"1,1,1-2", 2},
		{"1023", 1},
		{"1024", -1},
		{"3-1", -1},
		{"", -1},
		{"1,", -1},
		{"1-", -1},
		{"-1", -1},
		{"1 2", -1},
		{"99999999999999999999", -1},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct core_set s = {0};
		int rc = core_set_parse(rows[r].text, &s);
		assert_int_equal(rc ? -1 : s.n, rows[r].n);
	}
	struct core_set s;
	assert_int_equal(core_set_parse("1-3,64", &s), 0);
	assert_true(core_set_has(&s, 64) && core_set_has(&s, 2) && !core_set_has(&s, 4));
}

/* An intent that the check accepts, for each row to spoil. */
static struct intent *
good_intent(void)
{
	struct intent *it = intent_create();
	uint32_t file = intent_file_id(it, "t.conf");
	struct key k = key_of(5);
	for (unsigned n = 0; n < 2; n++) {
		struct interface_intent *i = intent_interface_add(it, n ? "hg1" : "hg0");
		i->origin = (struct origin){file, 1 + n};
		interface_set_key(i, &k);
		i->listen_port = (uint16_t)(1000 + n);
		struct port_intent *p = intent_port_add(it, n ? "lan" : "wan");
		p->origin = (struct origin){file, 11 + n};
		snprintf(p->device, sizeof(p->device), "net_tap%u", n);
	}
	return it;
}

static void
no_key(struct intent *it)
{
	struct key none = {{0}};
	interface_set_key(it->interfaces[0], &none);
}

static void
same_listen_port(struct intent *it)
{
	it->interfaces[1]->listen_port = 1000;
}

static void
listen_at(struct intent *it, const char *first, const char *second)
{
	assert_int_equal(interface_listen_set(it->interfaces[0], first), 0);
	assert_int_equal(interface_listen_set(it->interfaces[1], second), 0);
}

/* One port is fine on two addresses, not with one that both have, nor beside any address. */
static void
same_listen_address(struct intent *it)
{
	struct err err;
	same_listen_port(it);
	listen_at(it, "192.0.2.1 2001:db8::1", "192.0.2.2");
	assert_int_equal(intent_check(it, &err), 0);
	listen_at(it, "192.0.2.1", "");
	assert_int_equal(intent_check(it, &err), -EINVAL);
	listen_at(it, "192.0.2.1 2001:db8::1", "192.0.2.2 2001:db8::1");
}

static void
listen_addresses_as_text(void **state)
{
	char text[INTENT_LISTEN_BYTES];
	struct intent *it = good_intent();
	struct interface_intent *i = it->interfaces[0];
	assert_string_equal(interface_listen_format(i, text), "");
	assert_int_equal(interface_listen_set(i, "192.0.2.1 2001:db8::1"), 0);
	assert_int_equal(i->n_listen_addrs, 2);
	assert_int_equal(interface_listen_set(i, "192.0.2.1 192.0.2.1"), -EEXIST);
	assert_int_equal(interface_listen_set(i, "192.0.2.256"), -EINVAL);
	assert_int_equal(interface_listen_set(i, "0.0.0.0"), -EINVAL);
	assert_int_equal(interface_listen_set(i, "224.0.0.1"), -EINVAL);
	assert_int_equal(interface_listen_set(i, "::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9"), -ENOSPC);
	assert_string_equal(interface_listen_format(i, text), "192.0.2.1 2001:db8::1");
	assert_int_equal(interface_listen_set(i, ""), 0);
	assert_int_equal(i->n_listen_addrs, 0);
	intent_destroy(it);
}

/* Eight different ones are accepted, and a ninth interface may share one of them. */
static void
many_fwmarks(struct intent *it)
{
	struct key k = key_of(5);
	for (unsigned n = 2; n < 9; n++) {
		char name[INTENT_NAME_BYTES];
		snprintf(name, sizeof(name), "hg%u", n);
		struct interface_intent *i = intent_interface_add(it, name);
		i->origin = (struct origin){1, 1 + n};
		interface_set_key(i, &k);
		i->fwmark = n;
	}
	it->interfaces[1]->fwmark = 2;
	struct err err;
	assert_int_equal(intent_check(it, &err), 0);
	it->interfaces[1]->fwmark = 1;
}

static void
own_key_as_peer(struct intent *it)
{
	struct key own = interface_public_key(it->interfaces[0]);
	peer_set_add(&it->interfaces[0]->peers, &own)->origin = (struct origin){1, 3};
}

static void
small_mtu(struct intent *it)
{
	it->interfaces[0]->mtu = 500;
}

static void
port_without_device(struct intent *it)
{
	it->ports[0]->device[0] = 0;
}

static void
same_device(struct intent *it)
{
	strcpy(it->ports[1]->device, "net_tap0");
}

static void
control_among_workers(struct intent *it)
{
	strcpy(it->gateway.workers, "1-3");
	it->gateway.control_core = 2;
}

static void
twin_clash(struct intent *it)
{
	strcpy(it->interfaces[1]->name, "hg-lan");
}

/* A node of a tailnet that takes another's way to the internet is accepted. */
static struct interface_intent *
exit_by(struct intent *it)
{
	struct err err;
	struct interface_intent *i = it->interfaces[0];
	i->headscale = headscale_intent_create();
	i->headscale->origin = (struct origin){1, 5};
	strcpy(i->headscale->server, "https://hs.example");
	strcpy(i->headscale->exit_node, "hub1");
	assert_int_equal(intent_check(it, &err), 0);
	return i;
}

static void
exit_both_ways(struct intent *it)
{
	exit_by(it)->headscale->offers_exit = true;
}

static void
exit_and_table(struct intent *it)
{
	exit_by(it)->table = TABLE_OFF;
}

static void
exit_and_default_peer(struct intent *it)
{
	struct key k = key_of(6);
	struct prefix all = {.addr.family = ADDR_V6};
	struct interface_intent *i = exit_by(it);
	struct peer_intent *p = peer_set_add(&i->peers, &k);
	assert_int_equal(allowed_add(&i->peers, p, &all, (struct origin){1, 7}), 0);
}

static void
test_check(void **state)
{
	static const struct {
		void (*spoil)(struct intent *);
		const char *error;
	} rows[] = {
		{no_key, "t.conf:1: interface hg0 has no private key: give PrivateKey (from `wg "
			 "genkey`) or PrivateKeyFile"},
		{same_listen_port, "t.conf:2: interface hg1 listens on port 1000 as interface hg0 "
				   "does (t.conf:1): give each its own ListenPort, or a "
				   "ListenAddress of its own"},
		{same_listen_address, "t.conf:2: interface hg1 listens on port 1000 as interface "
				      "hg0 does (t.conf:1): give each its own ListenPort, or a "
				      "ListenAddress of its own"},
		{many_fwmarks,
			"t.conf:9: FwMark 0x8 of interface hg8 is one more than the 8 different "
			"ones that there can be: let some interfaces share one"},
		{own_key_as_peer,
			"t.conf:3: this peer's PublicKey is interface hg0's own: give the "
			"other side's"},
		{small_mtu, "t.conf:1: hg0 has MTU 500: it must be 576 to 16000"},
		{port_without_device, "t.conf:11: port wan has no Device: give a PCI address or a "
				      "DPDK device string, for example: Device = "
				      "net_af_xdp0,iface=eth1"},
		{same_device, "t.conf:12: port lan has the same Device as port wan: net_tap0"},
		{control_among_workers, "the running state: core 2 is named in Control and in "
					"Workers: give control a core of its own, or leave Control "
					"out"},
		{twin_clash,
			"t.conf:2: interface hg-lan has the name of port lan's twin: rename one"},
		{exit_both_ways, "t.conf:5: ExitNode and AdvertiseExitNode: a gateway offers its "
				 "own way to the internet, or takes another's: leave one out"},
		{exit_and_table, "t.conf:5: ExitNode makes routing rules of its own and needs "
				 "Table = auto: leave Table out"},
		{exit_and_default_peer,
			"t.conf:5: ExitNode, and a peer with AllowedIPs = ::/0: only one of them "
			"can be the way to the internet"},
	};
	struct err err;
	struct intent *it = good_intent();
	assert_int_equal(intent_check(it, &err), 0);
	intent_destroy(it);
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		it = good_intent();
		rows[r].spoil(it);
		assert_int_equal(intent_check(it, &err), -EINVAL);
		assert_string_equal(err.text, rows[r].error);
		intent_destroy(it);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_has_one_owner),
		cmocka_unit_test(test_order_is_kept),
		cmocka_unit_test(test_copy_stands_alone),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cores),
		cmocka_unit_test(test_check),
		cmocka_unit_test(listen_addresses_as_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
