/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/natting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/membership_local.h"
#include "nat/nat.h"

/* What an exit node does not translate unless SNAT names it: membership_local.h. */
static const char *const private[] = {EXIT_PRIVATE_NETWORKS};
static const char *const internet[] = {"0.0.0.0/0", "::/0"};

static size_t
count_of(const struct interface_intent *it)
{
	const struct headscale_intent *h = it->headscale;
	bool is_exit = h && h->offers_exit;
	return it->snat.n +
	       (is_exit ? h->routes.n + ARRAY_COUNT(private) + ARRAY_COUNT(internet) : 0);
}

static size_t
count_networks(const struct intent *it)
{
	size_t n = 0;
	for (size_t i = 0; i < it->n_interfaces; i++)
		n += count_of(it->interfaces[i]);
	return n;
}

/* Where networks are gathered; there is room for count_networks. */
struct collected {
	struct nat_network *items;
	uint32_t n;
	uint16_t tunnel; /* whose they are */
};

static void
collect_one(struct collected *out, const struct prefix *p, bool is_exempt)
{
	out->items[out->n++] = (struct nat_network){
		.tunnel = out->tunnel, .is_exempt = is_exempt, .prefix = prefix_masked(p)};
}

static void
collect_list(struct collected *out, const struct prefix_list *l, bool is_exempt)
{
	for (size_t i = 0; i < l->n; i++)
		collect_one(out, &l->items[i], is_exempt);
}

static void
collect_texts(struct collected *out, const char *const *texts, size_t n, bool is_exempt)
{
	struct prefix p;
	for (size_t i = 0; i < n; i++) {
		if (!prefix_parse(texts[i], &p))
			collect_one(out, &p, is_exempt);
	}
}

/* Of all interfaces that are there: what SNAT names, and then what goes into the internet. */
static uint32_t
collect(struct control *c, struct nat_network *items)
{
	struct collected out = {.items = items};
	for (size_t i = 0; i < c->running->n_interfaces; i++) {
		const struct interface_intent *it = c->running->interfaces[i];
		const struct control_iface *iface = iface_find(c, it->name);
		if (!iface)
			continue;
		out.tunnel = iface->iface_id;
		collect_list(&out, &it->snat, false);
		if (!it->headscale || !it->headscale->offers_exit)
			continue;
		collect_list(&out, &it->headscale->routes, true);
		collect_texts(&out, private, ARRAY_COUNT(private), true);
		collect_texts(&out, internet, ARRAY_COUNT(internet), false);
	}
	return out.n;
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
	size_t n = count_networks(c->running);
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

static int
report_network(struct control *c, const struct nat_network *network, struct status *s)
{
	struct status_nat_network *out = status_add_nat_network(s);
	if (!out)
		return -ENOMEM;
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++) {
		if (c->ifaces[i].is_live && c->ifaces[i].iface_id == network->tunnel)
			snprintf(out->on, sizeof(out->on), "%s", c->ifaces[i].name);
	}
	out->prefix = network->prefix;
	return 0;
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
	for (uint32_t i = 0; i < n->n_matches; i++) {
		const struct nat_network *network = &n->matches[i].network;
		if (!network->is_exempt && report_network(c, network, s))
			return -ENOMEM;
	}
	return 0;
}
