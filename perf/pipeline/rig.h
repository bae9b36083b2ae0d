/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What perf-pipeline runs on. The rig is shared: EAL, buffers, mailboxes and two ports over
 * rings, `lan` and `wan`. A world is one gateway with n peers: its tables, real sessions, and one
 * real worker for each AEAD backend, all attached to the rig's two ports.
 *
 *   generator ──► lan.rx ──► worker ──► wan.tx ──► sink      encrypt
 *   generator ──► wan.rx ──► worker ──► lan.tx ──► sink      decrypt
 *   generator ──► wan.rx ──► worker ──► wan.tx ──► sink      hairpin
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/worker.h"
#include "watch/watch.h"

enum {
	RIG_MAX_BACKENDS = 6,
	RIG_QUEUES = 2,          /* RX queues a port: 32 packets each in one turn */
	RIG_MAX_PEERS = 60000,
	RIG_TUNNEL_MTU = 1420,
	RIG_LISTEN_PORT = 51820,
	RIG_PEER_PORT = 51821,
};

struct ring_port {
	struct rte_ring *rx[RIG_QUEUES], *tx[RIG_QUEUES];
	struct port *port;
};

struct rig {
	struct rte_mempool *pool;
	struct mailboxes boxes;
	struct ring_port lan, wan;
	struct aead sealer; /* the generator's own: the best backend there is */
	struct aead_choice backends[RIG_MAX_BACKENDS];
	unsigned n_backends;
	bool cycles_buffers; /* set before rig_create: first in, first out, not the last freed */
};

/* The far end of a session, as the generator and the sink know it. */
struct far_end {
	uint8_t send_key[SESSION_KEY_BYTES]; /* the gateway's: the sink opens with it */
	uint8_t recv_key[SESSION_KEY_BYTES]; /* the generator seals with it */
	uint32_t gateway_index;
	uint32_t own_index;
	uint64_t next_counter;
};

struct world {
	struct rig *rig;
	uint8_t outer_family;
	uint32_t n_peers;
	struct far_end *peers;
	struct path_config config;
	struct worker *workers[RIG_MAX_BACKENDS];
	struct watch *watch;        /* NULL: none was made */
	struct watch_set *watches;
	struct filter *filter;      /* NULL: none was made (flows.h) */
	ns_t noted_ns;              /* when its flows were noted last; 0: never */
};

/* names: of backends, or n_names 0 for all that this machine supports. 0 or a negative errno. */
int rig_create(struct rig *rig, const char *const *names, unsigned n_names, struct err *err);
void rig_destroy(struct rig *rig);

/* outer_family and n_peers of the world are set, the rest is zeroed. 0 or a negative errno. */
int world_create(struct world *world, struct rig *rig, struct err *err);
/* One that was not created, but zeroed, is left alone. */
void world_destroy(struct world *world);
/* Somebody who could look: a trace that shows nothing, or a capture of everything. */
int world_watch_create(struct world *world, enum watch_kind kind, struct err *err);
/* That one looks, or no longer does; what it was told is thrown away. */
void world_watch(struct world *world, bool is_on);

/* Addresses: of the box, a LAN host, the far end's outside (4 or 16 bytes, zeroed) and inside. */
struct addr world_local(const struct world *world);
struct addr peer_outer(const struct world *world, uint32_t peer);
uint32_t peer_inner(uint32_t peer); /* IPv4, host order */
enum { RIG_LAN_HOST = 0xc0a80a09 }; /* 192.168.10.9 */
