/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire between the two gateways and the LANs behind them, all one thread's (lcore 5).
 *
 * It sends numbered packets from both LANs and looks at all that comes out. At any time: what a
 * LAN host gets is what was sent, to the right one, and never twice; and no session ever uses a
 * nonce twice. The wire also is unkind: it repeats messages, holds some back, spreads them over
 * both queues, so that workers hand them over, and a NAT on it changes ports. When it is calm,
 * every packet sent must arrive.
 */
#pragma once

#include "gate.h"

struct wire;

struct wire_counts {
	uint64_t n_sent, n_delivered, n_sealed, n_repeated;
};

struct wire *wire_start(struct gates *g);
/* Kind from now on; packets held back are let go. Returns when that is done. */
void wire_calm(struct wire *w);
/* When calm: n more packets, a multiple of 8, from each LAN. */
void wire_send(struct wire *w, unsigned n);
/* How many of those have arrived. */
uint64_t wire_delivered(const struct wire *w);
/* What passed, and frees everything. */
void wire_stop(struct wire *w, struct wire_counts *counts);
