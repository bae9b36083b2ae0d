/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access filter of a world: 1,000 rules, and a million flows that it knows, which the traffic's
 * packets belong to: as many between the LAN host and each peer, told apart by their ports.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct world;

enum { FLOWS_RULES = 1000, FLOWS_COUNT = 1000000 };

/* UDP ports of both ends, host order. */
struct flow_ports {
	uint16_t peer, lan;
};

/* How many flows each peer has. */
uint32_t flows_of_peer(const struct world *world);
/* The ports of a peer's flow of that number. */
struct flow_ports flows_ports(uint32_t flow);

/* Makes it, not yet in force. 0 or a negative errno. */
int flows_create(struct world *world, struct err *err);
/* It is in force, and all of its flows are fresh, or no longer. */
void flows_switch(struct world *world, bool is_on);
/* Before the tables go. */
void flows_destroy(struct world *world);
