/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "gateway.h"

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void
fill_port(const struct gateway *g, unsigned idx, struct status_port *out)
{
	const struct port *port = rcu_read(g->path.ports[idx]);
	memcpy(out->name, g->ports[idx].name, sizeof(out->name));
	snprintf(out->device, sizeof(out->device), "%s", g->port_intents[idx].device);
	if (!port)
		return;
	snprintf(out->driver, sizeof(out->driver), "%s", port->driver);
	snprintf(out->profile, sizeof(out->profile), "%s (%s)", port->profile.name,
		port->profile.source);
	snprintf(out->note, sizeof(out->note), "%s", port->profile.note);
	out->mac = port->mac;
	out->mtu = port->mtu;
	out->link_is_up = __atomic_load_n(&port->is_up, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		const struct link_counters *c = &g->workers[i]->links[idx];
		out->rx_pkts += load(&c->rx_pkts);
		out->rx_bytes += load(&c->rx_bytes);
		out->tx_pkts += load(&c->tx_pkts);
		out->tx_bytes += load(&c->tx_bytes);
	}
	if (port->vlan_id)
		return; /* what its device has dropped is counted at its parent */
	struct port_stats stats;
	port_stats_get(port, &stats);
	out->n_drops = stats.rx_missed + stats.rx_errors + stats.rx_no_buffer + stats.tx_errors;
	/* The AF_XDP driver does not count what found its ring full; the kernel does. */
	uint64_t netdev = gateway_netdev_drops(&g->ports[idx]);
	if (netdev > g->netdev_drops[idx])
		out->n_drops += netdev - g->netdev_drops[idx];
}

static void
fill_worker(const struct gateway *g, unsigned idx, struct status_worker *out)
{
	const struct worker *w = g->workers[idx];
	uint64_t turns = load(&w->n_turns);
	out->core = g->eal.worker_cores[idx];
	for (unsigned i = 0; i < TABLES_MAX_PORTS; i++) {
		const struct port *port = rcu_read(g->path.ports[i]);
		if (port && !port->vlan_id) /* a VLAN's packets are its parent's as well */
			out->n_pkts += load(&w->links[i].rx_pkts);
	}
	out->n_errors_sent = load(&w->answers.n_sent);
	out->n_errors_unsent = load(&w->answers.n_unsent);
	out->idle = turns ? 1.0 - (double)load(&w->n_busy_turns) / (double)turns : 1.0;
}

static void
fill_crypto(const struct aead_choice *c, struct status_crypto *out)
{
	snprintf(out->backend, sizeof(out->backend), "%s", c->backend->name);
	snprintf(out->why, sizeof(out->why), "%s", c->why);
	if (c->second.backend)
		snprintf(out->second_backend, sizeof(out->second_backend), "%s",
			c->second.backend->name);
	snprintf(out->second_why, sizeof(out->second_why), "%s", c->second_why);
}

void
gateway_sample_drops(void *ctx, struct drop_sample *sample)
{
	const struct gateway *g = ctx;
	for (unsigned i = 0; i < g->eal.n_workers; i++)
		drops_sample(g->workers[i], sample);
}

uint64_t
gateway_worker_turns(void *ctx, unsigned worker_idx)
{
	const struct gateway *g = ctx;
	return load(&g->workers[worker_idx]->n_turns);
}

unsigned
gateway_ports_up(void *ctx)
{
	const struct gateway *g = ctx;
	unsigned n = 0;
	for (unsigned i = 0; i < g->n_ports; i++) {
		const struct port *port = rcu_read(g->path.ports[i]);
		n += port && __atomic_load_n(&port->is_up, __ATOMIC_RELAXED);
	}
	return n;
}

void
gateway_fill_status(void *ctx, struct status *status)
{
	const struct gateway *g = ctx;
	snprintf(status->version, sizeof(status->version), "%s", HEADGATE_VERSION);
	fill_crypto(&g->crypto, &status->crypto);
	status->uptime_s = (clock_boot_ns() - g->started_ns) / NS_IN_S;
	status->now_s = clock_wall().s;
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		struct status_worker *w = status_add_worker(status);
		if (w)
			fill_worker(g, i, w);
	}
	for (unsigned i = 0; i < g->n_ports; i++) {
		struct status_port *p = status_add_port(status);
		if (p)
			fill_port(g, i, p);
	}
}
