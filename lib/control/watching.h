/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traces and captures that run: control makes the watch (watch/watch.h), hands it to the workers,
 * takes their records out of the rings every millisecond and turns them into what the asker reads,
 * as fast as that one takes it. One who stalls loses packets, and then the connection.
 */
#pragma once

#include <stdbool.h>

#include "control/server.h"
#include "watch/watch.h"

struct control;
struct watching;

/* text: watch/request.h. NULL with a sentence. The control thread, as for all of these. */
struct watching *watching_begin(struct control *c, enum watch_kind kind, const char *text,
	struct err *err);
/* Adds what was seen meanwhile; the sums when it was the last. */
enum server_step watching_more(struct watching *w, bool is_asked_to_end, struct text *reply);
/* Takes the watch away from the workers. NULL is allowed. */
void watching_end(struct watching *w);
