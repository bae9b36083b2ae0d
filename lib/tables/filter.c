/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/filter.h"

#include "tables/tables.h"

static void
free_filter(struct rcu_node *node)
{
	filter_destroy(CONTAINER_OF(node, struct filter, rcu));
}

void
tables_filter_set(struct tables *t, struct filter *filter)
{
	pthread_mutex_lock(&t->lock);
	struct filter *was = t->filter;
	rcu_publish(t->filter, filter);
	if (was) {
		was->owns_flows = !filter || filter->flows != was->flows;
		rcu_retire(&was->rcu, free_filter);
	}
	pthread_mutex_unlock(&t->lock);
}
