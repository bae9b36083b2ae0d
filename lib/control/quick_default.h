/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel as the default route, as wg-quick makes it. An allowed prefix of length 0 with
 * Table = auto gets, for its family,
 *
 *   P - 2: lookup main suppress_prefixlength 0     what main knows better stays as it is
 *   P - 1: not fwmark N lookup N                   all else but our own outer packets…
 *   table N: default dev hg0                       …goes into the tunnel
 *
 * where P is the first rule there was after `lookup local`, and N, mark and table in one, is the
 * interface's FwMark or the first number from 51820 on that nothing uses. The interface's outer
 * packets carry the mark then, sockets' too, src_valid_mark has reverse path filters look at it,
 * and nftables drops what comes for the tunnel's addresses by other devices.
 *
 * The default route of ExitNode is for what passes through alone: both rules are for packets that
 * come in by a device (not iif lo), and of the rest nothing is needed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct control;
struct control_iface;

/* What of it an interface has. Zero: nothing. */
struct quick_default {
	uint32_t number;      /* mark and table; 0: none */
	bool has[2];          /* the route and rules are there, by family_index */
	uint32_t priority[2]; /* of the rule on the mark; the other's is one less */
	bool is_guarded;
	bool is_stale;        /* the guard names addresses or a port that are no longer so */
	bool is_marked;       /* src_valid_mark is asked for */
};

/* The default route of a family (ADDR_V4, ADDR_V6) into the interface comes. Twice is once. */
int quick_default_add(struct control *c, struct control_iface *i, uint8_t family, struct err *err);
/* …and goes; with the last family all else does. */
int quick_default_remove(struct control *c, struct control_iface *i, uint8_t family,
	struct err *err);
/* Removes all that is there; failures are logged. Before the device goes. */
void quick_default_clear(struct control *c, struct control_iface *i);
/* The interface's FwMark is another, or it is_stale: what depends on it follows. */
int quick_default_renew(struct control *c, struct control_iface *i, struct err *err);
