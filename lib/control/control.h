/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control side: everything that is not the packet's path. It turns intents into tables,
 * twins and routes, answers the `wg` tool and the command line, runs the peers' timers and has
 * handshakes done on threads of their own.
 *
 *   file, wg, SIGHUP ──► intent_diff ──► reconcile ──┬─► tables ◄── workers
 *                                                    ├─► twins, addresses, routes (kernel)
 *   kernel ──► mirror ──► routes ────────────────────┤
 *   workers ──► events ──► timing ──► handshaker ────┴─► orders ──► workers
 *
 * One thread runs control_run; the functions here belong to it. It has no DPDK: what it must
 * know of ports and workers it asks of main through struct control_port_ops.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "host/adopt.h"
#include "host/exception.h"
#include "host/notify.h"
#include "host/restore.h"
#include "intent/intent.h"
#include "intent/status.h"
#include "mailbox/mail.h"
#include "tables/tables.h"
#include "telemetry/drop_sample.h"

struct tailnet_times;

/* One DPDK port, as main made it. */
struct control_port {
	char name[INTENT_PORT_NAME_BYTES];
	uint16_t link_id;
	struct mac mac;
	uint16_t mtu;
	bool is_attached;          /* false: not there yet; attach is tried again every second */
	char netdev[IF_NAMESIZE];  /* the kernel's netdev under it, or "": its carrier is watched */
	struct adoption *adoption; /* the twin takes over what the netdev has; NULL: nothing */
};

/* main's answers about ports and workers. Called by the control thread. */
struct control_port_ops {
	void *ctx;
	/* Fills *io and returns 0 once the device is there and started, else a negative errno. */
	int (*attach)(void *ctx, unsigned port_idx, struct control_port *io, struct err *err);
	void (*set_link)(void *ctx, unsigned port_idx, bool is_up);
	/* What the device itself says of its link: asked of attached ports without a netdev. */
	bool (*link_is_up)(void *ctx, unsigned port_idx);
	/* How many turns that worker has made in its life; NULL: nobody watches workers. */
	uint64_t (*worker_turns)(void *ctx, unsigned worker_idx);
	/* How many ports are attached and have a link; NULL: not known. */
	unsigned (*ports_up)(void *ctx);
	/* Fills ports' counters, workers and the crypto backend. */
	void (*fill_status)(void *ctx, struct status *status);
	/* Adds all workers' drop counters. */
	void (*sample_drops)(void *ctx, struct drop_sample *sample);
};

/* What the pointers lead to outlives the control, but for the intent, which it takes over. */
struct control_config {
	struct tables *tables;
	struct mailboxes *boxes;
	struct exception *exception;      /* NULL with Host = no */
	struct restore *restore;          /* NULL with Host = no */
	struct intent *intent;
	const char *const *config_paths;
	unsigned n_config_paths;
	const char *const *port_options;  /* --port texts, applied again on reload */
	unsigned n_port_options;
	struct control_port *ports;       /* in the intent's order */
	unsigned n_ports;
	const struct control_port_ops *port_ops;
	const struct notify *notify;      /* the service manager, or NULL */
	const struct protocol_times *times;
	const struct tailnet_times *tailnet_times;
	unsigned n_handshakers;
	unsigned n_workers;
};

struct control;

/*
 * Makes twins, tunnels and sockets, applies the intent and starts the handshake threads. On
 * failure all of it is undone again. 0 or a negative errno with a sentence.
 */
int control_create(const struct control_config *config, struct control **out, struct err *err);
/*
 * The loop, until SIGTERM or SIGINT; SIGHUP reloads the config files. The caller has blocked
 * these three since before control_create and ignores SIGPIPE; they are let through here. Logs
 * "headgate is ready" first. 0, or a negative errno when the loop broke.
 */
int control_run(struct control *c);
/* Joins the handshake threads and removes what was made. Before the exception thread ends. */
void control_destroy(struct control *c);
