/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shell around peer/timers.h: what workers noticed (events), what handshake threads did
 * (news) and the wheel each lead to one peer being asked what is due, and to that being done.
 *
 *   events ─┐
 *   news ───┼─► timing_run(peer): timers_next ─► wish, orders, tables ─► wheel
 *   wheel ──┘
 *
 * Control thread only.
 */
#pragma once

#include "control/handshaker.h"
#include "control/peers.h"
#include "control/wheel.h"
#include "mailbox/mail.h"
#include "tables/tables.h"

struct timing {
	struct tables *tables;
	struct mailboxes *boxes;
	struct peers *peers;
	struct handshaker *handshaker;
	const struct protocol_times *times;
	struct wheel wheel;
	/* p did not answer a handshake, or (is_given_up) a whole row of them. May be NULL. */
	void (*unanswered)(void *ctx, struct control_peer *p, bool is_given_up);
	/* Packets pass to or from p, or want to. May be NULL. */
	void (*stirred)(void *ctx, const struct control_peer *p);
	void *ctx;
};

/* Everything it is given outlives it. It points into itself: do not move it. */
void timing_init(struct timing *t, struct tables *tables, struct mailboxes *boxes,
	struct handshaker *handshaker, ns_t now);

/* Asks the peer's timers until nothing is due any more, and sets the wheel for what comes. */
void timing_run(struct timing *t, struct control_peer *p, ns_t now);
/* Takes the news and turns the wheel; every few milliseconds. */
void timing_turn(struct timing *t, ns_t now);
/* One event of a worker about a peer; those about neighbours are not for here. */
void timing_event(struct timing *t, const struct event_mail *ev, ns_t now);

/* Throws away sessions and handshake: the peer's keys, or our own, are not what they were. */
void timing_reset(struct timing *t, struct control_peer *p);
/* Before a peer goes: its timer is cleared. */
void timing_forget(struct timing *t, struct control_peer *p);
