/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a node keeps from one start to the next, as the text of its state file: a line a member.
 *
 *   MachineKey = privkey:…
 *   NodeKey = privkey:…
 *   ServerKey = mkey:…
 *   Server = https://headscale.example.com
 *   Registered = yes
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/key.h"
#include "source/text.h"

enum { STATE_SERVER_BYTES = 512 };

struct tailnet_state {
	struct key machine_private; /* for ever: the server knows the host by it */
	struct key node_private;    /* WireGuard's, until it expires */
	struct key server_public;   /* zero: not known yet */
	char server[STATE_SERVER_BYTES]; /* whose key that is */
	bool is_registered;         /* with that server and node key */
};

/* Appends the text; it holds secrets. */
void state_format(const struct tailnet_state *s, struct text *out);
/* 0, or -EBADMSG with a sentence that names the line. text ends with a zero. */
int state_parse(const char *text, struct tailnet_state *out, struct err *err);
