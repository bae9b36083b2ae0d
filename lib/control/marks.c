/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/marks.h"

#define NONE TABLES_MAX_UNDERLAYS

static unsigned
find(const struct marks *m, uint32_t mark)
{
	for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++) {
		if (m->used >> i & 1 && m->of[i] == mark)
			return i;
	}
	return NONE;
}

static bool
has_mark(const struct devices *d, uint32_t mark)
{
	for (unsigned i = 0; i < d->n; i++) {
		if (d->items[i].role == DEVICE_TUNNEL && d->items[i].fwmark == mark)
			return true;
	}
	return false;
}

bool
marks_have_room(const struct devices *d, uint16_t link_id, uint32_t mark)
{
	struct marks m = {.of = {mark}, .used = 1};
	for (unsigned i = 0, n = 1; i < d->n; i++) {
		const struct device *t = &d->items[i];
		if (t->role != DEVICE_TUNNEL || t->link_id == link_id ||
			find(&m, t->fwmark) != NONE)
			continue;
		if (n == TABLES_MAX_UNDERLAYS)
			return false;
		m.of[n] = t->fwmark;
		m.used |= (uint8_t)(1u << n++);
	}
	return true;
}

static void
take(struct marks *m, unsigned idx, uint32_t mark)
{
	uint8_t bit = (uint8_t)(1u << idx);
	m->of[idx] = mark;
	m->used |= bit;
	m->ready &= (uint8_t)~bit;
}

/*
 * The first choice is the underlay that the tunnel has already, when its old mark is nobody's any
 * more: it is compiled anew in place, and no packet finds it empty.
 */
static void
choose(struct marks *m, uint32_t mark, unsigned first_choice)
{
	unsigned idx = first_choice;
	for (unsigned i = 0; m->used >> idx & 1 && i < TABLES_MAX_UNDERLAYS; i++)
		idx = i;
	if (!(m->used >> idx & 1))
		take(m, idx, mark);
}

void
marks_choose(struct marks *m, const struct devices *d, const struct tables *t)
{
	bool has_tunnels = false;
	for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++) {
		if (!has_mark(d, m->of[i]))
			m->used &= (uint8_t)~(1u << i);
	}
	for (unsigned i = 0; i < d->n; i++) {
		const struct device *tunnel = &d->items[i];
		if (tunnel->role != DEVICE_TUNNEL)
			continue;
		has_tunnels = true;
		if (find(m, tunnel->fwmark) == NONE)
			choose(m, tunnel->fwmark, t->ifaces[tunnel->iface_id].underlay_idx);
	}
	if (!has_tunnels)
		take(m, 0, 0); /* the first one to come mostly has no mark */
}

void
marks_publish(const struct marks *m, const struct devices *d, struct tables *t)
{
	for (unsigned i = 0; i < d->n; i++) {
		const struct device *tunnel = &d->items[i];
		unsigned idx = tunnel->role == DEVICE_TUNNEL ? find(m, tunnel->fwmark) : NONE;
		if (idx != NONE && m->ready >> idx & 1)
			tables_iface_set_underlay(t, tunnel->iface_id, (uint8_t)idx);
	}
}
