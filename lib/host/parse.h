/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rtnetlink message to one object of host/state.h: pure functions over a buffer that trust
 * no length, count or index in it (RFC 3549 and the kernel's rtnetlink(7) say what it holds).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "host/state.h"

enum parse_verdict {
	PARSE_NEW,       /* the object is there now, or has changed */
	PARSE_GONE,      /* the object is there no more */
	PARSE_IGNORED,   /* well-formed, and nothing that a gateway looks at */
	PARSE_MALFORMED,
};

/*
 * Parses the payload (what follows the nlmsghdr) of a message of that type into out, which is
 * wholly overwritten. It holds an object only after PARSE_NEW and PARSE_GONE.
 */
enum parse_verdict parse_message(uint16_t nlmsg_type, const void *payload, size_t n_bytes,
	struct net_scratch *out);
