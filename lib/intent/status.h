/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status: the intent's mirror, the state of the running process as one value. Control fills
 * it; the CLI, the UAPI and metrics print it. Counters are since start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/key.h"
#include "intent/intent.h"

/* Which AEAD backend carries the traffic, which one helps it, each with the reason. */
struct status_crypto {
	char backend[32];
	char why[384];
	char second_backend[32]; /* "": there is none */
	char second_why[320];
};

struct status_worker {
	uint32_t core;
	uint64_t n_pkts;
	double idle; /* share of its turns that found nothing, 0 to 1 */
	uint64_t n_errors_sent;   /* ICMP errors about dropped packets */
	uint64_t n_errors_unsent; /* not sent: too many, no address or no buffer */
};

struct status_port {
	char name[INTENT_PORT_NAME_BYTES];
	char device[256];
	char driver[64];
	char profile[192]; /* the driver's, and where it comes from */
	char note[384];   /* the known limits of its driver, or "" */
	struct mac mac;
	bool link_is_up;
	uint16_t mtu;
	uint64_t rx_pkts, rx_bytes, tx_pkts, tx_bytes;
	uint64_t n_drops;
	struct prefix_list addresses;
};

/* A drop reason: its name and sentence live as long as the program. */
struct status_drop {
	const char *name;
	const char *text;
	uint64_t n_pkts;
	double per_s, per_s_10; /* over the last second, and the last ten */
};

/* A part of a reason's drops: by the link they came in by, or by the peer they concern. */
struct status_drop_part {
	char owner[INTENT_PORT_NAME_BYTES > INTENT_NAME_BYTES ? INTENT_PORT_NAME_BYTES
							      : INTENT_NAME_BYTES];
	char peer_name[PEER_NAME_BYTES]; /* may be empty */
	struct key public_key;           /* of a peer; zero: of other peers */
	struct status_drop drop;
};

/* How a node of the tailnet is reached. */
struct status_path {
	bool is_node;                    /* without it the rest is nothing */
	bool is_active;                  /* data is sent to it, or waits */
	struct endpoint cur_addr;        /* where it is reached directly; none: nowhere */
	uint64_t latency_ns;             /* with cur_addr: of its last pong */
	char why[128];                   /* there is no cur_addr; "" with one */
};

struct status_peer {
	struct key public_key;
	char name[PEER_NAME_BYTES];
	struct key psk; /* secret: UAPI only */
	bool has_psk;
	bool has_session;
	bool parked; /* no session and nothing to send: its timers rest */
	uint16_t keepalive_s;
	uint32_t session_age_s; /* with has_session */
	struct endpoint endpoint;
	struct wall_time last_handshake; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
	struct status_path path;
	struct prefix *allowed_ips; /* owned */
	size_t n_allowed_ips;
};

struct status_interface {
	char name[INTENT_NAME_BYTES];
	struct key private_key; /* secret: UAPI only; zero: none */
	struct key public_key;
	uint16_t listen_port;
	uint32_t fwmark;
	uint16_t mtu;
	struct prefix_list addresses;
	struct status_peer *peers;
	size_t n_peers;
};

struct status_filter_rule {
	char *text;          /* owned */
	uint64_t n_hits;     /* new packets it has allowed */
};

/* What nodes of the tailnet may reach here at most: "192.168.10.0/24", "1.0.0.0-9.255.255.255". */
struct status_filter_local {
	char text[2 * ADDR_TEXT_BYTES];
};

struct status_filter {
	bool is_on;          /* without it the rest is nothing */
	bool is_strict_tcp;
	uint32_t n_flows, max_flows;
	struct status_filter_rule *rules;
	size_t n_rules;
	struct status_filter_local *local; /* none: there is no tailnet */
	size_t n_local;
};

/* A network to which packets out of a tunnel go with an address of the box. */
struct status_nat_network {
	char on[INTENT_NAME_BYTES];
	struct prefix prefix;
};

struct status_nat {
	bool is_on;          /* without it the rest is nothing */
	uint32_t n_tcp, n_udp, n_icmp, max_flows;
	uint16_t first_port, last_port;
	struct status_nat_network *networks;
	size_t n_networks;
};

/* A node of the tailnet as its server tells of it. */
struct status_node {
	struct key key;
	char name[256];        /* its DNS name, without the last dot */
	char tags[128];        /* "tag:a,tag:b" */
	struct addr addresses[4];
	unsigned n_addresses;
	bool is_online;        /* a hint and no more */
	bool is_exit;          /* hosts behind us reach the internet by it */
	bool offers_exit;      /* they could */
	int64_t key_expiry_s;  /* calendar time; 0: never */
	int64_t last_seen_s;   /* 0: not told */
};

/* Our membership in a tailnet; on is "" without one. */
struct status_tailnet {
	char on[INTENT_NAME_BYTES];
	char server[HEADSCALE_TEXT_BYTES];
	char phase[32];        /* "running" */
	char trouble[512];     /* a sentence; "": none */
	char auth_url[512];    /* to be opened by a person; "": none */
	char login[128];       /* whose node we are */
	char name[256];        /* ours in the tailnet */
	uint64_t since_s;      /* of the phase: calendar time */
	uint64_t key_expiry_s; /* the same; 0: never */
	size_t n_peers;        /* that came by the tailnet */
	int64_t skew_s;        /* the server's clock ahead of ours; 0: much the same */
	char exit_trouble[512]; /* a sentence; "": ExitNode is there, or none is wanted */
	char unapproved[256];  /* of what we offer, as far as the server has told; "": nothing */
	bool has_self;
	struct status_node self;
	struct status_node *nodes; /* owned; the peers */
	size_t n_nodes;
};

struct status {
	char version[32];
	uint64_t uptime_s;
	uint64_t now_s; /* wall clock, so that a reader can tell ages */
	struct status_crypto crypto;
	struct status_tailnet tailnet;
	struct status_worker *workers;
	size_t n_workers;
	struct status_port *ports;
	size_t n_ports;
	struct status_drop *drops;
	size_t n_drops;
	struct status_drop_part *drops_by_port;
	size_t n_drops_by_port;
	struct status_drop_part *drops_by_peer;
	size_t n_drops_by_peer;
	struct status_interface *interfaces;
	size_t n_interfaces;
	struct status_filter filter;
	struct status_nat nat;
};

/* NULL when memory is short. */
struct status *status_create(void);
/* Frees all and wipes the secrets. s may be NULL. */
void status_destroy(struct status *s);

/*
 * Each appends a zeroed item and returns it, or NULL when memory is short. The pointer holds
 * until the next add to the same list.
 */
struct status_worker *status_add_worker(struct status *s);
struct status_port *status_add_port(struct status *s);
struct status_drop *status_add_drop(struct status *s);
struct status_drop_part *status_add_drop_by_port(struct status *s);
struct status_drop_part *status_add_drop_by_peer(struct status *s);
struct status_interface *status_add_interface(struct status *s);
struct status_filter_rule *status_add_filter_rule(struct status *s);
struct status_filter_local *status_add_filter_local(struct status *s);
struct status_nat_network *status_add_nat_network(struct status *s);
struct status_peer *status_add_peer(struct status_interface *i);
/* 0 or -ENOMEM. */
int status_add_allowed(struct status_peer *p, const struct prefix *prefix);

/*
 * One interface alone, as the UAPI asks for it: fini wipes and frees what stands in it, not *i,
 * which may be on the stack.
 */
void status_interface_fini(struct status_interface *i);
