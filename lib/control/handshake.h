/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One handshake message, or one wish for one: the steps behind control/handshaker.h. All of them
 * run on a handshake thread with the directory's read lock held.
 */
#pragma once

#include "control/handshaker.h"

/* A message whose worker, path and interface stand in mail. */
void handshake_receive(struct handshaker *h, const struct wire_mail *mail,
	const struct handshake_time *t);
/* Begins a handshake with p, if its endpoint is known. */
void handshake_initiate(struct handshaker *h, struct control_peer *p,
	const struct handshake_time *t);
/* Tells the control thread. bits: enum handshake_news. */
void handshake_tell(struct handshaker *h, struct control_peer *p, unsigned bits);

/* Whether to let an initiation or response in; answers with a cookie where that is called for. */
bool door_admits(struct handshaker *h, const struct wire_mail *mail, ns_t now);
/* Notes how full the wire box is. */
void door_look_at_load(struct handshaker *h, ns_t now);

/* Has a message sent along path by a worker. False: its box is full. */
bool handshake_send(struct handshaker *h, struct order_mail *order, uint16_t worker,
	const void *message, size_t n_bytes);
