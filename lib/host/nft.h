/* SPDX-License-Identifier: BSD-3-Clause */
/* The few things that are asked of the `nft` program. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum { NFT_TABLE_BYTES = 32 };

/* The name of the table that guards a device; its index is in it. Returns out. */
const char *nft_table_name(uint32_t ifindex, char out[NFT_TABLE_BYTES]);

/*
 * Has the kernel drop all that comes in by the device, after packet sockets have had their copy:
 * a netdev ingress chain in a table of its own. One left over from a crash is replaced.
 */
int nft_drop_ingress(const char *device, const char *table, struct err *err);
/* Deletes a table of family netdev; one that is not there is no failure. */
int nft_delete_table(const char *table, struct err *err);

/* What keeps a tunnel that is the default route from being spoken to by other ways. */
struct nft_guard {
	const char *device;           /* the tunnel's */
	const char *table;
	const struct prefix *addresses;
	size_t n_addresses;
	uint16_t listen_port;
	uint32_t fwmark;
};

/*
 * Has the kernel drop what comes by other devices for the tunnel's own addresses, and mark what
 * comes for its port as its outer packets are, so that reverse path filters look where these go.
 * A table of family inet, replaced if it is there; it hooks neither forwarding nor translation.
 */
int nft_guard_tunnel(const struct nft_guard *g, struct err *err);
/* Deletes a table of family inet; one that is not there is no failure. */
int nft_unguard_tunnel(const char *table, struct err *err);

/* The whole rule set as JSON in *text, the caller's to free. -ENOENT when nft is not installed. */
int nft_list(char **text, struct err *err);
