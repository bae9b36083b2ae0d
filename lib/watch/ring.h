/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bounded ring of records of any size, from one writer to one reader, neither of whom ever waits.
 * The writer adds records that the reader does not see yet, may still change them, and then shows
 * all of them at once.
 */
#pragma once

#include <stdint.h>

struct watch_ring;

/* n_bytes: a power of two. NULL: no memory. */
struct watch_ring *watch_ring_create(uint32_t n_bytes);
/* Wipes it: plain text of packets stood in it. NULL is allowed. */
void watch_ring_destroy(struct watch_ring *r);

/* The writer: room for a record, aligned to 8, or NULL when the ring is full. */
void *watch_ring_add(struct watch_ring *r, uint32_t n_bytes);
/* The writer: what was added is the reader's now. */
void watch_ring_show(struct watch_ring *r);

/* The reader: the oldest record and its size, or NULL. It holds until watch_ring_drop. */
const void *watch_ring_first(struct watch_ring *r, uint32_t *n_bytes);
/* The reader: the oldest record is done with. */
void watch_ring_drop(struct watch_ring *r);
