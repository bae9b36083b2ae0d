/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat/nat.h"

#include "tables/tables.h"

static void
free_nat(struct rcu_node *node)
{
	nat_destroy(CONTAINER_OF(node, struct nat, rcu));
}

void
tables_nat_set(struct tables *t, struct nat *nat)
{
	pthread_mutex_lock(&t->lock);
	struct nat *was = t->nat;
	rcu_publish(t->nat, nat);
	if (was) {
		was->owns_flows = !nat || nat->flows != was->flows;
		rcu_retire(&was->rcu, free_nat);
	}
	pthread_mutex_unlock(&t->lock);
}
