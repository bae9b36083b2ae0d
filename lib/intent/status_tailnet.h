/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tailnet in the status under the names that `tailscale status --json` has for it, so that
 * what reads the one reads the other; and what is wrong, in sentences.
 */
#pragma once

#include <jansson.h>

#include "intent/status.h"

/* Adds BackendState, AuthURL, Self, Peer, CurrentTailnet, Health; nothing without a tailnet. */
void status_tailnet_add(json_t *status, const struct status *s);
