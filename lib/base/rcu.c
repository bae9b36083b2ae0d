/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rcu.h"

#include "base/bytes.h"

#ifdef HG_TSAN
char rcu_tsan_token;
#endif

static void
retired(struct rcu_head *head)
{
	struct rcu_node *node = CONTAINER_OF(head, struct rcu_node, head);
	RCU_TSAN_ACQUIRE(node);
	RCU_TSAN_ACQUIRE(&rcu_tsan_token);
	node->free(node);
	RCU_TSAN_RELEASE(&rcu_tsan_token);
}

void
rcu_retire(struct rcu_node *node, void (*free_fn)(struct rcu_node *))
{
	node->free = free_fn;
	RCU_TSAN_RELEASE(node);
	urcu_qsbr_call_rcu(&node->head, retired);
}

void
rcu_wait_readers(void)
{
	urcu_qsbr_synchronize_rcu();
	RCU_TSAN_ACQUIRE(&rcu_tsan_token);
}

void
rcu_wait_retired(void)
{
	urcu_qsbr_barrier();
	RCU_TSAN_ACQUIRE(&rcu_tsan_token);
}

#ifdef HG_TSAN
/* liburcu itself is not instrumented: what it does inside its barrier and its queues is its own. */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
	return "race:liburcu-qsbr\n";
}
#endif
