/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our membership in a tailnet, as the control thread sees it: views come from the client's thread
 * (tailnet/tailnet.h) and become changes of what runs.
 *
 *   view ── differs from the one before at ──► node ──► peer, prefixes, endpoint ──► reconcile_list
 *
 * Peers of the config stay whose they are: a node of the same key is left out, and nobody takes a
 * prefix of theirs. Only nodes that changed cost anything, and a large map is taken in slices, a
 * turn of the loop each.
 */
#pragma once

#include "base/err.h"
#include "filter/ranges.h"
#include "intent/intent.h"

struct control;
struct control_iface;
struct control_peer;
struct tailnet;
struct tailnet_status;
struct tailnet_view;
struct change_list;

struct filter_plan;

/* What of ExitNode there is. */
enum exit_state {
	EXIT_UNWANTED,
	EXIT_UNKNOWN,     /* no map yet */
	EXIT_NOWHERE,     /* no node is called so */
	EXIT_NOT_OFFERED,
	EXIT_OVER_PEERS,  /* it would have addresses of another interface's peers */
	EXIT_OFFLINE,     /* by the server's word, which is a hint */
	EXIT_THERE,
};

/* Who ExitNode is; as last seen. */
struct membership_exit {
	int64_t node;               /* its id; 0: there is none */
	enum exit_state state;
};

struct membership {
	struct tailnet *tailnet;    /* NULL: none */
	char on[INTENT_NAME_BYTES]; /* the interface */
	uint16_t iface_id;          /* its */
	struct peer_set owned;      /* who came by the tailnet; only keys in it */
	struct peer_set moved;      /* …of them those whose node `next` has by another id */
	struct prefix_list own;     /* our addresses by the tailnet */
	bool is_down;               /* by a person's wish, which outlives a joining anew */
	bool has_own_key;           /* the config has the node key, not the state file */
	struct filter_plan *base;   /* the config's own access rules; NULL: none */
	struct filter_ranges local; /* what peers may reach here, as the rules in force have it */
	struct tailnet_view *view;  /* in force up to `at`, from there on `next` is not yet */
	struct tailnet_view *next;  /* NULL: nothing to be taken in */
	size_t view_at, next_at;
	bool has_kept_routes;       /* see membership_is_settling */
	struct addr server;         /* where it, or its proxy, was reached last; family 0: never */
	/* It is elsewhere now, `wg` has changed peers, or another node is ExitNode. */
	bool looks_again;
	struct membership_exit exit;
};

void membership_init(struct membership *m);
/*
 * Completes an intent that was read from files with what the tailnet adds to it: the node key of
 * the state file, which is made if there is none, and the peers and addresses that run. 0 or a
 * negative errno with a sentence.
 */
int membership_complete(struct control *c, struct intent *wanted, struct err *err);
/*
 * CHANGE_INTERFACE_SET_HEADSCALE: joins, or leaves (NULL), or leaves and joins anew; the same node
 * stays, and only says what is different about it.
 */
int membership_set(struct control *c, struct control_iface *i, const struct headscale_intent *h,
	struct err *err);
/* Takes in what has come; a slice of it. Each turn of the loop, not while the intent changes. */
void membership_turn(struct control *c);
/*
 * A server that was started anew takes nodes for offline that have not come back yet, and their
 * routes with it. For so long after a stream began nobody loses a route because he is offline.
 */
bool membership_is_settling(const struct control *c);
/* After the config was read again: every node is looked at anew. */
void membership_look_again(struct control *c);
/* Tells the server where we are, if that changed. Once a second. */
void membership_tick(struct control *c);
/* Packets pass to or from a peer, or want to. struct timing's callback; ctx: the control. */
void membership_peer_stirred(void *ctx, const struct control_peer *p);
/* The interface goes, and with it our membership, if it was that one's. */
void membership_iface_gone(struct control *c, const struct control_iface *i);
/* The end: the server hears of it, peers stay until their interface goes. */
void membership_fini(struct control *c);
/*
 * What the box sends to a peer of the tailnet has its address in the tailnet as source, though the
 * interface may have others. None for peers of the config.
 */
struct addr membership_source(const struct control *c, const struct key *peer, uint8_t family);
/*
 * Of what `wg` wants, takes out that peers of the tailnet go, which are the server's to remove and
 * not in wg's files, and another private key, which the server would not hear of. -EPERM, and a
 * line in the log, if there was one.
 */
int membership_keep(const struct control *c, struct change_list *list);
/* `wg` has changed peers, which may be let in, or no longer. */
void membership_peers_changed(struct control *c);
/* Whether it is a peer by the tailnet's word. */
bool membership_owns(const struct control *c, const struct control_peer *p);
/* `headgate up`, `down` and `logout`. 0, or -ENOENT and a sentence: we are no node at all. */
int membership_wish(struct control *c, int wish, struct err *err);
/* What `headgate status` shows of it. False: no tailnet. */
bool membership_status(struct control *c, struct tailnet_status *out);
