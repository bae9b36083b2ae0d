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

/* Telemetry takes no dash in a name, and leaves such an entry out. */
static void
add_count(struct rte_tel_data *d, enum drop_reason reason, uint64_t n_pkts)
{
	char name[RTE_TEL_MAX_STRING_LEN];
	snprintf(name, sizeof(name), "%s", drop_name(reason));
	for (char *dash = name; (dash = strchr(dash, '-'));)
		*dash = '_';
	rte_tel_data_add_dict_u64(d, name, n_pkts);
}

static int
answer_drops(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct drop_sample s = {0};
	gateway_sample_drops(the_gateway, &s);
	drop_sample_settle(&s);
	rte_tel_data_start_dict(d);
	for (unsigned r = 0; r < DROP_REASONS; r++) {
		const struct drop_cell cell = {.reason = (uint8_t)r};
		add_count(d, (enum drop_reason)r, drop_sample_count(&s, &cell));
	}
	drop_sample_fini(&s);
	return 0;
}

/* The cells of one scope and id, from *at on, as a dictionary; *at moves behind them. */
static struct rte_tel_data *
owner_data(const struct drop_sample *s, size_t *at)
{
	const struct drop_cell *first = &s->cells[*at];
	struct rte_tel_data *one = rte_tel_data_alloc();
	if (one)
		rte_tel_data_start_dict(one);
	for (; *at < s->n_cells && s->cells[*at].scope == first->scope &&
		s->cells[*at].id == first->id && s->cells[*at].generation == first->generation;
		(*at)++) {
		if (one)
			add_count(one, (enum drop_reason)s->cells[*at].reason,
				s->cells[*at].n_pkts);
	}
	return one;
}

static void
name_owner(const struct drop_cell *cell, char *name, size_t n_bytes)
{
	if (cell->scope == DROP_BY_OTHERS)
		snprintf(name, n_bytes, "others");
	else if (cell->scope == DROP_BY_PEER)
		snprintf(name, n_bytes, "peer_%u", cell->id);
	else if (cell->id < the_gateway->n_ports)
		snprintf(name, n_bytes, "%s", the_gateway->ports[cell->id].name);
	else
		snprintf(name, n_bytes, "tunnel_%u", cell->id - LINK_FIRST_TUNNEL);
}

static int
answer_parts(struct rte_tel_data *d, enum drop_scope first, enum drop_scope last)
{
	struct drop_sample s = {0};
	gateway_sample_drops(the_gateway, &s);
	drop_sample_settle(&s);
	rte_tel_data_start_dict(d);
	for (size_t at = 0; at < s.n_cells;) {
		const struct drop_cell *cell = &s.cells[at];
		char name[RTE_TEL_MAX_STRING_LEN];
		if (cell->scope < first || cell->scope > last) {
			at++;
			continue;
		}
		name_owner(cell, name, sizeof(name));
		struct rte_tel_data *one = owner_data(&s, &at);
		if (one && rte_tel_data_add_dict_container(d, name, one, 0))
			rte_tel_data_free(one); /* as many as telemetry takes */
	}
	drop_sample_fini(&s);
	return 0;
}

static int
answer_drops_by_port(const char *cmd, const char *params, struct rte_tel_data *d)
{
	return answer_parts(d, DROP_BY_LINK, DROP_BY_LINK);
}

static int
answer_drops_by_peer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	return answer_parts(d, DROP_BY_PEER, DROP_BY_OTHERS);
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
		rte_tel_data_add_dict_string(d, "crypto_backend", s->crypto.backend);
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
		{"/headgate/drops_by_port", "The same by port, or tunnel_ID. No parameters",
			answer_drops_by_port},
		{"/headgate/drops_by_peer", "The same by peer, as peer_ID. No parameters",
			answer_drops_by_peer},
		{"/headgate/peers", "Peers and their traffic in sum. No parameters", answer_peers},
	};
	the_gateway = g;
	for (unsigned i = 0; i < ARRAY_COUNT(commands); i++)
		rte_telemetry_register_cmd(commands[i].name, commands[i].answer, commands[i].help);
}
