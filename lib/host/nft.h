/* SPDX-License-Identifier: BSD-3-Clause */
/* The few things that are asked of the `nft` program. */
#pragma once

#include <stdint.h>

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
/* The whole rule set as JSON in *text, the caller's to free. -ENOENT when nft is not installed. */
int nft_list(char **text, struct err *err);
