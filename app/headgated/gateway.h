/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole process as main puts it together: who is made, in which order, and who is told of whom.
 */
#pragma once

#include "base/err.h"
#include "control/control.h"
#include "eal.h"
#include "options.h"
#include "path/worker.h"
#include "port/profile.h"

struct gateway {
	struct eal eal;
	struct intent *intent;        /* control's once that stands */
	bool is_host;
	struct profiles profiles;     /* what is known of drivers */
	struct rte_mempool *pool;
	struct mailboxes boxes;
	struct tables *tables;
	struct aead_choice crypto;
	struct path_config path;
	struct worker *workers[PATH_MAX_WORKERS];
	bool stop_workers;
	bool workers_run;
	struct exception *exception;
	struct notify notify;
	struct netlink *netlink;
	struct restore *restore;
	struct port_intent *port_intents; /* copies: what attach needs of each port */
	struct control_port ports[TABLES_MAX_PORTS];
	uint64_t netdev_drops[TABLES_MAX_PORTS]; /* as they were when the port was opened */
	unsigned n_ports;
	struct control_port_ops port_ops;
	struct control *control;
	ns_t started_ns;
};

/* Ports: attach (and take the netdev underneath), link state, counters. ports.c */
int gateway_port_attach(void *ctx, unsigned port_idx, struct control_port *io, struct err *err);
void gateway_port_set_link(void *ctx, unsigned port_idx, bool is_up);
bool gateway_port_link_is_up(void *ctx, unsigned port_idx);
/* Opens what is there; what is not yet there is left to control. */
int gateway_ports_open(struct gateway *g, struct err *err);
void gateway_ports_close(struct gateway *g);

/* What the kernel dropped on a port's netdev before the driver saw it; 0 without one. ports.c */
uint64_t gateway_netdev_drops(const struct control_port *port);

/* For control_port_ops. status.c */
uint64_t gateway_worker_turns(void *ctx, unsigned worker_idx);
unsigned gateway_ports_up(void *ctx);
/* The status of ports, workers and the crypto backend. status.c */
void gateway_fill_status(void *ctx, struct status *status);
/* Adds the drop counters of all workers. Any thread. status.c */
void gateway_sample_drops(void *ctx, struct drop_sample *sample);
/* DPDK telemetry's commands /headgate/…. telemetry.c */
void gateway_telemetry_start(struct gateway *g);
