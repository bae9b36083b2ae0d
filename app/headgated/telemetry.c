/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK telemetry's commands /headgate/…, for dpdk-telemetry.py. They run in telemetry's own
 * thread and read counters only.
 */
#include <rte_telemetry.h>
#include <stdio.h>
#include <string.h>

#include "gateway.h"
#include "port/compat.h"

/* Telemetry's callbacks carry no context; there is one gateway a process. */
static struct gateway *the_gateway;

static struct status *
fill(void)
{
	struct status *status = status_create();
	if (status)
		gateway_fill_status(the_gateway, status);
	return status;
}

static int
answer_drops(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct status *s = fill();
	rte_tel_data_start_dict(d);
	for (size_t i = 0; s && i < s->n_drops; i++) {
		char name[RTE_TEL_MAX_STRING_LEN];
		snprintf(name, sizeof(name), "%s", s->drops[i].name);
		/* Telemetry takes no dash in a name, and leaves such an entry out. */
		for (char *dash = name; (dash = strchr(dash, '-'));)
			*dash = '_';
		rte_tel_data_add_dict_u64(d, name, s->drops[i].n_pkts);
	}
	status_destroy(s);
	return 0;
}

static struct rte_tel_data *
port_data(const struct status_port *p)
{
	struct rte_tel_data *one = rte_tel_data_alloc();
	if (!one)
		return NULL;
	rte_tel_data_start_dict(one);
	rte_tel_data_add_dict_string(one, "driver", p->driver);
	rte_tel_data_add_dict_int(one, "link_is_up", p->link_is_up);
	rte_tel_data_add_dict_u64(one, "rx_packets", p->rx_pkts);
	rte_tel_data_add_dict_u64(one, "rx_bytes", p->rx_bytes);
	rte_tel_data_add_dict_u64(one, "tx_packets", p->tx_pkts);
	rte_tel_data_add_dict_u64(one, "tx_bytes", p->tx_bytes);
	return one;
}

static int
answer_ports(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct status *s = fill();
	rte_tel_data_start_dict(d);
	for (size_t i = 0; s && i < s->n_ports; i++) {
		struct rte_tel_data *one = port_data(&s->ports[i]);
		if (one)
			rte_tel_data_add_dict_container(d, s->ports[i].name, one, 0);
	}
	status_destroy(s);
	return 0;
}

static int
answer_status(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct status *s = fill();
	rte_tel_data_start_dict(d);
	if (s) {
		rte_tel_data_add_dict_string(d, "version", s->version);
		rte_tel_data_add_dict_u64(d, "uptime_s", s->uptime_s);
		rte_tel_data_add_dict_string(d, "crypto_backend", s->crypto_backend);
		rte_tel_data_add_dict_u64(d, "workers", s->n_workers);
		rte_tel_data_add_dict_u64(d, "ports", s->n_ports);
	}
	status_destroy(s);
	return 0;
}

/* Peers by id: the tables' view, without keys. */
static int
answer_peers(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const struct tables *t = the_gateway->tables;
	uint64_t n_live = 0, n_sessions = 0, tx = 0, rx = 0;
	uint32_t end = __atomic_load_n(&t->peers.next_fresh, __ATOMIC_ACQUIRE);
	for (uint32_t id = 1; id < end; id++) {
		const struct peer_entry *p = tables_peer(t, id);
		if (!__atomic_load_n(&p->is_live, __ATOMIC_ACQUIRE))
			continue;
		n_live++;
		n_sessions += __atomic_load_n(&p->tx, __ATOMIC_RELAXED) != NULL;
		tx += __atomic_load_n(&p->tx_bytes, __ATOMIC_RELAXED);
		rx += __atomic_load_n(&p->rx_bytes, __ATOMIC_RELAXED);
	}
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_u64(d, "peers", n_live);
	rte_tel_data_add_dict_u64(d, "with_session", n_sessions);
	rte_tel_data_add_dict_u64(d, "tx_bytes", tx);
	rte_tel_data_add_dict_u64(d, "rx_bytes", rx);
	return 0;
}

void
gateway_telemetry_start(struct gateway *g)
{
	static const struct {
		const char *name, *help;
		telemetry_cb answer;
	} commands[] = {
		{"/headgate/status", "Version, uptime, crypto backend. No parameters",
			answer_status},
		{"/headgate/ports", "Counters of each port. No parameters", answer_ports},
		{"/headgate/drops", "Packets dropped, by reason. No parameters", answer_drops},
		{"/headgate/peers", "Peers and their traffic in sum. No parameters", answer_peers},
	};
	the_gateway = g;
	for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
		rte_telemetry_register_cmd(commands[i].name, commands[i].answer, commands[i].help);
}
