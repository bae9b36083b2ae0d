/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard's cross-platform UAPI on /var/run/wireguard/NAME.sock, so that `wg` works as with any
 * other implementation. A server's ctx is its struct control_iface.
 */
#pragma once

#include "control/server.h"

extern const struct server_kind uapi_server;
