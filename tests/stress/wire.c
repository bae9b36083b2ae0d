/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/ip.h"
#include "wire/wg.h"

enum {
	WIRE_LCORE = 1 + N_GATES * GATE_WORKERS,
	GENERATED = 8,          /* packets at once from one LAN */
	SEQUENCES = 1 << 22,    /* a direction may carry so many */
	NONCES = 1 << 18,       /* a session's are looked at up to this one */
	HELD_MAX = 64,
	INNER_BYTES_MIN = 64,
	INNER_BYTES_SPREAD = 900,
	LAN_HEADER_BYTES = IPV4_BYTES + UDP_BYTES + 8, /* with the sequence number */
	HOPS = 2,
};

struct nonces {
	uint32_t index, age;
	uint64_t seen[NONCES / 64];
};

/* What goes from one gate's side to the other's. */
struct direction {
	uint64_t next_seq;
	uint64_t calm_seq;      /* the first that was sent when it was calm */
	uint64_t seen[SEQUENCES / 64];
	struct nonces nonces[GATE_MAX_PEERS * 4 + 2]; /* of the receiver's indices, by slot */
	struct rte_mbuf *held[HELD_MAX];
	unsigned n_held;
	uint16_t nat_port;
};

struct wire {
	struct gates *g;
	struct direction to[N_GATES];
	uint64_t rng;
	struct wire_counts counts;
	/* Atomics: the main thread asks, the wire does. */
	bool stop, has_ended;
	bool is_calm;
	bool has_let_go;
	uint32_t quota[N_GATES]; /* when calm: still to be sent to each */
	uint64_t n_calm;         /* delivered of these */
};

static uint64_t
draw(struct wire *w)
{
	uint64_t z = w->rng += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static bool
one_in(struct wire *w, unsigned n)
{
	return draw(w) % n == 0;
}

static void __attribute__((noreturn))
wrong(const char *what, uint64_t a, uint64_t b)
{
	fprintf(stderr, "%s (%llu, %llu)\n", what, (unsigned long long)a, (unsigned long long)b);
	abort();
}

static bool
is_calm(const struct wire *w)
{
	return __atomic_load_n(&w->is_calm, __ATOMIC_ACQUIRE);
}

/* Sets the bit; whether it was set. */
static bool
mark(uint64_t *bits, uint64_t at)
{
	uint64_t bit = 1ull << at % 64;
	bool was = bits[at / 64] & bit;
	bits[at / 64] |= bit;
	return was;
}

/* ---- The LANs ---- */

/* Everything about a packet follows from where it goes and its number. */
static uint32_t
fill_inner(uint8_t *ip, unsigned to, uint64_t seq, uint8_t ttl)
{
	unsigned tunnel = (unsigned)(seq % N_TUNNELS);
	uint32_t n_bytes = INNER_BYTES_MIN + (uint32_t)(seq * 7919 % INNER_BYTES_SPREAD);
	memset(ip, 0, LAN_HEADER_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)n_bytes);
	ip[8] = ttl;
	ip[9] = IP_PROTO_UDP;
	store_be32(ip + 12, lan_address(!to, tunnel, 1));
	store_be32(ip + 16, lan_address(to, tunnel, 1 + seq / N_TUNNELS % 200));
	uint64_t sum = 0;
	for (unsigned at = 0; at < IPV4_BYTES; at += 4)
		sum += load_le32(ip + at);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(sum));
	store_be16(ip + IPV4_BYTES + 4, (uint16_t)(n_bytes - IPV4_BYTES));
	store_le64(ip + IPV4_BYTES + UDP_BYTES, seq);
	memset(ip + LAN_HEADER_BYTES, (int)(seq % 251), n_bytes - LAN_HEADER_BYTES);
	return n_bytes;
}

static void
address_frame(uint8_t *eth, const struct port *port)
{
	memcpy(eth, port->mac.bytes, 6);
	memcpy(eth + 6, (const uint8_t[6]){2, 0, 0, 0, 0, 9}, 6);
	store_be16(eth + 12, ETHERTYPE_IPV4);
}

static bool
may_generate(const struct wire *w, unsigned to)
{
	return is_calm(w) ? __atomic_load_n(&w->quota[to], __ATOMIC_ACQUIRE) >= GENERATED
			  : w->to[to].next_seq < SEQUENCES / 2;
}

/* Packets from the LAN behind `from` to the other. */
static void
generate(struct wire *w, unsigned from)
{
	struct gate *gate = &w->g->gate[from];
	struct direction *d = &w->to[!from];
	struct rte_ring *rx = gate->lan.rx[draw(w) % GATE_WORKERS];
	struct rte_mbuf *mbufs[GENERATED];
	if (!may_generate(w, !from) || rte_pktmbuf_alloc_bulk(w->g->pool, mbufs, GENERATED))
		return;
	for (unsigned i = 0; i < GENERATED; i++) {
		uint8_t *eth = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		address_frame(eth, gate->lan.port);
		uint32_t n_bytes = fill_inner(eth + ETHERNET_BYTES, !from, d->next_seq++, 64);
		rte_pktmbuf_append(mbufs[i], (uint16_t)(ETHERNET_BYTES + n_bytes));
	}
	unsigned n = rte_ring_enqueue_burst(rx, (void **)mbufs, GENERATED, NULL);
	rte_pktmbuf_free_bulk(mbufs + n, GENERATED - n);
	w->counts.n_sent += GENERATED;
	if (is_calm(w))
		__atomic_fetch_sub(&w->quota[!from], GENERATED, __ATOMIC_RELAXED);
}

static void
look_at_delivered(struct wire *w, unsigned to, const struct rte_mbuf *m)
{
	struct direction *d = &w->to[to];
	uint8_t expected[INNER_BYTES_MIN + INNER_BYTES_SPREAD];
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETHERNET_BYTES);
	if (ip[9] == IP_PROTO_ICMP)
		return; /* a gateway says that it could not pass a packet on */
	uint64_t seq = load_le64(ip + IPV4_BYTES + UDP_BYTES);
	if (m->data_len < ETHERNET_BYTES + LAN_HEADER_BYTES || seq >= d->next_seq)
		wrong("a LAN got what was never sent: bytes, sequence", m->data_len, seq);
	uint32_t n_bytes = fill_inner(expected, to, seq, 64 - HOPS);
	if (m->data_len != ETHERNET_BYTES + n_bytes || memcmp(ip, expected, n_bytes) != 0)
		wrong("a LAN got a changed packet: bytes, sequence", m->data_len, seq);
	if (mark(d->seen, seq))
		wrong("a LAN got a packet twice: sequence, gate", seq, to);
	w->counts.n_delivered++;
	if (d->calm_seq && seq >= d->calm_seq)
		__atomic_fetch_add(&w->n_calm, 1, __ATOMIC_RELEASE);
}

static unsigned
take_delivered(struct wire *w, unsigned to)
{
	struct rte_mbuf *mbufs[32];
	unsigned n_all = 0;
	for (unsigned q = 0; q < GATE_WORKERS; q++) {
		unsigned n = rte_ring_dequeue_burst(
			w->g->gate[to].lan.tx[q], (void **)mbufs, 32, NULL);
		for (unsigned i = 0; i < n; i++)
			look_at_delivered(w, to, mbufs[i]);
		if (n)
			rte_pktmbuf_free_bulk(mbufs, n);
		n_all += n;
	}
	return n_all;
}

/* ---- The wire ---- */

static void
look_at_sealed(struct wire *w, unsigned to, const uint8_t *message, uint32_t n_bytes)
{
	const struct wg_data *data = (const struct wg_data *)message;
	struct gate *gate = &w->g->gate[to];
	if (n_bytes < sizeof(*data) || data->type != WG_DATA)
		return;
	uint32_t slot = data->receiver_index & ((1u << TABLES_SLOT_BITS) - 1);
	if (slot >= ARRAY_COUNT(gate->ages))
		wrong("a receiver index that was never given out: index, gate",
			data->receiver_index, to);
	struct nonces *n = &w->to[to].nonces[slot];
	uint32_t age = __atomic_load_n(&gate->ages[slot], __ATOMIC_RELAXED);
	if (n->index != data->receiver_index || n->age != age) {
		memset(n, 0, sizeof(*n));
		n->index = data->receiver_index;
		n->age = age;
	}
	if (data->counter < NONCES && mark(n->seen, data->counter))
		wrong("a nonce was used twice: index, counter", n->index, data->counter);
	w->counts.n_sealed++;
}

/* As a router and a NAT hand it on: the MAC address, the port it seems to come from. */
static void
translate(struct wire *w, unsigned to, uint8_t *frame)
{
	const struct gate *gate = &w->g->gate[to];
	uint8_t *udp = frame + ETHERNET_BYTES + IPV4_BYTES;
	address_frame(frame, gate->wan.port);
	store_be16(udp, w->to[to].nat_port);
	store_be16(udp + 2, __atomic_load_n(&gate->listen_port, __ATOMIC_RELAXED));
}

static void
arrive(struct wire *w, unsigned to, struct rte_mbuf *m)
{
	struct rte_ring *rx = w->g->gate[to].wan.rx[draw(w) % GATE_WORKERS];
	if (rte_ring_enqueue(rx, m) != 0)
		rte_pktmbuf_free(m);
}

static void
hold(struct wire *w, unsigned to, struct rte_mbuf *m)
{
	struct direction *d = &w->to[to];
	if (d->n_held == HELD_MAX)
		arrive(w, to, d->held[--d->n_held]);
	d->held[d->n_held++] = m;
}

static void
repeat(struct wire *w, unsigned to, const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_alloc(w->g->pool);
	if (!copy)
		return;
	void *to_fill = rte_pktmbuf_append(copy, m->data_len);
	memcpy(to_fill, rte_pktmbuf_mtod(m, const void *), m->data_len);
	w->counts.n_repeated++;
	if (one_in(w, 2))
		hold(w, to, copy);
	else
		arrive(w, to, copy);
}

static void
carry(struct wire *w, unsigned to, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned header = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
	if (m->data_len < header)
		wrong("a short frame on the wire: bytes, gate", m->data_len, to);
	look_at_sealed(w, to, frame + header, m->data_len - header);
	translate(w, to, frame);
	if (is_calm(w)) {
		arrive(w, to, m);
		return;
	}
	if (one_in(w, 2000))
		w->to[to].nat_port = (uint16_t)(GATE_LISTEN_PORT + draw(w) % 4);
	if (one_in(w, 8))
		repeat(w, to, m);
	if (one_in(w, 16))
		hold(w, to, m);
	else
		arrive(w, to, m);
}

static unsigned
carry_all(struct wire *w, unsigned to)
{
	struct rte_mbuf *mbufs[32];
	struct direction *d = &w->to[to];
	unsigned n_all = 0;
	for (unsigned q = 0; q < GATE_WORKERS; q++) {
		unsigned n = rte_ring_dequeue_burst(
			w->g->gate[!to].wan.tx[q], (void **)mbufs, 32, NULL);
		for (unsigned i = 0; i < n; i++)
			carry(w, to, mbufs[i]);
		n_all += n;
	}
	if (d->n_held && (is_calm(w) || one_in(w, 4)))
		arrive(w, to, d->held[--d->n_held]);
	return n_all;
}

static void
obey(struct wire *w)
{
	if (!is_calm(w) || __atomic_load_n(&w->has_let_go, __ATOMIC_RELAXED))
		return;
	w->to[0].nat_port = w->to[1].nat_port = GATE_LISTEN_PORT;
	if (w->to[0].n_held || w->to[1].n_held)
		return;
	for (unsigned i = 0; i < N_GATES; i++)
		w->to[i].calm_seq = w->to[i].next_seq;
	__atomic_store_n(&w->has_let_go, true, __ATOMIC_RELEASE);
}

static int
wire_main(void *arg)
{
	struct wire *w = arg;
	const struct timespec pause = {.tv_nsec = 20000};
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		unsigned n = 0;
		for (unsigned i = 0; i < N_GATES; i++) {
			generate(w, i);
			n += carry_all(w, i);
			n += take_delivered(w, i);
		}
		obey(w);
		if (!n)
			nanosleep(&pause, NULL);
	}
	for (unsigned i = 0; i < N_GATES; i++)
		rte_pktmbuf_free_bulk(w->to[i].held, w->to[i].n_held);
	__atomic_store_n(&w->has_ended, true, __ATOMIC_RELEASE);
	return 0;
}

struct wire *
wire_start(struct gates *g)
{
	struct wire *w = calloc(1, sizeof(*w));
	must(w ? 0 : -1, "memory for the wire");
	w->g = g;
	w->rng = 1;
	w->to[0].nat_port = w->to[1].nat_port = GATE_LISTEN_PORT;
	must(rte_eal_remote_launch(wire_main, w, WIRE_LCORE), "rte_eal_remote_launch");
	return w;
}

static void
pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

void
wire_calm(struct wire *w)
{
	__atomic_store_n(&w->is_calm, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&w->has_let_go, __ATOMIC_ACQUIRE))
		pause_ms(1);
}

void
wire_send(struct wire *w, unsigned n)
{
	for (unsigned i = 0; i < N_GATES; i++)
		__atomic_fetch_add(&w->quota[i], n, __ATOMIC_RELEASE);
}

uint64_t
wire_delivered(const struct wire *w)
{
	return __atomic_load_n(&w->n_calm, __ATOMIC_ACQUIRE);
}

void
wire_stop(struct wire *w, struct wire_counts *counts)
{
	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&w->has_ended, __ATOMIC_ACQUIRE))
		pause_ms(1);
	rte_eal_wait_lcore(WIRE_LCORE);
	*counts = w->counts;
	free(w);
}
