/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two gateways in one process, joined by rings instead of wires; each has its own tables,
 * mailboxes and two workers, and they have N_TUNNELS peers in common: tunnel k is peer k of both.
 *
 *   10.1.k.0/24 ── lan [A: workers 0, 1] wan ══ wire ══ wan [B: workers 0, 1] lan ── 10.2.k.0/24
 *                           203.0.113.1, .11                203.0.113.2, .12
 *
 * Threads: four workers; the wire, which also is both LANs (wire.h); a handshaker and a control
 * thread, which change all that can be changed meanwhile (churn.h).
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "path/worker.h"

enum {
	N_GATES = 2,
	N_TUNNELS = 8,
	GATE_WORKERS = 2,
	GATE_LISTEN_PORT = 51820,
	GATE_MTU = 1420,
	GATE_LOCALS = 2,
	GATE_UNDERLAYS = 2, /* with the same routes */
	GATE_MAX_PEERS = 4 * N_TUNNELS,
	LAN_LINK = 0,
	WAN_LINK = 1,
};

struct ring_port {
	struct rte_ring *rx[GATE_WORKERS], *tx[GATE_WORKERS];
	struct port *port;
};

struct gate {
	unsigned idx;
	struct path_config config;
	struct mailboxes boxes;
	struct worker *workers[GATE_WORKERS];
	struct ring_port lan, wan;
	uint16_t iface_id;
	uint32_t tunnel_nexthop, lan_nexthop, wan_nexthop;
	uint32_t peer_ids[N_TUNNELS];   /* written under the tunnel's lock; atomic for a glance */
	uint32_t ages[GATE_MAX_PEERS * 4 + 2]; /* of session slots, atomic: tells two users apart */
	uint16_t listen_port;           /* atomic */
};

struct gates {
	struct gate gate[N_GATES];
	struct rte_mempool *pool;
	struct aead_choice crypto;
	pthread_mutex_t tunnel_locks[N_TUNNELS]; /* taken before the tables' */
	bool stop_workers;
};

/* EAL with five more threads, buffers, both gateways with their peers; aborts if not. */
void gates_begin(struct gates *g);
/* Workers' threads run: lcores 1 to 4. */
void gates_start_workers(struct gates *g);
void gates_stop_workers(struct gates *g);
/* After gates_stop_workers. Checks that no buffer was lost. */
void gates_end(struct gates *g);

/* 10.1.k.h as gate 0's LAN has it, 10.2.k.h as gate 1's. Host order. */
static inline uint32_t
lan_address(unsigned gate, unsigned tunnel, unsigned host)
{
	return 0x0a010000u + (gate << 16) + (tunnel << 8) + host;
}

/* i < GATE_LOCALS */
struct addr gate_local(unsigned gate, unsigned i);
/* The tunnel's addresses behind the far gate. */
struct prefix far_prefix(unsigned gate, unsigned tunnel);
/* Adds tunnel k's peer with its allowed-ips and endpoint. The caller holds the tunnel's lock. */
void gate_add_peer(struct gate *gate, unsigned tunnel);
/* The next hop of the gate's LAN or WAN, resolved or not. */
struct nexthop gate_nexthop(const struct gate *gate, uint16_t link_id, bool is_resolved);

/* Says what is wrong and aborts unless rc >= 0. */
void must(int rc, const char *what);
