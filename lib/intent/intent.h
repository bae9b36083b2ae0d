/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The intent: what the whole process should be, as one value. The config file, the `wg` tool and
 * Headscale each produce or change one; control turns the difference between two (intent/change.h)
 * into table updates. It opens nothing and knows nobody. Its owner is one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/key.h"
#include "base/log.h"
#include "intent/headscale.h"
#include "intent/hooks.h"
#include "intent/peers.h"
#include "intent/prefixes.h"

enum {
	INTENT_NAME_BYTES = 16,      /* of an interface: the kernel's limit, with the end */
	INTENT_PORT_NAME_BYTES = 13, /* leaves room for "hg-", the twin's name */
	INTENT_MAX_PORTS = 32,
	INTENT_MAX_INTERFACES = 256,
	INTENT_MAX_LISTEN_ADDRS = 8,
	INTENT_LISTEN_BYTES = INTENT_MAX_LISTEN_ADDRS * (ADDR_TEXT_BYTES + 1),
	INTENT_MAX_NEIGHBOURS = 4096, /* of one port */
	INTENT_MAX_WARNINGS = 32,
	INTENT_MAX_FWMARKS = 8,       /* different ones: each has routes of its own */
	INTENT_MTU_MIN = 576,
	INTENT_MTU_MAX = 16000,
	INTENT_SNAT_FIRST_PORT = 61000, /* behind what the kernel gives to its own sockets */
	INTENT_SNAT_LAST_PORT = 65535,
	INTENT_SNAT_FLOWS = 65536,
	INTENT_SNAT_FLOWS_MIN = 1024,
	INTENT_SNAT_FLOWS_MAX = 1 << 24,
	INTENT_WHERE_BYTES = 272,
	INTENT_DNS_BYTES = 2048, /* of a DNS list, with the end */
};

enum idle_mode {
	IDLE_SLEEP,
	IDLE_POLL,
};

enum netfilter_mode {
	NETFILTER_REFUSE, /* start refuses when the kernel has rules that would be bypassed */
	NETFILTER_IGNORE,
};

enum checksum_mode {
	CHECKSUM_AUTO,
	CHECKSUM_COMPLETE,
	CHECKSUM_TRUST,
};

enum table_mode {
	TABLE_AUTO, /* routes from allowed-ips go into the main table */
	TABLE_OFF,
	TABLE_NUMBER, /* …into this one */
};

enum {
	HUGEPAGES_AUTO = -1, /* else 0: none, else MiB */
	CONTROL_CORE_ANY = -1,
};

/* [Gateway]: options of the process. */
struct gateway_intent {
	struct origin origin;
	char workers[128]; /* core list for core_set_parse; empty: all but one */
	int32_t control_core;
	int32_t hugepages_mib;
	enum idle_mode idle;
	bool host; /* kernel twins and netlink mirror */
	enum netfilter_mode netfilter;
	enum log_level log_level;
	char crypto[32]; /* backend's name; empty: the fastest that passes its self-test */
	struct origin crypto_origin;
	uint16_t snat_first_port, snat_last_port; /* that SNAT may take; 0: the usual ones */
	uint32_t snat_flows;                      /* at a time; 0: the usual number */
};

/* A static next hop, for Host = no. */
struct neighbour_intent {
	struct addr ip;
	struct mac mac;
};

/* [Port NAME]: a NIC. */
struct port_intent {
	char name[INTENT_PORT_NAME_BYTES];
	struct origin origin;
	char device[256]; /* PCI address or DPDK vdev string */
	struct prefix_list addresses;
	struct addr gateway_v4, gateway_v6; /* family ADDR_NONE: none */
	uint16_t mtu;                       /* 0: the device's own */
	uint16_t n_queues;                  /* 0: one for each worker */
	enum checksum_mode checksum;
	bool never_adopts; /* Adopt = no; else, without addresses here, the netdev's are taken */
	struct neighbour_intent *neighbours;
	size_t n_neighbours;
};

/* [Interface] and its [Peer]s: a WireGuard interface. */
struct interface_intent {
	char name[INTENT_NAME_BYTES];
	struct origin origin;
	struct key private_key; /* zero unless has_key */
	bool has_key;
	uint16_t listen_port; /* 0: any */
	struct addr listen_addrs[INTENT_MAX_LISTEN_ADDRS];
	unsigned n_listen_addrs; /* 0: any of the box's own */
	uint32_t fwmark;      /* 0: off */
	uint16_t mtu;         /* 0: from the underlay */
	bool keeps_mss;       /* ClampMSS = no: TCP's SYNs pass as they are */
	enum table_mode table;
	uint32_t table_id; /* with TABLE_NUMBER */
	struct prefix_list addresses;
	struct prefix_list snat; /* what peers send there by a port leaves with the box's address */
	struct hook_list hooks;
	char *dns;       /* "10.0.0.1,fd00::1,example.org"; NULL: none */
	char *save_path; /* the file that gets the running state at the end; NULL: none */
	struct headscale_intent *headscale; /* the tailnet that it is a node of; NULL: none */
	struct peer_set peers;
};

struct filter_plan;

struct intent {
	struct gateway_intent gateway;
	struct filter_plan *filter;   /* filter/rule.h; owned; NULL: all may pass */
	struct origin filter_origin;
	struct port_intent *ports[INTENT_MAX_PORTS]; /* in the order in which they came */
	size_t n_ports;
	struct interface_intent *interfaces[INTENT_MAX_INTERFACES];
	size_t n_interfaces;
	char **files; /* names that origins point to; file_id 1 is files[0] */
	uint32_t n_files;
	char *warnings[INTENT_MAX_WARNINGS]; /* sentences for a person; not part of the state */
	size_t n_warnings;
};

/* An intent with every default and nothing in it, or NULL when memory is short. */
struct intent *intent_create(void);
/* Wipes the secrets. it may be NULL. */
void intent_destroy(struct intent *it);
/* A deep copy, without the warnings; NULL when memory is short. */
struct intent *intent_copy(const struct intent *it);

/* The id of a file's name for origins, the same for the same name; 0 when memory is short. */
uint32_t intent_file_id(struct intent *it, const char *file);
/* "wg0.conf:12", or "the running state" for an origin in no file. Returns out. */
const char *intent_where(
	const struct intent *it, struct origin origin, char out[INTENT_WHERE_BYTES]);
/* Keeps a sentence to be shown beside the result; past INTENT_MAX_WARNINGS they are left out. */
void intent_warn(struct intent *it, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each find returns NULL when there is none of that name. */
struct port_intent *intent_port_find(const struct intent *it, const char *name);
struct interface_intent *intent_interface_find(const struct intent *it, const char *name);
/*
 * Each add appends one with its defaults. NULL with errno set: EEXIST, EINVAL (not a valid name),
 * ENOSPC (the table is full), ENOMEM.
 */
struct port_intent *intent_port_add(struct intent *it, const char *name);
struct interface_intent *intent_interface_add(struct intent *it, const char *name);
void intent_port_remove(struct intent *it, struct port_intent *p);
void intent_interface_remove(struct intent *it, struct interface_intent *i);

/* Whether the kernel takes it as a link's name of less than max_bytes, in plain characters. */
bool intent_name_is_valid(const char *name, size_t max_bytes);

/* The list: -EEXIST when it is there, -ENOSPC past the limit, -ENOMEM; remove: -ENOENT. */
int neighbour_add(struct port_intent *p, const struct neighbour_intent *n);
int neighbour_remove(struct port_intent *p, const struct addr *ip);
const struct neighbour_intent *neighbour_find(const struct port_intent *p, const struct addr *ip);

/* Puts a copy of the plan in the place of the intent's; NULL, or one that is off: none. */
int intent_filter_set(struct intent *it, const struct filter_plan *plan)
	__attribute__((warn_unused_result));

/* Puts a copy of text in the place of *out; NULL or "" is NULL. 0 or -ENOMEM. */
int intent_text_set(char **out, const char *text) __attribute__((warn_unused_result));

/* -EEXIST when it is there, -ENOSPC past the limit. */
int interface_listen_add(struct interface_intent *i, const struct addr *a);
/* Exchanges all for those of a text as below, or does nothing: -EINVAL, -EEXIST, -ENOSPC. */
int interface_listen_set(struct interface_intent *i, const char *text);
/* "192.0.2.1 2001:db8::1"; "" for any. Returns out. */
const char *interface_listen_format(const struct interface_intent *i,
	char out[INTENT_LISTEN_BYTES]);

/* Gives it the form in which it is kept and shown, as the kernel's WireGuard does; zeros stay. */
void interface_clamp_key(struct key *private_key);
/* A zero key means none; another is clamped. */
void interface_set_key(struct interface_intent *i, const struct key *private_key);
/* The public key that belongs to has_key's private one; zero without it. */
struct key interface_public_key(const struct interface_intent *i);

/*
 * Whether an intent makes sense as a whole: 0, or -EINVAL and the first thing that is wrong, with
 * where it was written. It adds no warning and changes nothing.
 */
int intent_check(const struct intent *it, struct err *err);
