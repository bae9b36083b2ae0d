/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What nodes of the tailnet may reach here at all, whatever rules say: our own addresses, the
 * networks that we advertise and, as an exit node, the internet. That is everything but private
 * networks, the tailnet, and the networks that this machine is in: who wants to offer one of them
 * advertises it.
 */
#pragma once

#include "filter/ranges.h"
#include "intent/headscale.h"

struct control;

/* What an exit node keeps out of the internet: RFC 1918, RFC 6598 (the tailnet's own), RFC 4193. */
#define EXIT_PRIVATE_NETWORKS                                                                      \
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"

/* Into a set that was empty, sorted. 0 or -ENOMEM, and then it is empty still. */
int membership_local(const struct control *c, const struct headscale_intent *h,
	struct filter_ranges *out);
