/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pinging.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/core.h"

#define PING_TIMEOUT_NS (5 * NS_IN_S)

struct pinging {
	struct control *control;
	struct key peer;
	uint32_t peer_id;
	uint64_t n_before; /* pongs until then */
	ns_t until_ns;
};

static const char not_known[] = "it is no node of the tailnet that speaks disco: static peers, and "
	"clients that are not connected to their server, cannot be pinged so";

struct pinging *
pinging_begin(struct control *c, const struct key *peer, struct err *err)
{
	struct control_peer *cp = peers_by_key(&c->peers, c->membership.iface_id, peer);
	struct reacher_view view;
	if (!c->membership.tailnet || !cp || !reacher_look(&c->reacher, cp->peer_id, &view)) {
		err_set(err, -ENOENT, "%s", not_known);
		return NULL;
	}
	struct pinging *p = calloc(1, sizeof(*p));
	if (!p) {
		err_set(err, -ENOMEM, "no memory for a ping");
		return NULL;
	}
	*p = (struct pinging){
		.control = c,
		.peer = *peer,
		.peer_id = cp->peer_id,
		.n_before = view.last_pong.n,
		.until_ns = clock_boot_ns() + PING_TIMEOUT_NS,
	};
	reacher_ping(&c->reacher, p->peer_id);
	return p;
}

static json_t *
failure(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static json_t *
no_pong(const struct reacher_view *view)
{
	char text[REACHER_WHY_BYTES + 32];
	char why[REACHER_WHY_BYTES];
	reacher_why(view, why);
	/* A path that nothing was sent by lately is thought good until now. */
	snprintf(text, sizeof(text), "no pong within 5 s: %s", why[0] ? why :
		"it no longer answers where it was");
	json_t *j = failure(text);
	if (j)
		json_object_set_new(j, "timeout", json_true());
	return j;
}

json_t *
pinging_answer(struct pinging *p, ns_t now)
{
	struct control *c = p->control;
	struct control_peer *cp = peers_by_key(&c->peers, c->membership.iface_id, &p->peer);
	struct reacher_view view;
	char text[ENDPOINT_TEXT_BYTES];
	if (!cp || cp->peer_id != p->peer_id || !reacher_look(&c->reacher, p->peer_id, &view))
		return failure("it has left the tailnet");
	if (view.last_pong.n != p->n_before)
		return json_pack("{s:b, s:s, s:f}", "ok", 1, "Endpoint",
			endpoint_format(&view.last_pong.via, text), "LatencySeconds",
			(double)view.last_pong.latency_ns / NS_IN_S);
	return now < p->until_ns ? NULL : no_pong(&view);
}

void
pinging_end(struct pinging *p)
{
	free(p);
}
