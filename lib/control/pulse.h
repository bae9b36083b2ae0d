/* SPDX-License-Identifier: BSD-3-Clause */
/* What the service manager hears of a running gateway: its status line and its watchdog. */
#pragma once

#include "control/core.h"

/* The loop runs: packets pass. */
void pulse_begin(struct control *c);
/* About every second. */
void pulse_tick(struct control *c, ns_t now);
