/* SPDX-License-Identifier: BSD-3-Clause */
/* How the world sees our port: the requests of a check leave by it, as disco does. */
#include <string.h>

#include "control/reacher_inner.h"

_Static_assert((int)STUN_REQUEST_BYTES <= (int)MAIL_MESSAGE_BYTES, "an order holds a request");

void
reach_check_run(struct reacher *r, ns_t now)
{
	struct netcheck_request requests[NETCHECK_MAX_TARGETS];
	unsigned n = netcheck_tick(&r->check, now, requests, &r->check_next_ns);
	for (unsigned i = 0; i < n; i++) {
		struct order_mail order = {
			.kind = ORDER_SEND,
			.iface_id = r->self.iface_id,
			.n_bytes = STUN_REQUEST_BYTES,
			.path.remote = requests[i].server,
		};
		memcpy(order.message, requests[i].bytes, STUN_REQUEST_BYTES);
		/* A full box is as a packet lost: it is asked again. */
		(void)mailbox_put(r->boxes->orders[i % r->boxes->n_workers], &order);
	}
}
