/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard's cross-platform UAPI as text alone: what `wg` says on a socket such as
 * /var/run/wireguard/hg0.sock and what it is answered. The socket itself is control's.
 *
 *   bytes → uapi_feed → UAPI_GET → uapi_get(status)                          → bytes
 *                     → UAPI_SET → uapi_changes(intent) → apply → uapi_answer → bytes
 *                     → UAPI_BAD →                                uapi_answer → bytes
 *
 * A set is applied as a whole or not at all: a bad line anywhere refuses all of it (wireguard-go
 * keeps what stood before the bad line). https://www.wireguard.com/xplatform/
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intent/change.h"
#include "intent/status.h"
#include "source/text.h"

enum {
	UAPI_MAX_LINE_BYTES = 512,
	UAPI_MAX_WISHES = 8 << 20, /* lines of one set */
};

enum uapi_event {
	UAPI_MORE,  /* all bytes are used and the request is not whole yet */
	UAPI_GET,   /* answer with uapi_get */
	UAPI_SET,   /* take uapi_changes, apply them, answer with uapi_answer */
	UAPI_BAD,   /* answer with uapi_answer(parser->code) */
	UAPI_CLOSE, /* this is no UAPI: close the connection */
};

/* What a line of a set asks for, not yet held against what there is. */
struct uapi_wish;

struct uapi_parser {
	char line[UAPI_MAX_LINE_BYTES];
	size_t n_line_bytes;
	bool line_is_long;
	uint8_t request; /* 0: none yet, 'g' or 's' */
	bool is_done;    /* the next byte starts a new request */
	int code; /* 0, or what the first bad line yields: -EINVAL, -EPROTO, -E2BIG, -ENOMEM */
	struct key peer; /* of the last public_key line */
	bool has_peer;
	size_t peer_wish; /* where that line's wish stands */
	struct uapi_wish *wishes;
	size_t n_wishes;
};

void uapi_parser_init(struct uapi_parser *p);
/* Frees and wipes. */
void uapi_parser_fini(struct uapi_parser *p);

/*
 * Takes bytes from a client, in pieces of any size, up to the end of a request; *n_used says how
 * many. The rest is for the next call, after the answer.
 */
enum uapi_event uapi_feed(struct uapi_parser *p, const char *data, size_t n_bytes, size_t *n_used);

/*
 * After UAPI_SET: appends to `out` what turns `now` into what the client wants, in the order of its
 * lines; each change is sure to apply. What is so already is left out (but for a
 * peer's endpoint, key and keepalive, since the running state may differ), and so is a peer with
 * the interface's own key. 0 or -ENOMEM, and then the list is not to be used.
 */
int uapi_changes(const struct uapi_parser *p, const struct interface_intent *now,
	struct change_list *out) __attribute__((warn_unused_result));

/* The answer to a get: secrets included, so *out is to be finished with text_fini. */
void uapi_get(const struct status_interface *i, struct text *out);
/* The answer to a set: code is 0 or a negative errno. */
void uapi_answer(int code, struct text *out);
