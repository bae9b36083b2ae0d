/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status as JSON: what the control socket answers and `--json` prints. No secret stands in
 * it. Field names are stable: fields may come, none changes its meaning.
 *
 *   version, uptime_s, now_s
 *   crypto      {backend, why, second_backend, second_why}    second_backend: does some bursts,
 *                most often small ones; null: none does
 *   workers[]   {core, packets, icmp_errors_sent, icmp_errors_unsent, idle}    idle: 0 to 1
 *   ports[]     {name, device, driver, mac, link_up, mtu, addresses[], rx_packets, rx_bytes,
 *                tx_packets, tx_bytes, drops}
 *   drops[]     {name, count, per_second, per_second_10s, text}
 *   drops_by_port[] {port, name, count, per_second, per_second_10s}   port: or the tunnel it came
 *                out of
 *   drops_by_peer[] {interface, public_key, peer, name, count, per_second, per_second_10s}
 *   interfaces[] {name, public_key, listen_port, fwmark, mtu, addresses[], peers[]}
 *   peers[]     {public_key, name, has_psk, endpoint, last_handshake_s, session_age_s, rx_bytes,
 *                tx_bytes, keepalive_s, parked, allowed_ips[]}
 *
 * drops_by_port and drops_by_peer hold what is not 0. public_key is null where peers that were
 * removed, or for whom the table of a worker had no place, are counted together.
 * endpoint, last_handshake_s (seconds since 1970) and session_age_s are null when there is none.
 */
#pragma once

#include <jansson.h>

#include "intent/status.h"

/* A new reference, or NULL when memory is short. */
json_t *status_to_json(const struct status *s);
