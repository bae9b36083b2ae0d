/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hinge between path and control: what workers read under RCU.
 *
 *   address ──forward──► next hop ─┬─ link: a neighbour's Ethernet header, and the port
 *                                  ├─ glean: a connected network, the neighbour not known yet
 *                                  ├─ local / kernel: the twin's business
 *                                  └─ tunnel ──allowed──► peer ─┬─ tx: the session to seal with
 *                                                               └─ encap: the outer header
 *   receiver index ──► session ──► peer                              │
 *   address ──underlay──► next hop (never a tunnel) ◄────────────────┘
 *
 * There is an underlay for each FwMark that the interfaces have; an interface names its own.
 *
 * Readers are the workers (registered with base/rcu.h; a pointer read here is good until the
 * thread's next quiescent report). Writers are the control and handshake threads; every
 * function below that changes something takes the tables' own lock, publishes, and retires what
 * it replaced. Each costs the same with ten peers and with a hundred thousand.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/prefetch.h"
#include "base/rcu.h"
#include "peer/timers.h"
#include "route/route.h"
#include "session/session.h"

enum {
	TABLES_MAX_PORTS = 32,
	TABLES_MAX_IFACES = 64,
	TABLES_MAX_UNDERLAYS = 8,
	TABLES_MAX_LISTEN_ADDRS = 8, /* of one interface */
	TABLES_BY_ADDRESS = 255,     /* in iface_by_port: the address tells whose the port is */
	TABLES_MAX_NEXTHOPS = 1 << 16,
	TABLES_SLOT_BITS = 20, /* of a receiver index; the rest is random */
	TABLES_SLOT_CHOICE = 1024, /* as many free slots at least to choose one from at random */

	/* A link is a port or a tunnel; its id goes with each packet. */
	LINK_FIRST_TUNNEL = TABLES_MAX_PORTS,
	LINK_COUNT = TABLES_MAX_PORTS + TABLES_MAX_IFACES,
	LINK_OWN = 0xfffd,     /* no link: an ICMP error of ours, with no tunnel near */
	LINK_REBUILT = 0xfffe, /* no link: a reassembled datagram with its header rebuilt */
	LINK_NONE = 0xffff,
};

static inline uint16_t
link_of_iface(uint16_t iface_id)
{
	return (uint16_t)(LINK_FIRST_TUNNEL + iface_id);
}

static inline bool
link_is_tunnel(uint16_t link_id)
{
	return link_id >= LINK_FIRST_TUNNEL && link_id < LINK_COUNT;
}

enum nexthop_type {
	NEXTHOP_KERNEL = 1, /* the twin decides: unreachable, prohibit, or not to be expressed */
	NEXTHOP_BLACKHOLE, /* dropped as no-route */
	NEXTHOP_LOCAL,     /* one of the box's own addresses */
	NEXTHOP_LINK,      /* a resolved neighbour on a port */
	NEXTHOP_GLEAN,  /* on a port, the neighbour (via, or the destination itself) not resolved */
	NEXTHOP_TUNNEL, /* into an interface: its allowed-ips decide */
	NEXTHOP_GROUP,  /* equal-cost paths: one of members by flow hash */
};

enum { NEXTHOP_MEMBERS_MAX = 8 };

/* What a next hop is; immutable once published, replaced as a whole. */
struct nexthop {
	uint8_t type;              /* enum nexthop_type */
	uint8_t ethernet_bytes;    /* 14; 18 with a VLAN tag */
	uint16_t link_id;          /* LINK, GLEAN: the port; TUNNEL: the tunnel's link */
	uint16_t iface_id;         /* TUNNEL */
	uint16_t mtu;              /* of the link, IP bytes */
	uint8_t ethernet[18];      /* LINK: the header up to the ethertype, which the path writes */
	uint8_t n_members;         /* GROUP */
	uint32_t members[NEXTHOP_MEMBERS_MAX];
	struct addr via;           /* GLEAN: whom to resolve; family ADDR_NONE: the destination */
	struct addr source;        /* the address the box prefers as source towards it, if known */
	struct rcu_node rcu;       /* the tables' own */
};

/* The outer header of a peer's packets, made once per endpoint; immutable once published. */
struct encap {
	uint8_t header[48]; /* IP and UDP; length, identification and checksum still to fill */
	uint8_t header_bytes;      /* 28 or 48 */
	uint8_t family;
	bool has_route;            /* else packets end as no-underlay */
	uint32_t nexthop_id;       /* underlay */
	uint32_t checksum; /* v4: sum over the header as it stands; v6: over the pseudo header */
	uint32_t generation;       /* of the underlay when it was made */
	uint16_t link_id;          /* out of which they went when it was made, or LINK_NONE */
	struct endpoint remote;
	struct addr local;
	struct rcu_node rcu;       /* the tables' own */
};
_Static_assert(offsetof(struct encap, link_id) == 64, "sealing reads one line of it");

struct peer_entry {
	/* What sealing reads. */
	struct session *tx ALIGNED_LINE; /* rcu_read; NULL: none to seal with */
	struct encap *encap;             /* rcu_read; NULL: endpoint not known */
	uint32_t generation;             /* differs from one user of the slot to the next */
	uint16_t iface_id;
	bool is_live;
	uint16_t path_mtu;               /* learned, outer; 0: as the next hop's (relaxed) */
	uint16_t inner_mtu;              /* what that leaves inside; UINT16_MAX: all */

	/* What workers write, by relaxed atomics; activity the other threads as well. */
	struct peer_activity activity ALIGNED_LINE;
	uint64_t tx_bytes;               /* of data messages, sealed; by workers alone */
	uint64_t rx_bytes;               /* and authenticated; by workers alone */
	bool is_armed;                   /* a timer is set: no need to tell control of activity */
	bool handshake_is_wanted;        /* told; control clears it when it has acted */
	bool roam_is_told;
	bool encap_stale_is_told;
	bool is_pinned;                  /* disco chose encap: data does not move it (relaxed) */
	uint64_t path_mark;              /* of encap's path (relaxed; written with it); 0: none */

	/* The writers' own: session slots, 0 none. */
	uint32_t current_slot ALIGNED_LINE;
	uint32_t previous_slot;
	uint32_t next_slot;              /* responder's, until its first packet is authenticated */
	uint32_t pending_slot;           /* reserved for the handshake under way */
	struct tables *tables;
	struct rcu_node rcu;
	uint64_t handshake_tx_bytes;     /* as tx_bytes, by handshake threads (relaxed) */
	uint64_t handshake_rx_bytes;
};
_Static_assert(offsetof(struct peer_entry, activity) == 64, "sealing reads one line of a peer");
_Static_assert(offsetof(struct peer_entry, current_slot) == 128, "workers write one line");

struct session_slot {
	struct session session;
	struct tables *tables;
	uint32_t slot;
	uint32_t pending_index;          /* reserved by a handshake; 0 once installed */
	struct rcu_node rcu;
};

/* The addresses that an interface listens on and sends from; replaced as a whole. */
struct listen_addrs {
	struct rcu_node rcu;
	uint8_t n;
	struct addr items[TABLES_MAX_LISTEN_ADDRS];
};

struct listen_slot {
	struct addr addr;
	uint16_t port;                   /* host order; 0: free */
	uint8_t holder;                  /* iface_id + 1 */
};

/* Those of all interfaces with their ports: an open-addressed set, replaced as a whole. */
struct listen_set {
	struct rcu_node rcu;
	uint32_t mask;
	struct listen_slot slots[];
};

/* A WireGuard interface as the path sees it. */
struct iface_entry {
	struct route_table *allowed[2];  /* v4, v6: prefix → peer id */
	uint16_t mtu;                    /* of the tunnel: inner IP bytes */
	uint16_t listen_port;            /* host order */
	bool clamps_mss;                 /* of TCP through it; relaxed */
	bool allows_own;                 /* allowed-ips hold one of the box's own; relaxed */
	bool is_node;                    /* of a tailnet: disco is for it; relaxed */
	uint8_t underlay_idx;            /* which underlay its outer packets are routed by */
	struct listen_addrs *listen;     /* rcu_read; NULL: any of the box's own */
	bool is_live;
};

/* The box's own addresses: an open-addressed set, replaced as a whole. */
struct local_set {
	struct rcu_node rcu;
	uint32_t mask;
	struct addr slots[];
};

struct watch_set;
struct filter;
struct nat;

struct tables {
	/* Read by workers. */
	struct route_table *forward[2];  /* inner: v4, v6 → next hop id; may yield a tunnel */
	struct nexthop **nexthops;       /* by id; rcu_read */
	struct local_set *locals;        /* rcu_read */
	struct watch_set *watches;       /* rcu_read; NULL: nobody looks at packets (watch/) */
	struct filter *filter;           /* rcu_read; NULL: all may pass (filter/) */
	struct nat *nat;                 /* rcu_read; NULL: no address is translated (nat/) */
	uint32_t underlay_generation; /* relaxed; grows with each change outer headers may feel */
	struct route_table *underlay[TABLES_MAX_UNDERLAYS][2]; /* outer packets: never a tunnel */
	struct iface_entry ifaces[TABLES_MAX_IFACES];
	uint8_t iface_by_port[65536];    /* ListenPort → iface_id + 1; 0 none; TABLES_BY_ADDRESS */
	struct listen_set *listeners;    /* rcu_read; for ports of TABLES_BY_ADDRESS */
	struct arena peers;              /* struct peer_entry */
	struct arena sessions;           /* struct session_slot */
	const struct protocol_times *times;

	/* The writers' own. */
	pthread_mutex_t lock;
	uint32_t n_nexthops;
	uint32_t next_generation;
	uint32_t free_nexthop_hint;
};

static inline unsigned
family_index(uint8_t family)
{
	return family == ADDR_V6;
}

enum tables_which {
	TABLES_FORWARD,
	TABLES_UNDERLAY, /* the first of TABLES_MAX_UNDERLAYS */
	TABLES_WHICH_COUNT = TABLES_UNDERLAY + TABLES_MAX_UNDERLAYS,
};

/* The place of a route table of that family. */
static inline struct route_table **
tables_trie(struct tables *t, enum tables_which which, uint8_t family)
{
	unsigned f = family_index(family);
	return which == TABLES_FORWARD ? &t->forward[f] : &t->underlay[which - TABLES_UNDERLAY][f];
}

/* ---- Life ---- */

/* max_peers: room for that many, with three sessions each at most. times outlives the tables. */
struct tables *tables_create(uint32_t max_peers, const struct protocol_times *times,
	struct err *err);
/* No reader and no other writer is left; waits for what was retired. Wipes all keys. */
void tables_destroy(struct tables *t);

/* ---- Readers ---- */

/*
 * A mark of an outer path: family, the far end's address and port (as on the wire), our address.
 * Never 0. Authenticated packets are compared with the path we send on by it, in the line that
 * opening touches anyway. That two paths share one is a chance of 2^-63 and costs a late roam.
 */
static inline uint64_t
path_mark(uint8_t family, const uint8_t *remote, const uint8_t *remote_port, const uint8_t *local)
{
	const uint64_t k = 0x9e3779b97f4a7c15ull;
	uint64_t mark = load_le16(remote_port) + 1u;
	if (family == ADDR_V4) {
		mark = mark * k + ((uint64_t)load_le32(remote) << 32 | load_le32(local));
	} else {
		mark = ~mark * k + load_le64(remote);
		mark = (mark ^ mark >> 29) * k + load_le64(remote + 8);
		mark = (mark ^ mark >> 29) * k + load_le64(local);
		mark = (mark ^ mark >> 29) * k + load_le64(local + 8);
	}
	mark *= k;
	return (mark ^ mark >> 32) | 1;
}

static inline struct peer_entry *
tables_peer(const struct tables *t, uint32_t peer_id)
{
	return arena_at(&t->peers, peer_id);
}

/* The live session with this receiver index, or NULL. Any value from the wire is safe. */
static inline struct session *
tables_session(const struct tables *t, uint32_t index)
{
	uint32_t slot = index & ((1u << TABLES_SLOT_BITS) - 1);
	if (unlikely_true(
		    !slot || slot >= __atomic_load_n(&t->sessions.next_fresh, __ATOMIC_ACQUIRE)))
		return NULL;
	struct session_slot *s = arena_at(&t->sessions, slot);
	if (unlikely_true(__atomic_load_n(&s->session.local_index, __ATOMIC_ACQUIRE) != index))
		return NULL;
	return &s->session;
}

/* Fetches the line that opening with this index will read; the index may be anything. */
static inline void
tables_session_prefetch(const struct tables *t, uint32_t index)
{
	uint32_t slot = index & ((1u << TABLES_SLOT_BITS) - 1);
	if (slot <= t->sessions.max_slots)
		prefetch_read((const char *)arena_at(&t->sessions, slot) + CACHE_LINE_BYTES);
}

static inline const struct nexthop *
tables_nexthop(const struct tables *t, uint32_t nexthop_id)
{
	return rcu_read(t->nexthops[nexthop_id]);
}

/* The routes of the interface's outer packets. Readers and writers. */
static inline const struct route_table *
tables_underlay(const struct tables *t, uint16_t iface_id, uint8_t family)
{
	uint8_t idx = __atomic_load_n(&t->ifaces[iface_id].underlay_idx, __ATOMIC_RELAXED);
	return t->underlay[idx][family_index(family)];
}

/* Where the search for an address starts in a struct local_set. */
static inline uint32_t
local_hash(uint64_t low, uint64_t high)
{
	return (uint32_t)(((low ^ high) * 0x9e3779b97f4a7c15ull) >> 32);
}

/* Whether the bytes (4 or 16, network order) are one of the box's own addresses. */
static inline bool
tables_is_local(const struct tables *t, uint8_t family, const uint8_t *bytes)
{
	const struct local_set *set = rcu_read(t->locals);
	bool is_wide = family == ADDR_V6;
	uint64_t low = is_wide ? load_le64(bytes) : load_le32(bytes);
	uint64_t high = is_wide ? load_le64(bytes + 8) : 0;
	for (uint32_t i = local_hash(low, high);; i++) {
		/* An IPv4 address is followed by zeros, and a free slot ends the search. */
		const struct addr *a = &set->slots[i & set->mask];
		uint64_t differ = (load_le64(a->bytes) ^ low) | (load_le64(a->bytes + 8) ^ high);
		if (!differ && a->family == family)
			return true;
		if (a->family == ADDR_NONE)
			return false;
	}
}

static inline uint32_t
listen_hash(uint64_t low, uint64_t high, uint16_t port)
{
	return local_hash(low + port, high);
}

/*
 * Whose a datagram to that address (4 or 16 bytes) and port is, of a port whose holder is
 * TABLES_BY_ADDRESS: iface_id + 1, or 0.
 */
static inline uint8_t
tables_listener(const struct tables *t, uint8_t family, const uint8_t *bytes, uint16_t port)
{
	const struct listen_set *set = rcu_read(t->listeners);
	bool is_wide = family == ADDR_V6;
	uint64_t low = is_wide ? load_le64(bytes) : load_le32(bytes);
	uint64_t high = is_wide ? load_le64(bytes + 8) : 0;
	if (!set)
		return 0;
	for (uint32_t i = listen_hash(low, high, port);; i++) {
		const struct listen_slot *s = &set->slots[i & set->mask];
		if (!s->port)
			return 0;
		if (s->port == port && s->addr.family == family &&
			load_le64(s->addr.bytes) == low && load_le64(s->addr.bytes + 8) == high)
			return s->holder;
	}
}

/* ---- Interfaces and peers ---- */

/* A free interface id with empty allowed-ips, live at once. 0, -ENOSPC or -ENOMEM. */
int tables_iface_add(struct tables *t, uint16_t mtu, uint16_t *iface_id);
/* All its peers are gone already. */
void tables_iface_remove(struct tables *t, uint16_t iface_id);
/*
 * Makes UDP packets to one of n_addrs addresses (0: to any of the box's own) and this port the
 * interface's; port 0: none. It sends from those addresses as well. 0, -EADDRINUSE when another
 * has the port there, -EINVAL (too many) or -ENOMEM.
 */
int tables_iface_listen(struct tables *t, uint16_t iface_id, uint16_t port,
	const struct addr *addrs, unsigned n_addrs);
/* The same on any address. */
int tables_iface_set_port(struct tables *t, uint16_t iface_id, uint16_t listen_port);
/* Parts of tables_iface_remove and tables_destroy. */
void tables_listen_stop(struct tables *t, uint16_t iface_id);
void tables_listen_fini(struct tables *t);
/*
 * The source of outer packets over nh: *local if the interface may send from it and it is the
 * box's own, else nh's, else another it may send from. False: none. Reader, or the lock is held.
 */
bool tables_choose_source(const struct tables *t, uint16_t iface_id, uint8_t family,
	const struct nexthop *nh, struct addr *local);
void tables_iface_set_mtu(struct tables *t, uint16_t iface_id, uint16_t mtu);
/* Whether SYNs through it are lowered to its MTU; a new interface's are. */
void tables_iface_set_clamp(struct tables *t, uint16_t iface_id, bool clamps_mss);
/* Whether it is a tailnet's node, which hears disco at its port; a new interface is none. */
void tables_iface_set_node(struct tables *t, uint16_t iface_id, bool is_node);
/* Its outer packets are routed by underlay underlay_idx from now on; a new interface's by 0. */
void tables_iface_set_underlay(struct tables *t, uint16_t iface_id, uint8_t underlay_idx);

/* 0 and *peer_id, or -ENOSPC. */
int tables_peer_add(struct tables *t, uint16_t iface_id, uint32_t *peer_id);
/* Its allowed-ips are gone already (tables_allowed_del); sessions and outer header go with it. */
void tables_peer_remove(struct tables *t, uint32_t peer_id);

/* Gives the prefix to the peer; it moves there if another peer of the interface had it. */
int tables_allowed_set(struct tables *t, uint16_t iface_id, const struct prefix *prefix,
	uint32_t peer_id);
/* Takes the prefix away if it is this peer's. 0 or -ENOENT. */
int tables_allowed_del(struct tables *t, uint16_t iface_id, const struct prefix *prefix,
	uint32_t peer_id);

/*
 * Makes the peer's outer header anew: to remote, from local:listen_port. local of family
 * ADDR_NONE, or no longer the box's own: chosen by the underlay's next hop. Without a route the
 * header is published all the same and its packets are dropped as no-underlay until the
 * underlay changes and a worker asks again (EVENT_ENCAP_STALE). 0 or -ENOMEM.
 */
int tables_encap_set(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local);
/*
 * The same, because an authentic message came from there; -EBUSY and nothing done while the peer
 * is pinned.
 */
int tables_encap_roam(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local);
/*
 * The same, because disco has proved that path: until tables_encap_unpin it stands, wherever
 * authentic messages come from.
 */
int tables_encap_pin(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local);
/* It stays where it is until the peer is heard elsewhere. */
void tables_encap_unpin(struct tables *t, uint32_t peer_id);
/*
 * Makes it anew for where the peer is already; keeps_source: also from where we send, if that
 * still is ours and the way there leaves by the same link. Should a worker have followed the peer
 * elsewhere meanwhile, that stands. 0, -ENOENT without an endpoint, or -ENOMEM.
 */
int tables_encap_refresh(struct tables *t, uint32_t peer_id, bool keeps_source);
/*
 * The same by a worker, as an RCU reader, for a packet in hand: fills spare, which the worker owns,
 * and puts it in the place of was, unless another has replaced that meanwhile. True: spare is the
 * peer's now and was is the caller's to have retired (EVENT_ENCAP_REPLACED).
 */
bool tables_encap_replace(struct tables *t, struct peer_entry *p, struct encap *was,
	struct encap *spare);
/* A zeroed one for a worker to fill; NULL: no memory. Freed with free(). */
struct encap *tables_encap_alloc(void);
/* Frees it once no worker can hold it. Writers. */
void tables_encap_retire(struct tables *t, struct encap *e);
/* Fills e's header, checksum and sizes from e->remote, e->local and the port. Pure. */
void encap_template(struct encap *e, uint16_t listen_port);
/* Copies the endpoint out; false: none known. Any writer thread. */
bool tables_encap_get(struct tables *t, uint32_t peer_id, struct endpoint *remote,
	struct addr *local);

/* ---- What a path to a peer takes, less than its first link ---- */

/* A router's word (RFC 8201): a data message of ours to remote was too big for a link of mtu. */
struct path_mtu_news {
	struct endpoint remote;
	uint32_t remote_index; /* the receiver index in the message that it quotes */
	uint16_t mtu;          /* IP bytes */
};
/*
 * Believes it if a peer is there whose session has that index; what is less than 1280 is nobody's
 * honest word. Returns the peer's id, 0: nobody's. Linear in peers; control thread.
 */
uint32_t tables_path_mtu_learn(struct tables *t, const struct path_mtu_news *news);
/* The path may take more again (or the peer has moved): it is tried. */
void tables_path_mtu_forget(struct tables *t, uint32_t peer_id);

/* ---- Sessions: the trio of previous, current and next ---- */

/*
 * Reserves a receiver index for the peer's handshake; the one reserved before, if any, is given
 * up. 0 and *index, or -ENOSPC.
 */
int tables_index_reserve(struct tables *t, uint32_t peer_id, uint32_t *index);
/* Gives up the reserved index, if there is one. */
void tables_index_release(struct tables *t, uint32_t peer_id);
/* Whose handshake reserved this index; 0: nobody's. Any value from the wire is safe. */
uint32_t tables_index_peer(struct tables *t, uint32_t index);
/* Whose session or handshake has this index; 0: nobody's (for cookie replies). */
uint32_t tables_index_owner(struct tables *t, uint32_t index);

/*
 * Turns the reserved keys->local_index into a session. The initiator's becomes current at once;
 * the responder's waits as next for its first authenticated packet (whitepaper 5.4, 6.1).
 * owner_worker: who opens its packets. 0, or -ENOENT when the index was given up meanwhile.
 */
int tables_session_install(struct tables *t, const struct session_keys *keys,
	uint16_t owner_worker, ns_t now_ns);
/* First authenticated packet on a responder's session: next becomes current. -ENOENT: gone. */
int tables_session_confirm(struct tables *t, uint32_t index);
/* Retires all of the peer's sessions; their keys are wiped once no worker can hold them. */
void tables_sessions_wipe(struct tables *t, uint32_t peer_id);

struct session_info {
	bool has_current;
	bool is_initiator;
	ns_t birth_ns;
	uint64_t send_counter;
};
void tables_session_info(struct tables *t, uint32_t peer_id, struct session_info *out);

/*
 * Replaces the filter, which becomes the tables' own; NULL: all may pass. The flow table of the one
 * before goes with it, unless the new one has it too.
 */
void tables_filter_set(struct tables *t, struct filter *filter);
/* The same for address translation; NULL: none. */
void tables_nat_set(struct tables *t, struct nat *nat);

/* ---- Routes, next hops, addresses ---- */

/* Publishes a new next hop (copied) under a new id. 0 and *id, -ENOSPC or -ENOMEM. */
int tables_nexthop_add(struct tables *t, const struct nexthop *spec, uint32_t *id);
/* Replaces what stands under id, as when its neighbour was resolved. 0 or -ENOMEM. */
int tables_nexthop_set(struct tables *t, uint32_t id, const struct nexthop *spec);
/* No route leads to it any more. */
void tables_nexthop_del(struct tables *t, uint32_t id);

/* nexthop_id 0 deletes the route. 0, -ENOMEM or -ENOENT. */
int tables_route_set(struct tables *t, enum tables_which which, const struct prefix *prefix,
	uint32_t nexthop_id);
/* Replaces the set of the box's own addresses. 0 or -ENOMEM. */
int tables_locals_set(struct tables *t, const struct addr *addrs, uint32_t n_addrs);
