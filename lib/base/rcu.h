/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read-copy-update: the one place that picks liburcu's QSBR flavour. A reader thread registers,
 * reports a quiescent state when it holds no pointer from a table (a worker: once per turn), and
 * goes offline before it sleeps. A writer publishes with rcu_publish and hands what it replaced
 * to rcu_retire; it is freed once every online reader has been quiescent.
 *
 * ThreadSanitizer cannot see QSBR's fences, so it is told what they order, and no more: what a
 * reader did before it was quiescent comes before what is done after a grace period. That a
 * reader sees what was published is left to rcu_publish and rcu_read to prove. Use only the
 * names of this header, never liburcu's.
 */
#pragma once

#include <urcu/urcu-qsbr.h>

#ifdef HG_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char rcu_tsan_token;
#define RCU_TSAN_ACQUIRE(p) __tsan_acquire(p)
#define RCU_TSAN_RELEASE(p) __tsan_release(p)
#else
#define RCU_TSAN_ACQUIRE(p) ((void)0)
#define RCU_TSAN_RELEASE(p) ((void)0)
#endif

/* Embed this in what is retired. */
struct rcu_node {
	struct rcu_head head;
	void (*free)(struct rcu_node *);
};

/* Pairs with rcu_publish: what the pointer leads to is seen whole. */
#define rcu_read(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)
/* Makes all writes to *v visible before v itself stands in p. Writers only. */
#define rcu_publish(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

static inline void
rcu_reader_register(void)
{
	urcu_qsbr_register_thread();
}

static inline void
rcu_reader_unregister(void)
{
	RCU_TSAN_RELEASE(&rcu_tsan_token);
	urcu_qsbr_unregister_thread();
}

/* The caller holds no pointer it read before this call. */
static inline void
rcu_reader_quiescent(void)
{
	RCU_TSAN_RELEASE(&rcu_tsan_token);
	urcu_qsbr_quiescent_state();
}

static inline void
rcu_reader_offline(void)
{
	RCU_TSAN_RELEASE(&rcu_tsan_token);
	urcu_qsbr_thread_offline();
}

static inline void
rcu_reader_online(void)
{
	urcu_qsbr_thread_online();
}

/*
 * Calls node->free(node) after a grace period, from liburcu's own thread. Any registered thread
 * may call it. The object must already be unreachable for new readers.
 */
void rcu_retire(struct rcu_node *node, void (*free_fn)(struct rcu_node *));

/* Waits until all readers have been quiescent. Never from a reader that is online. */
void rcu_wait_readers(void);

/* Waits until everything retired so far has been freed. At shutdown and in tests. */
void rcu_wait_retired(void);
