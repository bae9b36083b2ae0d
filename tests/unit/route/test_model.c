/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prefix table against the plainest model there is: a list of prefixes, searched whole.
 *
 * Each case draws prefixes from its own kind of space, small enough that sets hit what is there
 * and deletes find something, and interleaves updates with queries, single and in bulk. Large
 * cases cross the counts at which the short cut is built, widened and dropped; there the model
 * is a sorted list, one for each length that occurs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/rcu.h"
#include "route/route.h"

typedef unsigned __int128 u128;

/* Where prefixes and addresses come from: base, with bits [from, to) random, in a few values. */
struct space {
	const char *name;
	uint8_t family;
	const char *base;
	uint8_t from;
	uint8_t to;
	uint8_t min_len;
	uint8_t host_share; /* of 256: how many prefixes are host routes */
	uint32_t n_points;  /* distinct addresses that prefixes are cut from; 0: any */
};

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static u128
mask_of(unsigned len)
{
	return len ? ~(u128)0 << (128 - len) : 0;
}

static u128
key_of(const struct addr *a)
{
	return (u128)load_be64(a->bytes) << 64 | load_be64(a->bytes + 8);
}

static struct addr
addr_of(uint8_t family, u128 key)
{
	struct addr a = {.family = family};
	store_be64(a.bytes, (uint64_t)(key >> 64));
	store_be64(a.bytes + 8, (uint64_t)key);
	memset(a.bytes + addr_n_bytes(family), 0, sizeof(a.bytes) - addr_n_bytes(family));
	return a;
}

static u128
random_key(const struct space *s, uint64_t *rng)
{
	struct addr base;
	addr_parse(s->base, &base);
	uint64_t local = next_random(rng);
	if (s->n_points)
		local %= s->n_points;
	uint64_t seed = s->n_points ? local : next_random(rng);
	u128 bits = (u128)next_random(&seed) << 64 | next_random(&seed);
	u128 window = mask_of(s->to) & ~mask_of(s->from);
	return (key_of(&base) & ~window) | (bits & window);
}

static struct prefix
random_prefix(const struct space *s, uint64_t *rng)
{
	unsigned max = addr_bits(s->family);
	struct prefix p = {.addr = addr_of(s->family, random_key(s, rng)), .len = (uint8_t)max};
	if ((next_random(rng) & 255) >= s->host_share)
		p.len = (uint8_t)(s->min_len + next_random(rng) % (max - s->min_len + 1));
	return p;
}

/* The model: an open-addressed map (prefix -> value) and a count for each length. */
struct entry {
	u128 key;
	uint32_t value; /* 0: free or removed */
	uint8_t len;
	bool used;
};

struct model {
	struct entry *slots;
	uint32_t mask;
	uint32_t n_len[129];
	uint32_t n;
};

static struct entry *
model_find(struct model *m, u128 key, unsigned len)
{
	key &= mask_of(len);
	uint64_t h =
		(uint64_t)(key >> 64) * 0x9e3779b97f4a7c15 ^ (uint64_t)key ^ (uint64_t)len << 50;
	h = next_random(&h);
	for (uint32_t i = (uint32_t)h & m->mask;; i = (i + 1) & m->mask) {
		struct entry *e = &m->slots[i];
		if (!e->used || (e->key == key && e->len == len))
			return e;
	}
}

static void
model_set(struct model *m, const struct prefix *p, uint32_t value)
{
	u128 key = key_of(&p->addr);
	struct entry *e = model_find(m, key, p->len);
	if (!e->value && value)
		m->n_len[p->len]++, m->n++;
	if (e->value && !value)
		m->n_len[p->len]--, m->n--;
	if (value || e->used)
		*e = (struct entry){
			.key = key & mask_of(p->len), .len = p->len, .value = value, .used = true};
}

static uint32_t
model_lookup(struct model *m, u128 key, unsigned bits)
{
	for (int len = (int)bits; len >= 0; len--) {
		uint32_t value = m->n_len[len] ? model_find(m, key, (unsigned)len)->value : 0;
		if (value)
			return value;
	}
	return 0;
}

/* The model's own check: a list searched whole. */
static uint32_t
brute_lookup(const struct model *m, u128 key)
{
	const struct entry *best = NULL;
	for (uint32_t i = 0; i <= m->mask; i++) {
		const struct entry *e = &m->slots[i];
		if (e->value && (key & mask_of(e->len)) == e->key && (!best || e->len > best->len))
			best = e;
	}
	return best ? best->value : 0;
}

struct run {
	const struct space *space;
	struct route_table *table;
	struct model model;
	uint64_t rng;
	uint64_t n_queries;
};

static void
check_burst(struct run *r, bool brute)
{
	struct route_query q[ROUTE_BULK_MAX];
	struct addr addrs[ROUTE_BULK_MAX];
	unsigned n = 1 + (unsigned)(next_random(&r->rng) % ROUTE_BULK_MAX);
	unsigned bits = addr_bits(r->space->family);
	for (unsigned i = 0; i < n; i++) {
		u128 key = random_key(r->space, &r->rng);
		/* Often a neighbour: one bit off, so that it leaves some prefixes' range. */
		if (next_random(&r->rng) & 1)
			key ^= (u128)1 << (127 - next_random(&r->rng) % bits);
		addrs[i] = addr_of(r->space->family, key);
		q[i] = (struct route_query){.table = r->table, .addr = addrs[i].bytes, .value = 7};
	}
	route_lookup_bulk(q, n);
	for (unsigned i = 0; i < n; i++) {
		u128 key = key_of(&addrs[i]);
		uint32_t expected = model_lookup(&r->model, key, bits);
		char text[ADDR_TEXT_BYTES];
		if (brute && i == 0)
			assert_int_equal(brute_lookup(&r->model, key), expected);
		if (q[i].value != expected || route_lookup(r->table, addrs[i].bytes) != expected)
			fail_msg("%s, %u prefixes: %s yields %u in bulk, %u alone, expected %u",
				r->space->name, r->model.n, addr_format(&addrs[i], text),
				q[i].value, route_lookup(r->table, addrs[i].bytes), expected);
	}
	r->n_queries += n;
}

static void
change(struct run *r, unsigned set_share)
{
	struct prefix p = random_prefix(r->space, &r->rng);
	struct entry *e = model_find(&r->model, key_of(&p.addr), p.len);
	assert_int_equal(route_get(r->table, &p), e->used ? e->value : 0);
	if (next_random(&r->rng) % 256 < set_share) {
		uint32_t value = (uint32_t)next_random(&r->rng) | 1;
		assert_int_equal(route_set(r->table, &p, value), 0);
		model_set(&r->model, &p, value);
	} else {
		int expected = e->used && e->value ? 0 : -ENOENT;
		assert_int_equal(route_del(r->table, &p), expected);
		model_set(&r->model, &p, 0);
	}
	assert_int_equal(route_count(r->table), r->model.n);
}

struct visit {
	struct run *run;
	uint32_t n;
	u128 last_key;
	int last_len;
};

static int
visit(void *ctx, const struct prefix *p, uint32_t value)
{
	struct visit *v = ctx;
	u128 key = key_of(&p->addr);
	assert_true(key == (key & mask_of(p->len)));
	assert_true(v->n == 0 || key > v->last_key || (key == v->last_key && p->len > v->last_len));
	assert_int_equal(model_find(&v->run->model, key, p->len)->value, value);
	v->last_key = key;
	v->last_len = p->len;
	v->n++;
	return 0;
}

static int
drop(void *ctx, const struct prefix *p, uint32_t value)
{
	struct prefix **to = ctx;
	*(*to)++ = *p;
	return 0;
}

/* Removes all in walk's order, checking on the way down, through the short cut's end. */
static void
empty(struct run *r)
{
	struct visit v = {.run = r};
	assert_int_equal(route_walk(r->table, visit, &v), 0);
	assert_int_equal(v.n, r->model.n);
	struct prefix *all = calloc(v.n + 1, sizeof(*all)), *end = all;
	assert_non_null(all);
	route_walk(r->table, drop, &end);
	for (uint32_t i = 0; i < v.n; i++) {
		assert_int_equal(route_del(r->table, &all[i]), 0);
		model_set(&r->model, &all[i], 0);
		if (i % 64 == 0)
			check_burst(r, false);
	}
	free(all);
	assert_int_equal(route_count(r->table), 0);
	check_burst(r, false);
}

static uint64_t
run_space(const struct space *s, uint32_t n_changes, unsigned n_bursts_each)
{
	struct run r = {.space = s, .table = route_create(s->family), .rng = 42};
	r.model.mask = (1u << 18) - 1;
	r.model.slots = calloc(r.model.mask + 1, sizeof(*r.model.slots));
	assert_non_null(r.table);
	assert_non_null(r.model.slots);
	for (uint32_t i = 0; i < n_changes; i++) {
		/* First mostly sets, then about even, so that it grows, churns and shrinks. */
		change(&r, i < n_changes / 2 ? 220 : i < n_changes / 4 * 3 ? 128 : 60);
		for (unsigned b = 0; b < n_bursts_each; b++)
			check_burst(&r, false);
		if (n_bursts_each == 0 && i % 16 == 0)
			check_burst(&r, i % 4096 == 0);
	}
	empty(&r);
	route_destroy(r.table);
	free(r.model.slots);
	return r.n_queries;
}

static const struct space spaces[] = {
	{"v4 uniform", ADDR_V4, "0.0.0.0", 0, 32, 0, 40, 0},
	{"v4 few points", ADDR_V4, "0.0.0.0", 0, 32, 0, 40, 300},
	{"v4 dense /20", ADDR_V4, "10.20.0.0", 20, 32, 0, 100, 0},
	{"v4 100.64/10", ADDR_V4, "100.64.0.0", 10, 32, 4, 128, 5000},
	{"v6 uniform", ADDR_V6, "::", 0, 128, 0, 40, 0},
	{"v6 few points", ADDR_V6, "::", 0, 128, 0, 40, 300},
	{"v6 under a /48", ADDR_V6, "fd7a:115c:a1e0::", 48, 128, 32, 128, 4000},
	{"v6 dense /116", ADDR_V6, "2001:db8::", 116, 128, 0, 100, 0},
	{"v6 middle bits", ADDR_V6, "2001:db8::", 56, 72, 40, 10, 0},
};

static void
agrees_while_small(void **state)
{
	uint64_t n = 0;
	for (size_t i = 0; i < ARRAY_COUNT(spaces); i++)
		n += run_space(&spaces[i], 2500, 2);
	assert_true(n > 1000000);
}

static const struct space large_spaces[] = {
	{"v4 hosts", ADDR_V4, "0.0.0.0", 0, 32, 0, 250, 60000},
	{"v4 hosts of 100.64/10", ADDR_V4, "100.64.0.0", 10, 32, 3, 250, 60000},
	{"v6 hosts", ADDR_V6, "::", 0, 128, 0, 250, 60000},
	{"v6 hosts of a /48", ADDR_V6, "fd7a:115c:a1e0::", 48, 128, 0, 250, 60000},
	{"v6 hosts in sequence", ADDR_V6, "fd7a:115c:a1e0::", 112, 128, 60, 250, 0},
};

static void
agrees_while_large(void **state)
{
	for (size_t i = 0; i < ARRAY_COUNT(large_spaces); i++)
		run_space(&large_spaces[i], 160000, 0);
}

static int
wait_retired(void **state)
{
	rcu_wait_retired();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_while_small),
		cmocka_unit_test(agrees_while_large),
	};
	return cmocka_run_group_tests(tests, NULL, wait_retired);
}
