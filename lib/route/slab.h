/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of one table's nodes: pieces of 1..ROUTE_MAX_UNITS cache lines, named by the number of
 * their first line, in one reserved range of addresses that is backed 2 MiB at a time, by huge
 * pages if there are any. A small table touches a few ordinary pages only.
 *
 * A retired piece is gathered with others into a batch; a full batch waits for its grace period
 * and comes back to the writer through a lock-free stack. So no lock, and one RCU call for many
 * updates. All calls are the writer's but for slab_destroy.
 */
#pragma once

#include <stdint.h>

struct route_slab;

/* NULL: no memory. Unit 0 is zeroed and never handed out. */
struct route_slab *route_slab_create(void);
/* Gives up the writer's hold; the memory goes when the last batch has had its grace period. */
void route_slab_destroy(struct route_slab *s);

uint8_t *route_slab_units(const struct route_slab *s);
uint64_t route_slab_bytes(const struct route_slab *s);

/* A piece of n_units, not cleared; 0: no memory. */
uint32_t route_slab_get(struct route_slab *s, unsigned n_units);
/* Gives back a piece that no reader has seen. */
void route_slab_put(struct route_slab *s, uint32_t unit, unsigned n_units);

/* Before an update: makes sure of room for the pieces that it will retire. 0 or -ENOMEM. */
int route_slab_begin(struct route_slab *s);
/* A piece that readers may still hold but none can find any more by the end of this update. */
void route_slab_retire(struct route_slab *s, uint32_t unit, unsigned n_units);
/* After an update: all that was retired is now unreachable. */
void route_slab_end(struct route_slab *s);
