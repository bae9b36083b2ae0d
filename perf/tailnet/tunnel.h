/* SPDX-License-Identifier: BSD-3-Clause */
/* The sender's end of a tunnel: one handshake as initiator over a UDP socket, and its keys. */
#pragma once

#include <stdbool.h>

#include "base/key.h"
#include "session/session.h"

/*
 * Shakes hands with the gateway that the UDP socket fd is connected to, in up to ten tries a second
 * apart: it may have to learn of us first. False when none was answered. The caller wipes *out.
 */
bool tunnel_handshake(int fd, const struct key *private_key, const struct key *gateway,
	struct session_keys *out) __attribute__((warn_unused_result));
