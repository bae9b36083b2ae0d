/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one core's poll-mode loop and all it owns. Only its own thread touches a struct
 * worker, except for the counters, which anybody may read (relaxed).
 *
 *                           ┌─ data ──► sessions ──► open ──► verify ─┐
 *   rx ──► classify ────────┼─ plain ─────────────────────────────────┴─► route ─┬─► deliver ──►
 * finish (ports, twins, parked,  ├─ handshake ──► mailbox                             └─► peers ──►
 * seal ──► encap ─┘ handed over)           └─ the rest ──► twin
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "crypto/aead_burst.h"
#include "mailbox/frame.h"
#include "mailbox/mail.h"
#include "path/again.h"
#include "path/answer.h"
#include "path/burst.h"
#include "path/drops.h"
#include "path/filter.h"
#include "path/park.h"
#include "port/port.h"
#include "tables/tables.h"
#include "telemetry/drop.h"

enum {
	PATH_MAX_WORKERS = 64,
	WORKER_SPARES = 16,   /* outer headers ready for peers that roam */
	HANDOFF_TX = 1 << 16, /* in hash.usr of a packet handed over: it only needs to be sent */
};

/* The rings between one worker and the exception thread; urgent: ARP, ND, BGP. */
struct kernel_rings {
	struct frame_ring *to_kernel_urgent, *to_kernel_bulk;
	struct frame_ring *from_kernel_urgent, *from_kernel_bulk;
};

/* What all workers share, made by main before the first starts; read-only but for the ports. */
struct path_config {
	struct tables *tables;
	struct mailboxes *boxes;
	const struct aead_choice *crypto;
	struct rte_mempool *pool;
	struct port *ports[TABLES_MAX_PORTS];       /* by link id; rcu_read; NULL: not attached */
	struct rte_ring *handoff[PATH_MAX_WORKERS]; /* packets for another worker */
	struct kernel_rings kernel[PATH_MAX_WORKERS];
	unsigned n_workers;
	bool has_host;                              /* kernel twins: Host = yes */
	bool idle_sleeps;
};

struct link_counters {
	uint64_t rx_pkts, rx_bytes, tx_pkts, tx_bytes;
};

struct tx_batch {
	uint32_t n;
	struct rte_mbuf *mbufs[BURST_MAX]; /* a turn sends no more than it took in */
};

struct worker {
	struct path_config *config;
	struct tables *tables;
	uint16_t idx;
	uint16_t rx_turn;              /* which port is asked first, so that none starves */
	ns_t now_ns;                   /* of this turn */
	struct aead aead;
	struct burst burst;
	struct filter *filter;         /* of this burst; NULL: all may pass */
	struct asked asked;            /* path/filter.h */
	struct nat *nat;               /* of this burst; NULL: no address is translated */
	uint64_t translated;           /* bit i: packet i of the burst came for a translated flow */
	struct park park;
	struct again again;
	struct answers answers;
	ns_t news_due_ns;              /* path/pmtu.c's bucket */
	uint32_t n_fragmented;         /* packets cut so far */
	struct encap *spares[WORKER_SPARES];
	uint32_t n_spares;
	struct tx_batch tx[TABLES_MAX_PORTS];
	uint64_t tx_links;             /* bit i: tx[i] holds packets */
	uint64_t aead_clk;             /* spent in the cipher, when measures_aead */
	bool measures_aead;
	uint64_t n_turns, n_busy_turns;
	struct drop_counters drops;
	struct link_counters links[LINK_COUNT];
	struct drop_tables drop_tables;
};

/* Allocates a worker of its config; not yet running. NULL with a sentence. Main thread. */
struct worker *worker_create(struct path_config *config, unsigned idx, struct err *err);
/* After its thread has ended. Frees what is parked, wipes. */
void worker_destroy(struct worker *w);
/* Frees the outer headers that are in the mail. After control and all workers have ended. */
void worker_mail_discard(struct path_config *config);
/* One turn: the whole drawing above once. Returns how many packets it took in. RCU reader. */
unsigned worker_turn(struct worker *w);
/*
 * The parts of a turn, for a bench that leaves the ports' own calls out of what it measures:
 * worker_begin, rx_burst unless the burst is closed, worker_process, tx_flush.
 * worker_begin: the time, control's orders, and what need wait no longer.
 */
void worker_begin(struct worker *w);
/* Every stage from classify to finish over what the burst holds. */
void worker_process(struct worker *w);
/* Turns until *stop; registers with RCU, sleeps when idle if the config says so. */
void worker_run(struct worker *w, const bool *stop);

/* The stages, in the order in which a turn calls them; each in the file of its name. */
void rx_burst(struct worker *w, struct burst *b);
void classify_burst(struct worker *w, struct burst *b);
void sessions_burst(struct worker *w, struct burst *b);
void open_burst(struct worker *w, struct burst *b);
void verify_burst(struct worker *w, struct burst *b);
/* The look-ups of the stage that follows; in between packets may get their verdict. */
void route_look(struct worker *w, struct burst *b);
void route_burst(struct worker *w, struct burst *b);
void peers_look(struct worker *w, struct burst *b);
void peers_burst(struct worker *w, struct burst *b);
void seal_burst(struct worker *w, struct burst *b);
void encap_burst(struct worker *w, struct burst *b);
void finish_burst(struct worker *w, struct burst *b);
/* Orders from control; may add packets (keepalives, handshakes) to the burst. */
void orders_burst(struct worker *w, struct burst *b);
/* Sends what finish_burst has gathered. */
void tx_flush(struct worker *w);

/* Says something to control; false when the mailbox is full (it is then said again later). */
bool event_put(struct worker *w, enum event_kind kind, uint32_t peer_id);

/*
 * Says mail unless *is_told already, which control takes back when it acts: so it is said once. It
 * is marked before it is said, since control may act at once, and a mark that came after that
 * would keep everybody silent for ever. False: the mailbox is full, and nothing is marked.
 */
bool event_put_once(struct worker *w, bool *is_told, const struct event_mail *mail);

/* Tells control of the first stamp on p's peer that no timer of its own covers. */
void activity_tell(struct worker *w, const struct packet *p);

/* The session to seal for the peer with now; NULL: a handshake is due first. */
static inline struct session *
usable_session(const struct worker *w, const struct peer_entry *peer)
{
	const struct protocol_times *times = w->tables->times;
	struct session *s = rcu_read(peer->tx);
	if (unlikely_true(!s ||
			  session_has_expired(s->birth_ns, w->now_ns, times->reject_after_ns) ||
			  __atomic_load_n(&s->send_counter, __ATOMIC_RELAXED) >=
				  times->reject_after_messages))
		return NULL;
	return s;
}

static inline void
counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/*
 * Adds to a counter that workers alone write. A worker that is the only one need not lock the line,
 * which would wait for it: 9 clk a packet when each is another peer's.
 */
static inline void
workers_counter_add(const struct worker *w, uint64_t *counter, uint64_t n)
{
	if (w->config->n_workers == 1)
		counter_add(counter, n);
	else
		__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}
