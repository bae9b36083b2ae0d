/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which packets between kernel and wire must not wait behind the rest: those that keep the
 * network itself alive. ARP, neighbour and router discovery, BGP, BFD, OSPF, VRRP, LACP, LLDP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether an Ethernet frame, with up to two VLAN tags, is one. Reads no byte past n_bytes. */
bool urgent_is_frame(const uint8_t *frame, size_t n_bytes);
/* The same of an IP packet. */
bool urgent_is_packet(const uint8_t *packet, size_t n_bytes);
