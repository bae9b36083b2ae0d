/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the kernel's packet filter has rules that our traffic would pass by. Tunnel packets go
 * from port to port without the kernel, so a forward or NAT rule that names one of our devices
 * would silently not apply: start refuses, unless the config says Netfilter = ignore.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * Looks through nftables (iptables-nft included), by `nft -j list ruleset`, and through legacy
 * iptables, by iptables-save, as far as those programs are installed and in use. 0: nothing found;
 * -EPERM with a sentence that names the rule: found; another negative errno: could not look.
 */
int netfilter_check(const char *const devices[], unsigned n_devices, struct err *err);

/* The two readings, pure: text is what the programs print. 0, -EPERM or, if unreadable, -EPROTO. */
int netfilter_find_in_nft(const char *json, const char *const devices[], unsigned n_devices,
	struct err *err);
int netfilter_find_in_iptables(const char *text, const char *const devices[],
	unsigned n_devices, struct err *err);

/* Whether any rule of nftables (iptables-nft included) names the device, wildcards aside. */
bool netfilter_names(const char *device);
