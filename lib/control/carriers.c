/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/carriers.h"

#include <string.h>

#include "base/log.h"

static void
set(struct carriers *cs, struct carrier *c, bool is_up)
{
	struct err err;
	if (c->is_known && c->is_up == is_up)
		return;
	c->is_known = true;
	c->is_up = is_up;
	if (cs->set_link)
		cs->set_link(cs->ctx, c->port.port_idx, is_up);
	if (c->port.twin && twin_set_carrier(c->port.twin, is_up, &err))
		log_warn("%s", err.text);
}

static bool
has_carrier(const struct net_link *l)
{
	return l && net_link_is_up(l) && l->has_carrier;
}

void
carriers_add(struct carriers *cs, const struct routes_port *port)
{
	cs->items[port->link_id] = (struct carrier){.port = *port, .is_used = port->netdev[0]};
}

void
carriers_remove(struct carriers *cs, uint16_t link_id)
{
	if (link_id < TABLES_MAX_PORTS)
		cs->items[link_id].is_used = false;
}

void
carriers_look(struct carriers *cs, const struct mirror *mirror)
{
	for (unsigned i = 0; i < TABLES_MAX_PORTS; i++) {
		struct carrier *c = &cs->items[i];
		if (c->is_used && !c->is_known)
			set(cs, c, has_carrier(mirror_link_by_name(mirror, c->port.netdev)));
	}
}

void
carriers_link_changed(struct carriers *cs, const struct net_link *old, const struct net_link *now)
{
	for (unsigned i = 0; i < TABLES_MAX_PORTS; i++) {
		struct carrier *c = &cs->items[i];
		if (!c->is_used)
			continue;
		if (now && strcmp(now->name, c->port.netdev) == 0)
			set(cs, c, has_carrier(now));
		else if (old && strcmp(old->name, c->port.netdev) == 0)
			set(cs, c, false); /* gone, or it has another name now */
	}
}
