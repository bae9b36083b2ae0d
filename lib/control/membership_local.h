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

/* Into a set that was empty, sorted. 0 or -ENOMEM, and then it is empty still. */
int membership_local(const struct control *c, const struct headscale_intent *h,
	struct filter_ranges *out);
