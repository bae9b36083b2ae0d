/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers beside control: what they find at any moment is whole and belongs together. The
 * writer installs, confirms and wipes sessions, moves prefixes and endpoints, replaces next hops
 * and own addresses, removes peers and adds them again. Meant for ThreadSanitizer as well.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables/tables.h"

enum { N_READERS = 2, N_PEERS = 6, RUN_MS = 1500, PORT_BASE = 1000 };

struct shared {
	struct tables *tables;
	uint16_t iface_id;
	uint32_t peer_ids[N_PEERS]; /* atomic */
	uint32_t indices[N_PEERS];  /* atomic: of the session installed last */
	struct addr always_local;
	bool done;                  /* atomic */
	const char *fault;          /* atomic */
};

struct reader {
	pthread_t thread;
	struct shared *shared;
	uint16_t id;
	uint64_t seed;
	uint64_t n_found;
};

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
expect(struct shared *s, bool holds, const char *what)
{
	if (!holds)
		__atomic_store_n(&s->fault, what, __ATOMIC_RELAXED);
}

/* Both keys, the far index and the peer tell which session it is; all must tell the same. */
static void
read_session(struct reader *r, uint32_t index)
{
	struct session *session = tables_session(r->shared->tables, index);
	if (!session)
		return;
	r->n_found++;
	for (unsigned i = 1; i < SESSION_KEY_BYTES; i++)
		expect(r->shared, session->recv_key[i] == session->recv_key[0],
			"a torn receive key");
	expect(r->shared, session->recv_birth_ns == session->recv_peer_id, "another's birth");
	/* The owner alone touches the window. */
	if (session->owner_worker == r->id)
		(void)replay_accept(&session->replay, next_random(&r->seed) % 100000);
}

static void
read_sealing(struct reader *r, const struct peer_entry *peer, uint32_t peer_id)
{
	struct session *tx = rcu_read(peer->tx);
	if (!tx)
		return;
	r->n_found++;
	for (unsigned i = 1; i < SESSION_KEY_BYTES; i++)
		expect(r->shared, tx->send_key[i] == tx->send_key[0], "a torn send key");
	expect(r->shared, tx->peer_id == peer_id, "another peer's session");
	expect(r->shared, (tx->remote_index & 0xff) == tx->send_key[0], "an index of other keys");
	(void)session_reserve(tx, 3);
}

static void
read_header(struct reader *r, const struct peer_entry *peer)
{
	const struct encap *e = rcu_read(peer->encap);
	if (!e)
		return;
	r->n_found++;
	bool is_v4 = e->family == ADDR_V4;
	expect(r->shared, e->header_bytes == (is_v4 ? 28 : 48), "a header of no size");
	expect(r->shared,
		memcmp(e->header + (is_v4 ? 16 : 24), e->remote.addr.bytes, is_v4 ? 4 : 16) == 0,
		"a header to another address");
	expect(r->shared, load_be16(e->header + (is_v4 ? 22 : 42)) == e->remote.port,
		"another port");
	(void)__atomic_load_n(&peer->path_mark, __ATOMIC_RELAXED);
}

static void
read_ways(struct reader *r)
{
	struct tables *t = r->shared->tables;
	const uint8_t inside[4] = {10, 0, 0, (uint8_t)(next_random(&r->seed) % N_PEERS)};
	const uint8_t outside[4] = {198, 51, 100, 1};
	uint32_t owner = route_lookup(t->ifaces[r->shared->iface_id].allowed[0], inside);
	expect(r->shared, owner != 0, "a prefix of nobody's while it moves");
	uint32_t id = route_lookup(t->underlay[0][0], outside);
	const struct nexthop *nh = id ? tables_nexthop(t, id) : NULL;
	expect(r->shared, nh != NULL, "no way out while it is replaced");
	expect(r->shared, !nh || nh->mtu == PORT_BASE + nh->link_id, "a torn next hop");
	expect(r->shared, tables_is_local(t, ADDR_V4, r->shared->always_local.bytes),
		"no longer ourselves");
}

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct shared *s = r->shared;
	rcu_reader_register();
	while (!__atomic_load_n(&s->done, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < 16; i++) {
			unsigned k = (unsigned)(next_random(&r->seed) % N_PEERS);
			uint32_t id = __atomic_load_n(&s->peer_ids[k], __ATOMIC_ACQUIRE);
			const struct peer_entry *peer = tables_peer(s->tables, id);
			read_session(r, __atomic_load_n(&s->indices[k], __ATOMIC_RELAXED));
			read_session(r, (uint32_t)next_random(&r->seed));
			read_sealing(r, peer, id);
			read_header(r, peer);
			read_ways(r);
		}
		rcu_reader_quiescent();
	}
	rcu_reader_unregister();
	return NULL;
}

static void
add_peer(struct shared *s, unsigned k)
{
	struct prefix p = {.addr = addr_from_v4(0x0a000000 + k), .len = 32};
	uint32_t id;
	assert_int_equal(tables_peer_add(s->tables, s->iface_id, &id), 0);
	assert_int_equal(tables_allowed_set(s->tables, s->iface_id, &p, id), 0);
	__atomic_store_n(&s->peer_ids[k], id, __ATOMIC_RELEASE);
}

/* Its prefix goes to another peer first, as the reconciler does when it moves. */
static void
replace_peer(struct shared *s, unsigned k)
{
	uint32_t was = s->peer_ids[k];
	add_peer(s, k);
	tables_peer_remove(s->tables, was);
}

static void
install(struct shared *s, unsigned k, uint64_t draw)
{
	uint32_t id = s->peer_ids[k], index;
	if (tables_index_reserve(s->tables, id, &index) != 0) {
		rcu_wait_retired();
		return;
	}
	struct session_keys keys = {.local_index = index,
		.remote_index = (uint32_t)draw,
		.is_initiator = draw >> 40 & 1};
	memset(keys.send_key, (int)(draw & 0xff), sizeof(keys.send_key));
	memset(keys.recv_key, (int)(draw >> 8 & 0xff), sizeof(keys.recv_key));
	assert_int_equal(tables_session_install(s->tables, &keys, draw >> 41 & 1, id), 0);
	__atomic_store_n(&s->indices[k], index, __ATOMIC_RELAXED);
	if (!keys.is_initiator && draw >> 42 & 1)
		assert_int_equal(tables_session_confirm(s->tables, index), 0);
}

static void
move_endpoint(struct shared *s, unsigned k, uint64_t draw)
{
	struct endpoint remote = {.addr = addr_from_v4(0xc6336400 + (draw >> 8 & 0xff)),
		.port = (uint16_t)(draw >> 16 | 1)};
	if (draw >> 40 & 1)
		remote.addr.family = ADDR_V6;
	assert_int_equal(tables_encap_set(s->tables, s->peer_ids[k], &remote, NULL), 0);
}

static void
replace_ways(struct shared *s, uint64_t draw)
{
	struct nexthop nh = {.type = NEXTHOP_LINK, .link_id = draw >> 8 & 15};
	struct addr locals[3] = {s->always_local, addr_from_v4((uint32_t)draw), s->always_local};
	nh.mtu = (uint16_t)(PORT_BASE + nh.link_id);
	nh.source = s->always_local;
	assert_int_equal(tables_nexthop_set(s->tables, 1, &nh), 0);
	assert_int_equal(tables_locals_set(s->tables, locals, 1 + (draw >> 20) % 2), 0);
}

static void
write_on(struct shared *s)
{
	uint64_t seed = 7;
	ns_t end = clock_boot_ns() + RUN_MS * NS_IN_MS;
	while (clock_boot_ns() < end) {
		uint64_t draw = next_random(&seed);
		unsigned k = (unsigned)(draw >> 50) % N_PEERS, what = (unsigned)(draw >> 44) % 16;
		if (what < 7)
			install(s, k, draw);
		else if (what < 10)
			move_endpoint(s, k, draw);
		else if (what < 13)
			replace_ways(s, draw);
		else if (what < 15)
			tables_sessions_wipe(s->tables, s->peer_ids[k]);
		else if (draw >> 60 == 0)
			replace_peer(s, k);
	}
}

static void
workers_beside_control(void **state)
{
	struct shared s = {.always_local = addr_from_v4(0xcb007102)};
	struct reader readers[N_READERS];
	struct err err;
	struct prefix wan = {.addr = addr_from_v4(0xc6336400), .len = 24};
	struct nexthop nh = {.type = NEXTHOP_LINK, .mtu = PORT_BASE};
	uint32_t id;
	s.tables = tables_create(64, &protocol_times_default, &err);
	assert_non_null(s.tables);
	assert_int_equal(tables_iface_add(s.tables, 1420, &s.iface_id), 0);
	assert_int_equal(tables_nexthop_add(s.tables, &nh, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(tables_route_set(s.tables, TABLES_UNDERLAY, &wan, id), 0);
	replace_ways(&s, 0);
	for (unsigned k = 0; k < N_PEERS; k++)
		add_peer(&s, k);
	for (uint16_t i = 0; i < N_READERS; i++) {
		readers[i] = (struct reader){.shared = &s, .id = i, .seed = 99 + i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	write_on(&s);
	__atomic_store_n(&s.done, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < N_READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_true(readers[i].n_found > 0);
	}
	if (s.fault)
		fail_msg("a reader saw %s", s.fault);
	tables_destroy(s.tables);
}

/* ---- Two writers ---- */

static const struct endpoint roamed = {.addr = {{192, 0, 2, 2}, ADDR_V4}, .port = 2};

static void *
roam_on(void *arg)
{
	struct shared *s = arg;
	rcu_reader_register();
	rcu_reader_offline();
	while (!__atomic_load_n(&s->done, __ATOMIC_RELAXED))
		(void)tables_encap_roam(s->tables, s->peer_ids[0], &roamed, NULL);
	rcu_reader_unregister();
	return NULL;
}

/* Whatever was on its way when disco pinned the peer: from then on it stays where that said. */
static void
nobody_roams_a_pinned_peer(void **state)
{
	const struct endpoint proved = {.addr = {{192, 0, 2, 1}, ADDR_V4}, .port = 1};
	struct shared s = {.done = false};
	struct endpoint at;
	struct addr local;
	struct err err;
	pthread_t thread;
	unsigned n_moved = 0;
	s.tables = tables_create(8, &protocol_times_default, &err);
	assert_non_null(s.tables);
	assert_int_equal(tables_iface_add(s.tables, 1420, &s.iface_id), 0);
	assert_int_equal(tables_peer_add(s.tables, s.iface_id, &s.peer_ids[0]), 0);
	assert_int_equal(pthread_create(&thread, NULL, roam_on, &s), 0);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(tables_encap_pin(s.tables, s.peer_ids[0], &proved, NULL), 0);
		sched_yield();
		for (unsigned k = 0; k < 64; k++)
			assert_true(tables_encap_get(s.tables, s.peer_ids[0], &at, &local));
		n_moved += !endpoint_is_equal(&at, &proved);
		tables_encap_unpin(s.tables, s.peer_ids[0]);
	}
	__atomic_store_n(&s.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(n_moved, 0);
	tables_destroy(s.tables);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_beside_control),
		cmocka_unit_test(nobody_roams_a_pinned_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
