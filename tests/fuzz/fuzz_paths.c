/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The paths of a peer under any sequence of events: three bytes each, what happens, to which of 64
 * addresses, and how much later. Whatever comes:
 *
 * - only an address that answered a ping of ours, sent to it, becomes the best path, and it is
 *   trusted no longer than trust_ns after it did;
 * - time alone pings no candidate more often than the heartbeat; pongs keep to their budget;
 *   nothing is sent to where nobody can be;
 * - no address stands there twice, and the next time to ask lies ahead.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "reach/peer_paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

enum { N_ADDRS = 64, N_PINGS = 128 };

struct ping {
	struct disco_txid txid;
	unsigned addr;
	bool is_answered;
};

struct world {
	struct peer_paths paths;
	struct path_actions acts;
	struct path_now now;
	ns_t start_ns, sent_ns;
	ns_t pinged_ns[N_ADDRS], ponged_ns[N_ADDRS];
	struct ping pings[N_PINGS]; /* the last that were sent, round and round */
	unsigned n_pings, n_pongs;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Some private, some IPv6, some where nobody can be. */
static struct endpoint
addr_of(unsigned i)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8}, v6_link[16] = {0xfe, 0x80};
	struct endpoint e = {.addr = addr_from_v4(i % 3 ? 0x0a000000 : 0xc6336400), .port = 9};
	if (i % 8 == 7)
		e.addr = addr_from_bytes(ADDR_V6, i % 16 == 15 ? v6_link : v6);
	if (i == 62)
		e.port = 0;
	e.addr.bytes[addr_n_bytes(e.addr.family) - 1] = (uint8_t)i;
	return e;
}

static unsigned
number_of(const struct endpoint *e)
{
	unsigned i = e->addr.bytes[addr_n_bytes(e->addr.family) - 1];
	struct endpoint same = addr_of(i);
	must(i < N_ADDRS && i % 16 != 15 && i != 62 && endpoint_is_equal(e, &same));
	return i;
}

static void
check_ping(struct world *w, const struct path_action *a, bool by_time)
{
	unsigned i = number_of(&a->link.remote);
	const struct path_times *t = w->now.times;
	ns_t gap_ns = MIN_OF(t->heartbeat_ns, t->ping_gap_ns);
	must(!by_time || !w->pinged_ns[i] || w->now.ns - w->pinged_ns[i] >= gap_ns);
	w->pinged_ns[i] = w->now.ns;
	w->pings[w->n_pings++ % N_PINGS] = (struct ping){.txid = a->txid, .addr = i};
}

static void
check_actions(struct world *w, unsigned from, bool by_time)
{
	for (unsigned i = from; i < w->acts.n; i++) {
		const struct path_action *a = &w->acts.at[i];
		unsigned addr = number_of(&a->link.remote);
		if (a->kind == PATH_PING)
			check_ping(w, a, by_time);
		else if (a->kind == PATH_PONG)
			w->n_pongs++;
		else
			must(w->ponged_ns[addr]);
	}
	must(w->n_pongs <= PATHS_PONG_BURST +
		(w->now.ns - w->start_ns) / w->now.times->pong_gap_ns);
}

static void
check_state(struct world *w)
{
	uint64_t seen = 0;
	struct path_best best;
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		const struct path_candidate *c = &w->paths.candidates[i];
		if (!path_candidate_is_used(c))
			continue;
		unsigned addr = number_of(&c->link.remote);
		must(!(seen >> addr & 1));
		must(c->sources || w->paths.best == i + 1);
		seen |= 1ull << addr;
	}
	for (unsigned i = 0; i < N_ADDRS; i++)
		w->pinged_ns[i] = seen >> i & 1 ? w->pinged_ns[i] : 0; /* of the forgotten */
	if (!peer_paths_best(&w->paths, w->now.ns, &best))
		return;
	ns_t ponged_ns = w->ponged_ns[number_of(&best.link.remote)];
	must(ponged_ns);
	must(!best.is_trusted || w->now.ns - ponged_ns < w->now.times->trust_ns);
}

static void
map_changes(struct world *w, unsigned arg)
{
	struct endpoint e[N_ADDRS];
	unsigned n = arg % 24;
	for (unsigned i = 0; i < n; i++)
		e[i] = addr_of((arg + i * 5) % N_ADDRS);
	peer_paths_set_map(&w->paths, e, n);
}

static void
called(struct world *w, unsigned arg)
{
	struct disco_message call = {.type = DISCO_CALL_ME_MAYBE, .n_endpoints = arg % 9};
	for (unsigned i = 0; i < call.n_endpoints; i++)
		call.endpoints[i] = addr_of((arg + i * 3) % N_ADDRS);
	peer_paths_call_received(&w->paths, &w->now, &call, &w->acts);
}

/* The answer to one of the last pings, maybe once more, maybe from elsewhere. */
static void
ponged(struct world *w, unsigned arg)
{
	struct ping *ping = &w->pings[arg % N_PINGS];
	struct path_link link = {.remote = addr_of(arg & 128 ? arg % N_ADDRS : ping->addr)};
	if (arg % N_PINGS >= w->n_pings)
		return;
	ns_t was_ns = w->ponged_ns[ping->addr];
	w->ponged_ns[ping->addr] = w->now.ns;
	if (peer_paths_pong_received(&w->paths, &w->now, &link, &ping->txid, &w->acts))
		must(!ping->is_answered);
	else
		w->ponged_ns[ping->addr] = was_ns;
	ping->is_answered = w->ponged_ns[ping->addr] == w->now.ns || ping->is_answered;
}

static void
happens(struct world *w, unsigned what, unsigned arg)
{
	struct path_link link = {.remote = addr_of(arg % N_ADDRS)};
	struct disco_txid txid = {{(uint8_t)(arg >> 6), (uint8_t)what}};
	switch (what % 9) {
	case 0:
		map_changes(w, arg);
		break;
	case 1:
	case 2:
		peer_paths_ping_received(&w->paths, &w->now, &link, &txid, &w->acts);
		break;
	case 3:
	case 4:
		ponged(w, arg);
		break;
	case 5:
		called(w, arg);
		break;
	case 6:
		if (arg % 8)
			peer_paths_send_failed(&w->paths, &link.remote, &w->acts);
		else {
			peer_paths_disco_changed(&w->paths, &w->acts);
			memset(w->pinged_ns, 0, sizeof(w->pinged_ns)); /* another process */
		}
		break;
	case 7:
		w->sent_ns = w->now.ns;
		break;
	default:
		if (arg % 4 == 0)
			peer_paths_ping_all(&w->paths, &w->now, &w->acts);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct world w = {.now = {&path_times_default, 5}, .start_ns = 5};
	for (; n_bytes >= 3; data += 3, n_bytes -= 3) {
		unsigned steps = data[2];
		w.now.ns += steps < 128 ? steps * 10 * NS_IN_MS : (steps - 127) * NS_IN_S;
		w.acts.n = 0;
		happens(&w, data[0], data[1]);
		check_actions(&w, 0, false);
		unsigned n = w.acts.n;
		ns_t next_ns = peer_paths_tick(&w.paths, &w.now, w.sent_ns, &w.acts);
		must(next_ns == 0 || next_ns > w.now.ns);
		check_actions(&w, n, true);
		check_state(&w);
	}
	return 0;
}
