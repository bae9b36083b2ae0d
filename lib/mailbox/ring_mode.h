/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How rings with many senders or receivers are made: with a relaxed tail, so that one who is
 * preempted half way, as control threads are, does not keep the others spinning.
 *
 * That mode of rte_ring reads some of its own words plainly, so a ThreadSanitizer build takes the
 * other one. There, a sender that publishes after another orders that one's stores by x86's rules,
 * but not by C's; so in such a build senders of one ring take turns.
 */
#pragma once

#include <rte_ring.h>

#ifdef HG_TSAN
#include <pthread.h>
typedef pthread_mutex_t ring_turn;
#define ring_turn_init(turn) pthread_mutex_init(turn, NULL)
#define ring_turn_begin(turn) pthread_mutex_lock(turn)
#define ring_turn_end(turn) pthread_mutex_unlock(turn)
enum { RING_MANY_PUT = 0, RING_MANY_TAKE = 0 };
#else
typedef struct {} ring_turn;
#define ring_turn_init(turn) ((void)(turn))
#define ring_turn_begin(turn) ((void)(turn))
#define ring_turn_end(turn) ((void)(turn))
enum { RING_MANY_PUT = RING_F_MP_RTS_ENQ, RING_MANY_TAKE = RING_F_MC_RTS_DEQ };
#endif
