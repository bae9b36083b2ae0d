/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/natting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "nat/nat.h"

static uint32_t
count_networks(const struct intent *it)
{
	size_t n = 0;
	for (size_t i = 0; i < it->n_interfaces; i++)
		n += it->interfaces[i]->snat.n;
	return (uint32_t)n;
}

/* Of all interfaces that are there; out has room for count_networks. */
static uint32_t
collect(struct control *c, struct nat_network *out)
{
	uint32_t n = 0;
	for (size_t i = 0; i < c->running->n_interfaces; i++) {
		const struct interface_intent *it = c->running->interfaces[i];
		const struct control_iface *iface = iface_find(c, it->name);
		for (size_t k = 0; iface && k < it->snat.n; k++) {
			out[n].tunnel = iface->iface_id;
			out[n++].prefix = prefix_masked(&it->snat.items[k]);
		}
	}
	return n;
}

/* The kernel gives its own sockets ports as well. */
static void
warn_of_overlap(const struct control *c, const struct nat_plan *plan)
{
	unsigned first = 0, last = 0;
	FILE *f = control_has_host(c) ? fopen("/proc/sys/net/ipv4/ip_local_port_range", "re") :
					NULL;
	int n = f ? fscanf(f, "%u %u", &first, &last) : 0;
	if (f)
		fclose(f);
	if (n == 2 && first <= plan->last_port && plan->first_port <= last)
		log_warn("SNATPorts %u-%u overlap the kernel's net.ipv4.ip_local_port_range "
			"%u-%u: replies to programs of this box may be taken for translated "
			"flows; give SNAT other ports", plan->first_port, plan->last_port, first,
			last);
}

static int
publish(struct control *c, const struct nat_plan *plan, struct err *err)
{
	const struct nat *was = c->tables->nat;
	if (!plan->n_networks) {
		tables_nat_set(c->tables, NULL);
		return 0;
	}
	bool keeps = was && was->ports.first == plan->first_port &&
		     was->ports.last == plan->last_port && was->n_flows == plan->n_flows;
	struct nat *now = nat_create(plan, keeps ? was->flows : NULL, err);
	if (!now)
		return -ENOMEM;
	if (!keeps)
		warn_of_overlap(c, plan);
	tables_nat_set(c->tables, now);
	return 0;
}

int
natting_settle(struct control *c, struct err *err)
{
	const struct gateway_intent *g = &c->running->gateway;
	uint32_t n = count_networks(c->running);
	struct nat_network *networks = calloc(n + 1, sizeof(*networks));
	if (!networks)
		return err_set(err, -ENOMEM, "no memory for SNAT");
	const struct nat_plan plan = {
		.first_port = g->snat_first_port ? g->snat_first_port :
			(uint16_t)INTENT_SNAT_FIRST_PORT,
		.last_port = g->snat_first_port ? g->snat_last_port :
			(uint16_t)INTENT_SNAT_LAST_PORT,
		.n_flows = g->snat_flows ? g->snat_flows : (uint32_t)INTENT_SNAT_FLOWS,
		.networks = networks,
		.n_networks = collect(c, networks),
		.udp_in_use = c->tables->iface_by_port,
	};
	const struct nat *was = c->tables->nat;
	int rc = 0;
	if (was ? !nat_is_as_planned(was, &plan) : plan.n_networks > 0)
		rc = publish(c, &plan, err);
	free(networks);
	return rc;
}

int
natting_report(struct control *c, struct status *s)
{
	const struct nat *n = c->tables->nat;
	if (!n)
		return 0;
	struct nat_counts counts = nat_table_count(n->flows, nat_tick(clock_boot_ns()));
	s->nat = (struct status_nat){.is_on = true,
		.n_tcp = counts.tcp,
		.n_udp = counts.udp,
		.n_icmp = counts.icmp,
		.max_flows = n->n_flows,
		.first_port = n->ports.first,
		.last_port = n->ports.last};
	for (size_t i = 0; i < c->running->n_interfaces; i++) {
		const struct interface_intent *it = c->running->interfaces[i];
		for (size_t k = 0; k < it->snat.n; k++) {
			struct status_nat_network *network = status_add_nat_network(s);
			if (!network)
				return -ENOMEM;
			snprintf(network->on, sizeof(network->on), "%s", it->name);
			network->prefix = it->snat.items[k];
		}
	}
	return 0;
}
