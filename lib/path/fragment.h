/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets larger than the next link's MTU, cut by the worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/again.h"

struct packet;
struct worker;

/*
 * Cuts p for mtu_bytes: p becomes the first fragment and goes on; the others enter the next turn
 * at stage and come this way again. True: p fits now. False: p has its verdict (no room, no
 * buffer), or, when it must not be cut, an answer.
 */
bool fragment_packet(struct worker *w, struct packet *p, uint32_t mtu_bytes,
	enum again_stage stage);
