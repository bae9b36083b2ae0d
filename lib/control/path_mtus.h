/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What routers on the way to peers say of their links (RFC 8201), remembered for ten minutes, for
 * as many peers as there are places; the oldest gives way. Only IPv6: over IPv4 outer packets go
 * without DF and are cut on the way.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "mailbox/mail.h"
#include "tables/tables.h"

enum {
	PATH_MTUS_MAX = 256,
	PATH_MTUS_S = 600, /* RFC 8201, 4: a larger one is tried then */
};

struct path_mtus {
	unsigned n;
	struct {
		uint32_t peer_id, generation;
		ns_t until_ns;
	} items[PATH_MTUS_MAX]; /* in the order in which they were learned */
};

/* EVENT_PATH_MTU: publishes it, if it is about a session of a peer of ours. */
void path_mtus_learn(struct path_mtus *m, struct tables *t, const struct event_mail *ev, ns_t now);
/* Once a second: takes back what is old. */
void path_mtus_tick(struct path_mtus *m, struct tables *t, ns_t now);
