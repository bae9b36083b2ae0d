/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differences: chosen cases as tables, and the property that ties diff and apply together. For
 * random intents a and b: apply(diff(a, b), a) is b, and diff(a, a) is empty. Equality is
 * judged by a dump of every field, sorted, which shares no code with diff.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "filter/rule.h"
#include "intent/change.h"

static const struct origin nowhere;

/* ---- a dump: one line a fact, sorted ---- */

struct dump {
	char **lines;
	size_t n, cap;
};

static void
say(struct dump *d, const char *format, ...)
{
	va_list ap;
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 64;
		d->lines = realloc(d->lines, d->cap * sizeof(char *));
	}
	va_start(ap, format);
	assert_true(vasprintf(&d->lines[d->n++], format, ap) >= 0);
	va_end(ap);
}

static void
say_prefixes(struct dump *d, const char *on, const struct prefix_list *l)
{
	char text[PREFIX_TEXT_BYTES];
	for (size_t i = 0; i < l->n; i++)
		say(d, "%s address %s", on, prefix_format(&l->items[i], text));
}

static void
say_port(struct dump *d, const struct port_intent *p)
{
	char a[ADDR_TEXT_BYTES], b[ADDR_TEXT_BYTES], m[MAC_TEXT_BYTES];
	say(d, "%s port %s q%u m%u c%d a%d g%s g%s", p->name, p->device, p->n_queues, p->mtu,
		p->checksum, p->never_adopts,
		addr_format(&p->gateway_v4, a), addr_format(&p->gateway_v6, b));
	say_prefixes(d, p->name, &p->addresses);
	for (size_t i = 0; i < p->n_neighbours; i++)
		say(d, "%s neighbour %s %s", p->name, addr_format(&p->neighbours[i].ip, a),
			mac_format(&p->neighbours[i].mac, m));
}

static void
say_peer(struct dump *d, const char *on, const struct peer_intent *p)
{
	char k[KEY_HEX_BYTES], psk[KEY_HEX_BYTES], e[ENDPOINT_TEXT_BYTES], x[PREFIX_TEXT_BYTES];
	key_to_hex(&p->public_key, k);
	key_to_hex(&p->psk, psk);
	say(d, "%s peer %s n%s psk%d%s e%s h%s:%u k%u", on, k, p->name, p->has_psk, psk,
		endpoint_format(&p->endpoint.addr, e), p->endpoint.host ? p->endpoint.host : "",
		p->endpoint.host_port, p->keepalive_s);
	size_t n = 0;
	for (const struct allowed_intent *a = p->first_allowed; a; a = a->next, n++) {
		say(d, "%s peer %s allows %s", on, k, prefix_format(&a->prefix, x));
		assert_ptr_equal(a->owner, p);
	}
	assert_int_equal(n, p->n_allowed);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct dump
dump_of(const struct intent *it)
{
	struct dump d = {0};
	const struct gateway_intent *g = &it->gateway;
	say(&d, "gateway %s %d %d %d %d %d %d %s", g->workers, g->control_core, g->hugepages_mib,
		g->idle, g->host, g->netfilter, g->log_level, g->crypto);
	say(&d, "snat %u-%u %u", g->snat_first_port, g->snat_last_port, g->snat_flows);
	if (it->filter)
		say(&d, "filter %d %u rules %zu %s", it->filter->is_strict_tcp,
			it->filter->max_flows, it->filter->n_rules,
			it->filter->n_rules ? it->filter->rules[0].text : "");
	for (size_t i = 0; i < it->n_ports; i++)
		say_port(&d, it->ports[i]);
	for (size_t n = 0; n < it->n_interfaces; n++) {
		const struct interface_intent *i = it->interfaces[n];
		char k[KEY_HEX_BYTES];
		key_to_hex(&i->private_key, k);
		say(&d, "%s interface %d%s p%u f%u m%u t%d %u", i->name, i->has_key, k,
			i->listen_port, i->fwmark, i->mtu, i->table, i->table_id);
		say(&d, "%s dns %s save %s", i->name, i->dns ? i->dns : "",
			i->save_path ? i->save_path : "");
		for (size_t h = 0; h < i->hooks.n; h++)
			say(&d, "%s hook %zu %s %s", i->name, h,
				hook_when_name(i->hooks.items[h].when),
				i->hooks.items[h].command);
		say_prefixes(&d, i->name, &i->addresses);
		say_prefixes(&d, "snat", &i->snat);
		for (const struct peer_intent *p = i->peers.first; p; p = p->next)
			say_peer(&d, i->name, p);
	}
	qsort(d.lines, d.n, sizeof(char *), by_text);
	return d;
}

static void
dump_free(struct dump *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->lines[i]);
	free(d->lines);
}

static void
assert_same(const struct intent *a, const struct intent *b)
{
	struct dump da = dump_of(a), db = dump_of(b);
	for (size_t i = 0; i < da.n && i < db.n; i++)
		assert_string_equal(da.lines[i], db.lines[i]);
	assert_int_equal(da.n, db.n);
	dump_free(&da);
	dump_free(&db);
}

/* ---- random intents over a small world, so that much is shared and much moves ---- */

static uint64_t seed;

static unsigned
random_below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

static struct key
random_key(unsigned world)
{
	struct key k = {{0}};
	k.bytes[0] = (uint8_t)random_below(world);
	k.bytes[31] = random_below(4) ? 1 : 0;
	if (!k.bytes[31])
		k.bytes[0] = 0;
	return k;
}

static struct prefix
random_prefix(void)
{
	struct prefix p = {.addr = addr_from_v4(0x0a000000 + (random_below(40) << 8)), .len = 24};
	if (random_below(3) == 0) {
		p.addr.family = ADDR_V6;
		p.len = (uint8_t)(8 + random_below(120));
	}
	return p;
}

static void
add_addresses(struct prefix_list *l)
{
	for (unsigned n = random_below(4); n > 0; n--) {
		struct prefix p = random_prefix();
		int rc = prefix_list_add(l, &p);
		assert_true(rc == 0 || rc == -EEXIST);
	}
}

static void
random_port(struct intent *it, const char *name)
{
	struct port_intent *p = intent_port_add(it, name);
	snprintf(p->device, sizeof(p->device), "net_tap%u", random_below(3));
	p->mtu = (uint16_t)(1500 * random_below(3));
	p->n_queues = (uint16_t)random_below(3);
	p->checksum = random_below(3);
	p->never_adopts = random_below(2);
	if (random_below(2))
		p->gateway_v4 = addr_from_v4(random_below(3));
	add_addresses(&p->addresses);
	for (unsigned n = random_below(4); n > 0; n--) {
		struct neighbour_intent nb = {addr_from_v4(random_below(5)), {{2}}};
		nb.mac.bytes[5] = (uint8_t)random_below(3);
		int rc = neighbour_add(p, &nb);
		assert_true(rc == 0 || rc == -EEXIST);
	}
}

static void
random_peer(struct peer_set *s)
{
	struct key k = random_key(30), psk = random_key(3);
	struct peer_intent *p = peer_set_find(s, &k);
	if (!p)
		p = peer_set_add(s, &k);
	peer_set_psk(p, &psk);
	p->keepalive_s = (uint16_t)random_below(3);
	snprintf(p->name, sizeof(p->name), "%.*s", (int)random_below(3), "ab");
	struct endpoint_intent e = {0};
	if (random_below(3) == 0)
		e.addr = (struct endpoint){addr_from_v4(random_below(3)), 51820, 0};
	else if (random_below(2))
		e = (struct endpoint_intent){.host = (char *)(random_below(2) ? "a.b" : "c.d"),
			.host_port = (uint16_t)random_below(2)};
	assert_int_equal(peer_set_endpoint(p, &e), 0);
	for (unsigned n = random_below(5); n > 0; n--) {
		struct prefix prefix = random_prefix();
		assert_int_equal(allowed_add(s, p, &prefix, nowhere), 0);
	}
}

static void
random_interface(struct intent *it, const char *name)
{
	struct interface_intent *i = intent_interface_add(it, name);
	struct key k = random_key(3);
	interface_set_key(i, &k);
	i->listen_port = (uint16_t)random_below(3);
	i->fwmark = random_below(3);
	i->mtu = (uint16_t)(1400 * random_below(2));
	i->table = random_below(3);
	i->table_id = i->table == TABLE_NUMBER ? random_below(3) : 0;
	assert_int_equal(intent_text_set(&i->dns, random_below(2) ? "1.1.1.1" : NULL), 0);
	assert_int_equal(intent_text_set(&i->save_path, random_below(2) ? "/a" : ""), 0);
	for (unsigned n = random_below(4); n > 0; n--) {
		const struct hook h = {random_below(HOOK_N_WHENS),
			(char *)(random_below(2) ? "one" : "two"), (char *)"wg0.conf:1"};
		assert_int_equal(hook_list_add(&i->hooks, &h), 0);
	}
	add_addresses(&i->addresses);
	add_addresses(&i->snat);
	for (unsigned n = random_below(40); n > 0; n--)
		random_peer(&i->peers);
}

static void
random_filter(struct intent *it)
{
	struct filter_plan plan = {.is_on = random_below(2), .max_flows = random_below(2)};
	for (unsigned n = random_below(3); n > 0; n--) {
		struct filter_rule r = {0};
		char text[32];
		snprintf(text, sizeof(text), "* -> * : tcp/%u", random_below(2));
		assert_int_equal(filter_rule_parse(text, &r, NULL), 0);
		assert_int_equal(filter_plan_add(&plan, &r), 0);
	}
	assert_int_equal(intent_filter_set(it, &plan), 0);
	filter_plan_fini(&plan);
}

static struct intent *
random_intent(void)
{
	static const char *const ports[] = {"wan", "lan", "dmz"};
	static const char *const interfaces[] = {"hg0", "hg1", "wg0"};
	struct intent *it = intent_create();
	struct gateway_intent *g = &it->gateway;
	snprintf(g->workers, sizeof(g->workers), "%u", random_below(2));
	g->control_core = (int)random_below(3) - 1;
	g->hugepages_mib = (int)random_below(3) - 1;
	g->idle = random_below(2);
	g->host = random_below(2);
	g->netfilter = random_below(2);
	g->log_level = random_below(4);
	snprintf(g->crypto, sizeof(g->crypto), "%s", random_below(2) ? "sodium" : "");
	g->snat_first_port = (uint16_t)(60000 + random_below(2));
	g->snat_last_port = (uint16_t)(61000 + random_below(2));
	g->snat_flows = random_below(2) * 4096;
	random_filter(it);
	for (unsigned n = 0; n < 3; n++) {
		if (random_below(3))
			random_port(it, ports[n]);
		if (random_below(3))
			random_interface(it, interfaces[n]);
	}
	return it;
}

static void
test_diff_and_apply(void **state)
{
	for (seed = 0; seed < 2000ull << 40; seed += 1ull << 40) {
		uint64_t start = seed;
		struct intent *a = random_intent(), *b = random_intent();
		struct change_list l;
		change_list_init(&l);
		assert_int_equal(intent_diff(a, a, &l), 0);
		assert_int_equal(l.n, 0);
		assert_int_equal(intent_diff(a, b, &l), 0);
		for (size_t i = 0; i < l.n; i++) {
			char text[512];
			change_format(&l.items[i], text);
			assert_int_equal(intent_apply(a, &l.items[i]), 0);
		}
		assert_same(a, b);
		change_list_fini(&l);
		assert_int_equal(intent_diff(a, b, &l), 0);
		assert_int_equal(l.n, 0);
		struct intent *copy = intent_copy(b);
		assert_same(copy, b);
		intent_destroy(copy);
		intent_destroy(a);
		intent_destroy(b);
		seed = start;
	}
}

/* ---- chosen cases ---- */

/* "A=10.0.0.0/8 B" : peers by letter, each with one prefix or none. */
static struct intent *
intent_of(const char *text)
{
	struct intent *it = intent_create();
	struct interface_intent *i = intent_interface_add(it, "hg0");
	char copy[256], *rest = copy, *word;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " "))) {
		struct key k = {{(uint8_t)word[0]}};
		struct prefix prefix;
		if (!word[0])
			continue;
		struct peer_intent *p = peer_set_find(&i->peers, &k);
		if (!p)
			p = peer_set_add(&i->peers, &k);
		if (word[1] && prefix_parse(word + 2, &prefix) == 0)
			assert_int_equal(allowed_add(&i->peers, p, &prefix, nowhere), 0);
	}
	return it;
}

static void
test_peer_rows(void **state)
{
	static const struct {
		const char *from, *to, *changes;
	} rows[] = {
		{"A=10.0.0.0/8 B", "A=10.0.0.0/8 B", ""},
		{"A B", "B A", ""},
		{"A", "A=10.0.0.0/8", "A ALLOWED_ADD 10.0.0.0/8;"},
		{"A=10.0.0.0/8", "A", "A ALLOWED_REMOVE 10.0.0.0/8;"},
		/* a prefix moves: one add, no remove */
		{"A=10.0.0.0/8 B", "A B=10.0.0.0/8", "B ALLOWED_ADD 10.0.0.0/8;"},
		/* …even when its owner goes */
		{"A=10.0.0.0/8", "B=10.0.0.0/8",
			"B PEER_ADD;B ALLOWED_ADD 10.0.0.0/8;A PEER_REMOVE;"},
		/* prefixes change places */
		{"A=10.0.0.0/8 B=::/0", "A=::/0 B=10.0.0.0/8",
			"A ALLOWED_ADD ::/0;B ALLOWED_ADD 10.0.0.0/8;"},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct intent *a = intent_of(rows[r].from), *b = intent_of(rows[r].to);
		struct change_list l;
		change_list_init(&l);
		assert_int_equal(intent_diff(a, b, &l), 0);
		char text[1024] = "", prefix[PREFIX_TEXT_BYTES];
		for (size_t i = 0; i < l.n; i++) {
			const struct change *c = &l.items[i];
			size_t n = strlen(text);
			bool allowed = c->kind >= CHANGE_ALLOWED_ADD;
			snprintf(text + n, sizeof(text) - n, "%c %s%s%s;", c->peer.bytes[0],
				change_name(c->kind), allowed ? " " : "",
				allowed ? prefix_format(&c->prefix, prefix) : "");
		}
		assert_string_equal(text, rows[r].changes);
		change_list_fini(&l);
		intent_destroy(a);
		intent_destroy(b);
	}
}

static void
test_apply_refuses(void **state)
{
	struct change rows[] = {
		{.kind = CHANGE_PEER_REMOVE, .on = "hg0", .peer = {{'Z'}}},
		{.kind = CHANGE_PEER_ADD, .on = "hg9"},
		{.kind = CHANGE_PORT_MTU, .on = "wan"},
		{.kind = CHANGE_PEER_ADD, .on = "hg0", .peer = {{'A'}}},
		{.kind = CHANGE_INTERFACE_ADD, .on = "hg0"},
		{.kind = CHANGE_INTERFACE_ADD, .on = "a/b"},
		{.kind = CHANGE_INTERFACE_SET_LISTEN_PORT, .on = "hg0", .number = 65536},
		{.kind = CHANGE_GATEWAY_IDLE, .number = 7},
		{.kind = CHANGE_N_KINDS, .on = "hg0", .peer = {{'A'}}},
	};
	static const int codes[] = {
		-ENOENT, -ENOENT, -ENOENT, -EEXIST, -EEXIST, -EINVAL, -EINVAL, -EINVAL, -EINVAL};
	struct intent *it = intent_of("A=10.0.0.0/8 B"), *was = intent_copy(it);
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++)
		assert_int_equal(intent_apply(it, &rows[r]), codes[r]);
	/* Another peer's prefix is not taken away. */
	struct change c = {.kind = CHANGE_ALLOWED_REMOVE, .on = "hg0", .peer = {{'B'}}};
	assert_int_equal(prefix_parse("10.0.0.0/8", &c.prefix), 0);
	assert_int_equal(intent_apply(it, &c), 0);
	assert_same(it, was);
	intent_destroy(it);
	intent_destroy(was);
}

static void
test_restart_and_secrets(void **state)
{
	char text[512];
	struct change device = {
		.kind = CHANGE_PORT_DEVICE, .on = "wan", .text = (char *)"net_tap0"};
	struct change mark = {.kind = CHANGE_INTERFACE_SET_FWMARK, .on = "hg0", .number = 4};
	struct hook secret = {HOOK_PRE_UP, (char *)"echo secret", (char *)"wg0.conf:1"};
	struct change hooks = {.kind = CHANGE_INTERFACE_SET_HOOKS, .on = "hg0",
		.hooks = {&secret, 1}};
	struct change psk = {.kind = CHANGE_PEER_SET_PSK, .on = "hg0", .key = {{1}}};
	assert_string_equal(change_needs_restart(&device), "a port's Device");
	assert_null(change_needs_restart(&mark));
	assert_string_equal(change_format(&mark, text), "hg0 INTERFACE_SET_FWMARK 4");
	assert_string_equal(change_format(&hooks, text), "hg0 INTERFACE_SET_HOOKS 1 command");
	assert_string_equal(change_format(&psk, text), "hg0 PEER_SET_PSK AAAA…AAA= (hidden)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff_and_apply),
		cmocka_unit_test(test_peer_rows),
		cmocka_unit_test(test_apply_refuses),
		cmocka_unit_test(test_restart_and_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
