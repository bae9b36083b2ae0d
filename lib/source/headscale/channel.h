/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection to the server from the upgrade on, as bytes in and bytes out:
 *
 *   channel_begin ──── POST /ts2021 with the Noise initiation ────►
 *   channel_feed ◄──── 101, Noise response, records ───────────────
 *       └─► plain bytes: the early payload is taken out, what is left is HTTP/2
 *   channel_seal ───── records ───────────────────────────────────►
 *
 * It owns buffers and no socket. Any error is the end of the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "noise/ts2021.h"
#include "source/text.h"

enum channel_state {
	CHANNEL_UPGRADING, /* waits for 101 */
	CHANNEL_SHAKING,   /* …for the Noise response */
	CHANNEL_EARLY,     /* …for the bytes that tell whether there is an early payload */
	CHANNEL_OPEN,
	CHANNEL_FAILED,
};

struct channel {
	enum channel_state state;
	struct ts2021_handshake handshake;
	struct ts2021_way send, receive;
	struct text in;          /* what came and is not understood yet */
	struct text early;       /* plain bytes until it is known what they are */
	uint32_t early_left;     /* of the early payload, to be skipped */
};

/*
 * Begins: appends the request to out. authority: as in the server's URL. 0, -EKEYREJECTED (a weak
 * server key) or -ENOMEM.
 */
int channel_begin(struct channel *ch, const struct ts2021_identity *who, const char *authority,
	struct text *out, struct err *err);
/* Wipes and frees. */
void channel_fini(struct channel *ch);
/*
 * Takes all of what came; appends the plain bytes for HTTP/2 to plain. 0, or a negative errno with
 * a sentence: -EPROTO (what answers is no such server), -EBADMSG (not the server's key, or
 * altered), -ENOMEM.
 */
int channel_feed(struct channel *ch, const void *data, size_t n_bytes, struct text *plain,
	struct err *err);
/* From CHANNEL_EARLY on: cuts plain bytes into records, appended to out. 0, -EPROTO or -ENOMEM. */
int channel_seal(struct channel *ch, const void *plain, size_t n_bytes, struct text *out);
/* Whether the handshake is done, so that requests may be sent. */
static inline bool
channel_is_ready(const struct channel *ch)
{
	return ch->state == CHANNEL_EARLY || ch->state == CHANNEL_OPEN;
}
