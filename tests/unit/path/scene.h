/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway of one or two real workers between two ring ports, for tests that put packets in at
 * one end and look at what comes out of the others. No threads: the test takes every turn.
 *
 *   192.168.10.9 ── lan ┌─────────┐ wan ── 198.51.100.0/24, 2001:db8:1::/48 (resolved)
 *   192.168.20.0/24 ──? │ gateway │      ──? 198.51.101.0/24 (neighbour not known)
 *                       └────┬────┘ 203.0.113.2, 2001:db8::2, hg0 on 51820, hg1 on 51822
 *                          kernel
 *
 *   forward: 10.0.0.0/8, fd00::/16 → hg0; 172.16.0.0/12 → nowhere; the rest is the kernel's
 *   ANNE   10.1.0.0/16, fd00:1::/32  endpoint 198.51.100.1  session, we began it
 *   BERT   10.2.0.0/16               endpoint 198.51.100.2  session, we began it
 *   CARL   10.3.0.0/16               endpoint not known     no session
 *   DORA   10.4.0.0/16               endpoint 198.51.100.4  no session
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/worker.h"

enum { ANNE, BERT, CARL, DORA, SCENE_PEERS };
enum scene_port { SCENE_LAN, SCENE_WAN, SCENE_PORTS };
enum { SCENE_VLAN = SCENE_PORTS, SCENE_VLAN_ID = 100 }; /* a link once scene_vlan has made it */

enum {
	SCENE_WORKERS = 2,
	SCENE_MTU = 1420,       /* of hg0 */
	SCENE_LISTEN = 51820,
	SCENE_LISTEN_1 = 51822, /* hg1's */
	SCENE_PEER_PORT = 40000,
	SCENE_MAX_BYTES = 9216,
};

struct scene_peer {
	uint32_t id;
	uint8_t send_key[SESSION_KEY_BYTES]; /* the gateway's */
	uint8_t recv_key[SESSION_KEY_BYTES];
	uint32_t gateway_index;
	uint32_t own_index;
	uint64_t next_counter;
	struct endpoint endpoint;
};

struct scene {
	struct path_config config;
	struct mailboxes boxes;
	struct tables *tables;
	struct protocol_times times;
	struct worker *workers[SCENE_WORKERS];
	struct scene_peer peers[SCENE_PEERS];
	uint16_t iface_id, iface_id_1;
	uint32_t lan_id, lan_glean_id, wan_glean_id, wan_id, wan6_id; /* next hops */
};

/* Once a process: EAL, buffers, rings and ports. False: they cannot be made. */
bool scene_begin(void);
/* The same with packet buffers of buffer_bytes, headroom included. */
bool scene_begin_with(uint16_t buffer_bytes);

/* A fresh gateway; the calling thread is its RCU reader. Aborts when it cannot be made. */
void scene_create(struct scene *s, unsigned n_workers);
void scene_destroy(struct scene *s);

/* Gives the peer a session with new keys, born age_ns ago. worker: its owner. */
void scene_session(struct scene *s, unsigned peer, bool is_initiator, uint16_t worker, ns_t age_ns);
/* Sets the peer's outer header, to the address in text. */
void scene_endpoint(struct scene *s, unsigned peer, const char *address);

/*
 * Makes VLAN 100 of the LAN port a port of its own, SCENE_VLAN, with 192.168.30.0/24 and, for outer
 * packets, 198.51.102.0/24 behind it (resolved).
 */
void scene_vlan(struct scene *s);

/* A turn of worker 0, or of all until none has anything to do. */
void scene_turn(struct scene *s);
void scene_turn_all(struct scene *s);

/* Puts a frame in at a port; takes the next one that came out, or NULL. */
void scene_put(enum scene_port port, struct rte_mbuf *m);
struct rte_mbuf *scene_take(enum scene_port port);
/* What worker 0 gave to the kernel, NULL: nothing. */
struct rte_mbuf *scene_take_kernel(struct scene *s);
/* Nothing came out anywhere. */
bool scene_is_silent(struct scene *s);

/* How many all workers have dropped for the reason, and for any. */
uint64_t scene_drops(const struct scene *s, enum drop_reason reason);
uint64_t scene_all_drops(const struct scene *s);
/* The next event of that kind; others before it are thrown away. False: none. */
bool scene_event(struct scene *s, enum event_kind kind, struct event_mail *out);
/* How many packet buffers are out. */
unsigned scene_buffers_used(void);

/*
 * An IP packet of n_bytes in all from src to dst (UDP, TTL 64, payload from n_bytes); both of one
 * family. Returns n_bytes.
 */
uint32_t scene_ip(uint8_t *ip, const char *src, const char *dst, uint32_t n_bytes);
/* Puts the checksum right after an edit of an IPv4 header. */
void scene_fix_checksum(uint8_t *ip);
/* The packet in an Ethernet frame to the port. */
struct rte_mbuf *scene_frame(enum scene_port port, const uint8_t *ip, uint32_t n_bytes);
/* A frame of any bytes. */
struct rte_mbuf *scene_bytes(const uint8_t *bytes, uint32_t n_bytes);

/* How a peer's datagram comes; zeroed: from its endpoint to hg0's port, next counter. */
struct scene_seal {
	const char *from;     /* another outer source address */
	const char *to;       /* another outer destination */
	uint16_t to_port;
	uint64_t counter;     /* with has_counter */
	bool has_counter;
	uint8_t outer_tos;
	bool is_damaged;      /* the tag is wrong */
	uint32_t extra_bytes; /* of padding */
};
/* n_bytes of plain text sealed as the peer would, in a frame to the wan port. */
struct rte_mbuf *scene_sealed(struct scene *s, unsigned peer, const uint8_t *plain,
	uint32_t n_bytes, const struct scene_seal *how);

/*
 * Opens what the gateway sealed for the peer; `plain` has room for SCENE_MAX_BYTES. Returns the
 * plain text's length with padding, or UINT32_MAX when it is no such message.
 */
uint32_t scene_open(const struct scene *s, unsigned peer, const struct rte_mbuf *m, uint8_t *plain,
	uint64_t *counter);
/* The IP packet in a frame. */
uint8_t *scene_packet(const struct rte_mbuf *m);
