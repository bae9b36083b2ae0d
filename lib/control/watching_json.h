/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of a packet, in words.
 *
 *   {time_ns, worker, verdict, stage, in, out, bytes, reason, why, from, to, inner, outer}
 *   from, to      {interface, name, public_key}: the peer who sealed it, and who it is sealed for
 *   inner, outer  {source, destination, protocol, source_port, destination_port, bytes}
 *
 * reason and why stand there for what was dropped, and the rest where it is known.
 */
#pragma once

#include <jansson.h>

#include "control/core.h"
#include "watch/watch.h"

enum { WATCHING_COMMENT_BYTES = 160 };

/* A new reference, or NULL: no memory. */
json_t *watching_json(const struct control *c, const struct watch_record *r,
	const struct watch_flows *flows);
/* The same in short, for a packet in a capture: "" when it just went its way. */
void watching_comment(const struct control *c, const struct watch_record *r,
	char out[WATCHING_COMMENT_BYTES]);
