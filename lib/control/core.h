/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the control side share: struct control itself. Each part works on it through
 * the functions of its own header; the control thread alone touches it.
 */
#pragma once

#include <uv.h>

#include "control/control.h"
#include "control/drops.h"
#include "control/handshaker.h"
#include "control/hook.h"
#include "control/membership.h"
#include "control/outside.h"
#include "control/path_mtus.h"
#include "control/peers.h"
#include "control/quick_default.h"
#include "control/reacher.h"
#include "control/resolver.h"
#include "control/routes.h"
#include "control/server.h"
#include "control/timing.h"
#include "control/watchdog.h"
#include "host/netlink.h"
#include "host/twin.h"
#include "intent/change.h"

/* A port's kernel twin. */
struct port_twin {
	struct twin twin;
	bool is_made;
	bool link_is_known, link_is_up; /* of a port without a netdev, as last asked */
};

struct control;

enum iface_stage {
	IFACE_COMING,  /* there, without routes and the like until all that is to come has come */
	IFACE_ROUTED,  /* PostUp runs */
	IFACE_UP,
	IFACE_LEAVING, /* PreDown has run */
};

/* A WireGuard interface. */
struct control_iface {
	struct control *control;
	char name[INTENT_NAME_BYTES];
	bool is_live;
	enum iface_stage stage;
	uint16_t iface_id;
	struct twin tun;           /* with Host = yes */
	uint16_t listen_port;      /* the real one; 0: none yet */
	struct addr listen_addrs[INTENT_MAX_LISTEN_ADDRS];
	unsigned n_listen_addrs;   /* 0: any */
	bool is_listening;         /* the exception thread holds it */
	uint32_t fwmark;           /* of its outer packets */
	uint32_t fwmark_asked;     /* as the intent has it; 0: none */
	uint16_t mtu;
	struct quick_default quick;
	bool has_exit;             /* its default route is ExitNode's: membership_exit.h */
	bool hooks_are_new;        /* since they were noted for the restore */
	bool has_dns;              /* resolvconf or resolvectl has its name servers */
	struct server uapi, ctl;
};

struct control {
	/* As given. */
	struct tables *tables;
	struct mailboxes *boxes;
	struct exception *exception;
	struct control_config config;

	/* What runs, and what was asked of the kernel for it. */
	struct intent *running;
	struct port_twin twins[TABLES_MAX_PORTS];
	struct control_iface ifaces[TABLES_MAX_IFACES];
	struct netlink *netlink;   /* NULL with Host = no */
	struct routes *routes;

	/* Peers. */
	struct peers peers;
	struct handshaker handshaker;
	struct timing timing;
	struct resolver resolver;

	struct membership membership; /* in a tailnet */
	struct reacher reacher;       /* the paths to its nodes */
	struct outside outside;       /* how the world sees us */

	struct drops drops;
	struct path_mtus path_mtus;

	/* The loop. */
	uv_loop_t loop;
	uv_timer_t turn_timer, tick_timer;
	uv_signal_t signals[3];   /* SIGTERM, SIGINT, SIGHUP */
	uv_poll_t routes_poll;
	struct hook_runner hooks;
	bool has_loop;
	bool is_ending;            /* SIGTERM or SIGINT came */
	bool is_changing;          /* from one intent to another, running hooks maybe */
	bool reload_is_wanted;
	struct server_client *reload_asker; /* who waits for its end at a ctl socket, or NULL */
	bool marks_were_ignored;   /* src_valid_mark was 0 */
	bool is_starting;          /* the first intent is being applied */
	bool is_stopping;          /* devices go soon, and their routes with them */
	ns_t started_ns;

	/* What the service manager hears. */
	struct watchdog watchdog;
	unsigned n_ticks;
};

static inline bool
control_has_host(const struct control *c)
{
	return c->netlink;
}

