/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/drops.h"

#include <stdio.h>
#include <string.h>

#include "control/core.h"

const char *
control_link_name(const struct control *c, uint16_t link_id)
{
	if (link_is_tunnel(link_id)) {
		const struct control_iface *i = &c->ifaces[link_id - LINK_FIRST_TUNNEL];
		return i->is_live ? i->name : "";
	}
	for (unsigned i = 0; i < c->config.n_ports; i++) {
		if (c->config.ports[i].link_id == link_id)
			return c->config.ports[i].name;
	}
	return "";
}

static void
take(struct control *c, struct drop_sample *s, ns_t now)
{
	const struct control_port_ops *ops = c->config.port_ops;
	drop_sample_clear(s);
	s->at_ns = now;
	if (ops->sample_drops)
		ops->sample_drops(ops->ctx, s);
	drop_sample_settle(s);
}

void
drops_tick(struct control *c, ns_t now)
{
	struct drops *d = &c->drops;
	d->newest = (d->newest + 1) % ARRAY_COUNT(d->ring);
	take(c, &d->ring[d->newest], now);
	if (d->n < ARRAY_COUNT(d->ring))
		d->n++;
}

void
drops_link_begins(struct control *c, uint16_t link_id)
{
	struct drop_sample now = {0}, base = {0};
	take(c, &now, 0);
	for (size_t i = 0; i < c->drops.base.n_cells; i++) {
		if (c->drops.base.cells[i].id != link_id)
			drop_sample_add(&base, &c->drops.base.cells[i]);
	}
	for (size_t i = 0; i < now.n_cells; i++) {
		if (now.cells[i].scope == DROP_BY_LINK && now.cells[i].id == link_id)
			drop_sample_add(&base, &now.cells[i]);
	}
	drop_sample_settle(&base);
	drop_sample_fini(&c->drops.base);
	drop_sample_fini(&now);
	c->drops.base = base;
}

/* A second by the sample of n_s seconds before the newest, or the oldest that there is. */
static double
rate(const struct drops *d, const struct drop_cell *cell, unsigned n_s)
{
	if (d->n < 2)
		return 0;
	unsigned back = MIN_OF(n_s, d->n - 1), n_ring = ARRAY_COUNT(d->ring);
	const struct drop_sample *to = &d->ring[d->newest];
	const struct drop_sample *from = &d->ring[(d->newest + n_ring - back) % n_ring];
	uint64_t is = drop_sample_count(to, cell), was = drop_sample_count(from, cell);
	double seconds = (double)(to->at_ns - from->at_ns) / NS_IN_S;
	return is > was && seconds > 0 ? (double)(is - was) / seconds : 0;
}

static void
fill(const struct drops *d, const struct drop_cell *cell, struct status_drop *out)
{
	uint64_t base = drop_sample_count(&d->base, cell);
	out->name = drop_name((enum drop_reason)cell->reason);
	out->text = drop_why((enum drop_reason)cell->reason);
	out->n_pkts = cell->n_pkts > base ? cell->n_pkts - base : 0;
	out->per_s = rate(d, cell, 1);
	out->per_s_10 = rate(d, cell, DROPS_SECONDS);
}

static void
report_link(struct control *c, const struct drop_cell *cell, struct status *s)
{
	struct status_drop drop;
	const char *name = control_link_name(c, (uint16_t)cell->id);
	fill(&c->drops, cell, &drop);
	struct status_drop_part *part = drop.n_pkts ? status_add_drop_by_port(s) : NULL;
	if (!part)
		return;
	snprintf(part->owner, sizeof(part->owner), "%s", name[0] ? name : "(removed)");
	part->drop = drop;
}

/* NULL: the peer that the cell was counted for is no more. */
static const struct control_peer *
peer_of(const struct control *c, const struct drop_cell *cell)
{
	const struct control_peer *p = peers_by_id(&c->peers, cell->id);
	return p && tables_peer(c->tables, cell->id)->generation == cell->generation ? p : NULL;
}

static void
report_peer(struct control *c, const struct drop_cell *cell, struct status *s)
{
	const struct control_peer *p = peer_of(c, cell);
	struct status_drop_part *part = p ? status_add_drop_by_peer(s) : NULL;
	if (!part)
		return;
	const char *name = strchr(p->label, ' ');
	snprintf(part->owner, sizeof(part->owner), "%s", c->ifaces[p->iface_id].name);
	snprintf(part->peer_name, sizeof(part->peer_name), "%.*s", PEER_NAME_BYTES - 1,
		name ? name + 1 : p->label);
	part->public_key = p->public_key;
	fill(&c->drops, cell, &part->drop);
}

/* What is counted for peers that nobody can name: the table had no place, or they are removed. */
static void
report_others(struct control *c, const struct drop_sample *now, struct status *s)
{
	struct drop_sample others = {0};
	for (size_t i = 0; i < now->n_cells; i++) {
		struct drop_cell cell = now->cells[i];
		if (cell.scope == DROP_BY_OTHERS ||
			(cell.scope == DROP_BY_PEER && !peer_of(c, &cell))) {
			cell.scope = DROP_BY_OTHERS;
			cell.id = cell.generation = 0;
			drop_sample_add(&others, &cell);
		}
	}
	drop_sample_settle(&others);
	for (size_t i = 0; i < others.n_cells; i++) {
		struct status_drop_part *part = status_add_drop_by_peer(s);
		if (part)
			fill(&c->drops, &others.cells[i], &part->drop);
	}
	drop_sample_fini(&others);
}

void
drops_report(struct control *c, struct status *s)
{
	struct drop_sample now = {0};
	take(c, &now, 0);
	for (unsigned r = 0; r < DROP_REASONS; r++) {
		struct drop_cell cell = {.scope = DROP_IN_ALL, .reason = (uint8_t)r};
		struct status_drop *d = status_add_drop(s);
		cell.n_pkts = drop_sample_count(&now, &cell);
		if (d)
			fill(&c->drops, &cell, d);
	}
	for (size_t i = 0; i < now.n_cells; i++) {
		if (now.cells[i].scope == DROP_BY_LINK)
			report_link(c, &now.cells[i], s);
		else if (now.cells[i].scope == DROP_BY_PEER)
			report_peer(c, &now.cells[i], s);
	}
	report_others(c, &now, s);
	drop_sample_fini(&now);
}

void
drops_fini(struct drops *d)
{
	for (unsigned i = 0; i < ARRAY_COUNT(d->ring); i++)
		drop_sample_fini(&d->ring[i]);
	drop_sample_fini(&d->base);
}
