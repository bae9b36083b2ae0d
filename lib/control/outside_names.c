/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of those who tell how the world sees us, looked up one after the other. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "control/core.h"
#include "control/outside.h"

struct outside_lookup {
	uv_getaddrinfo_t request;
	struct control *control; /* NULL: nobody waits for the answer any more */
	size_t place;
};

const struct stun_server *
outside_server(const struct outside *o, size_t place)
{
	size_t region = place / DERP_SERVERS_A_REGION, k = place % DERP_SERVERS_A_REGION;
	if (!o->derp || region >= o->derp->n_regions || k >= o->derp->regions[region].n_servers)
		return NULL;
	return &o->derp->regions[region].servers[k];
}

static void
note(struct outside_found *found, const struct stun_server *s, const struct addrinfo *list)
{
	*found = (struct outside_found){0};
	for (; list; list = list->ai_next) {
		struct endpoint e;
		if (endpoint_from_sockaddr(list->ai_addr, &e))
			continue;
		if (e.addr.family == ADDR_V4 && s->asks_v4 && !found->v4.family)
			found->v4 = e.addr;
		if (e.addr.family == ADDR_V6 && s->asks_v6 && !found->v6.family)
			found->v6 = e.addr;
	}
}

static void
answered(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct outside_lookup *l = request->data;
	struct control *c = l->control;
	if (c) {
		struct outside *o = &c->outside;
		const struct stun_server *s = outside_server(o, l->place);
		o->lookup = NULL;
		if (status == 0)
			note(&o->found[l->place / DERP_SERVERS_A_REGION]
					[l->place % DERP_SERVERS_A_REGION], s, list);
		else
			log_debug("cannot look up the relay %s: %s", s->host, uv_strerror(status));
		outside_look_up(c);
	}
	uv_freeaddrinfo(list);
	free(l);
}

/* False: it cannot be, now. */
static bool
ask(struct control *c, const struct stun_server *s, size_t place)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct outside_lookup *l = calloc(1, sizeof(*l));
	if (!l)
		return false;
	*l = (struct outside_lookup){.control = c, .place = place};
	l->request.data = l;
	if (uv_getaddrinfo(&c->loop, &l->request, answered, s->host, NULL, &hints)) {
		free(l);
		return false;
	}
	c->outside.lookup = l;
	return true;
}

void
outside_look_up(struct control *c)
{
	struct outside *o = &c->outside;
	size_t n_places = o->derp ? o->derp->n_regions * DERP_SERVERS_A_REGION : 0;
	while (o->next_name < n_places) {
		size_t place = o->next_name++;
		const struct stun_server *s = outside_server(o, place);
		if (s && (s->asks_v4 || s->asks_v6) && ask(c, s, place))
			return;
	}
	o->looked_up_ns = clock_boot_ns();
}

void
outside_names_forget(struct outside *o)
{
	if (!o->lookup)
		return;
	o->lookup->control = NULL;
	uv_cancel((uv_req_t *)&o->lookup->request); /* its callback frees it */
	o->lookup = NULL;
}
