/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether rules of nftables (iptables-nft included) name a device at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/netfilter.h"
#include "host/nft.h"

bool
netfilter_names(const char *device)
{
	char quoted[64], *text;
	struct err err;
	snprintf(quoted, sizeof(quoted), "\"%s\"", device);
	if (nft_list(&text, &err))
		return false; /* not installed: nobody has made rules with it */
	bool is_named = strstr(text, quoted);
	free(text);
	return is_named;
}
