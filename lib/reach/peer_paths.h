/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways to one peer of a tailnet, as a state machine without a socket: what was heard (the map's
 * endpoints, disco messages, data sent) and the time go in, actions and the next time to ask come
 * out. The times are those of stock nodes. In short:
 *
 * - A candidate is an address that the peer may be at: of the map, of a ping that came from it, or
 *   of a call-me-maybe. It is pinged at most every ping_gap.
 * - A pong credits the address that was pinged, wherever the pong came from. Only a pong makes an
 *   address usable: that a ping came from it says nothing about the way back.
 * - The best path is the better one of the verified (path_is_better). It is trusted for trust_ns
 *   after each pong; while data is sent, a heartbeat ping renews that.
 * - While data is sent and there is no trusted path, all candidates are pinged; with a trusted one,
 *   every full_ping, for there may be a better one, unless it is as near as good_latency.
 * - While no data is sent nothing is pinged, but a ping is answered, and pinged back.
 *
 * What may be made up by others is bounded: candidates have a fixed number of places, of which
 * those of the map cannot be taken by pings; a replayed ping costs a pong and maybe a ping, no
 * more than pong_gap and ping_gap allow.
 *
 * A struct peer_paths belongs to one thread. It holds no pointer and may be copied and freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "reach/disco.h"

struct path_times {
	ns_t ping_timeout_ns;   /* a later pong counts for nothing */
	ns_t ping_gap_ns;       /* between two pings to one address, heartbeats aside */
	ns_t heartbeat_ns;      /* between two pings to the best path */
	ns_t active_ns;         /* data was sent at most this long ago: the peer is active */
	ns_t trust_ns;          /* after a pong */
	ns_t full_ping_ns;      /* between two looks for something better */
	ns_t good_latency_ns;   /* no look for something better than this */
	ns_t learned_ns;        /* a candidate of pings alone is forgotten after as long without */
	ns_t call_gap_ns;       /* between two call-me-maybes that are listened to */
	ns_t pong_gap_ns;       /* between two pongs on average; PATHS_PONG_BURST at once */
};

/* Those of stock nodes. */
extern const struct path_times path_times_default;

enum {
	PATHS_MAX_OF_MAP = 16,      /* candidates from the map; more are left out */
	PATHS_MAX_LEARNED = 8,      /* from pings and call-me-maybes */
	PATHS_MAX_CANDIDATES = PATHS_MAX_OF_MAP + PATHS_MAX_LEARNED,
	PATHS_MAX_ACTIONS = 2 * PATHS_MAX_CANDIDATES + 4,
	PATHS_PINGS_EACH = 2,       /* under way to one candidate: heartbeats overtake timeouts */
	PATHS_PONG_BURST = 32,
};

enum path_source {
	PATH_FROM_MAP = 1 << 0,
	PATH_FROM_PING = 1 << 1,
	PATH_FROM_CALL = 1 << 2,
};

/* From where to where, both as they are in the packet; local ADDR_NONE: the route decides. */
struct path_link {
	struct endpoint remote;
	struct addr local;
};

struct path_ping {
	ns_t sent_ns;               /* 0: none is under way */
	struct disco_txid txid;
};

struct path_candidate {
	struct path_link link;      /* remote ADDR_NONE: the place is free */
	uint8_t sources;            /* enum path_source */
	struct disco_txid got;      /* of the last ping from there */
	ns_t got_ns;                /* when it came; 0: none did */
	ns_t pinged_ns;             /* 0: never */
	ns_t ponged_ns;             /* 0: never */
	ns_t latency_ns;            /* of the last pong */
	struct path_ping pings[PATHS_PINGS_EACH];
};

/* Zeroed at first. Read the members freely; write them through the functions below only. */
struct peer_paths {
	struct path_candidate candidates[PATHS_MAX_CANDIDATES];
	uint8_t best;               /* 1 + index of the best path; 0: none */
	ns_t trusted_until_ns;      /* of the best path; 0: it is not */
	ns_t full_ping_ns;          /* when all were last pinged */
	ns_t called_ns;             /* the last call-me-maybe listened to */
	ns_t pongs_paid_ns;         /* pongs are paid for up to here, which may be ahead of now */
};

struct path_best {
	struct path_link link;
	ns_t latency_ns;
	bool is_trusted;
};

enum path_action_kind {
	PATH_PING,                  /* send a ping of txid along link */
	PATH_PONG,                  /* send a pong of txid along link; observed: link.remote */
	PATH_REACHED,               /* a pong came for link.remote (the address that was pinged) */
	PATH_BEST,                  /* link is now the best path, or is so and trusted again */
	PATH_DOUBTED,               /* link is still the best path, but no more trusted */
	PATH_LOST,                  /* link was the best path, and there is none now */
};

struct path_action {
	enum path_action_kind kind;
	struct path_link link;
	struct disco_txid txid;
	ns_t latency_ns;            /* REACHED, BEST: of the last pong */
};

struct path_actions {
	unsigned n;
	struct path_action at[PATHS_MAX_ACTIONS];
};

/* The time of an event, and by which times it is judged. */
struct path_now {
	const struct path_times *times;
	ns_t ns;                    /* never 0 */
};

/*
 * Events. Each adds its actions to `out`, which the caller empties (n = 0) before. After any of
 * them call peer_paths_tick, with the same `out` if it was emptied before the event.
 */

/* The map's endpoints of the peer: replaces those that it named before. */
void peer_paths_set_map(struct peer_paths *p, const struct endpoint *endpoints, size_t n);
/* An authentic ping came along link. */
void peer_paths_ping_received(struct peer_paths *p, const struct path_now *now,
	const struct path_link *link, const struct disco_txid *txid, struct path_actions *out);
/* An authentic pong came along link. False: to no ping under way, so it counts for nothing. */
bool peer_paths_pong_received(struct peer_paths *p, const struct path_now *now,
	const struct path_link *link, const struct disco_txid *txid, struct path_actions *out);
/* An authentic call-me-maybe came over a relay, from the node itself. */
void peer_paths_call_received(struct peer_paths *p, const struct path_now *now,
	const struct disco_message *call, struct path_actions *out);
/* Its disco key changed, so its process is another: nothing that was verified holds any more. */
void peer_paths_disco_changed(struct peer_paths *p, struct path_actions *out);
/* Nothing can be sent to remote: no route, or the host is unreachable. */
void peer_paths_send_failed(
	struct peer_paths *p, const struct endpoint *remote, struct path_actions *out);
/* A person asks: pings all candidates now. */
void peer_paths_ping_all(
	struct peer_paths *p, const struct path_now *now, struct path_actions *out);

/*
 * What is due now. sent_ns: when data was last sent to the peer, or wanted to be; 0: never. Returns
 * when to call again at the latest; 0: at an event, or at data after a pause of active_ns.
 */
ns_t peer_paths_tick(struct peer_paths *p, const struct path_now *now, ns_t sent_ns,
	struct path_actions *out);

/* The best path. False: none. */
bool peer_paths_best(const struct peer_paths *p, ns_t now, struct path_best *out);
/* Whether the peer may be at remote: disco from there is worth some arithmetic. */
bool peer_paths_knows(const struct peer_paths *p, const struct endpoint *remote);
static inline bool
path_candidate_is_used(const struct path_candidate *c)
{
	return endpoint_is_known(&c->link.remote);
}

/*
 * Whether to leave path b for a: points for how much faster it is than the slower one, in per
 * cent, and 50 for a loopback address, 30 for link-local, 20 for private ones, 10 for IPv6. A gain
 * of one point alone is none. Either latency may be 0.
 */
bool path_is_better(const struct endpoint *a, ns_t a_latency_ns, const struct endpoint *b,
	ns_t b_latency_ns);
