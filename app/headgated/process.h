/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the process makes of itself before it has threads: no core dump, memory that is not
 * swapped, signals, and no more privileges than its ports need.
 */
#pragma once

#include "base/err.h"
#include "intent/intent.h"

/* First of all: no core dump from here on, and the journal's form of log lines under systemd. */
void process_begin(void);
/* Holds SIGTERM, SIGINT and SIGHUP until the control loop takes them, and ignores SIGPIPE. */
void process_hold_signals(void);
/*
 * Keeps memory out of swap, then gives up all capabilities but those that the intent needs. When
 * one of them is missing, -EPERM and a sentence that names it.
 */
int process_limit(const struct intent *intent, struct err *err);
