/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether one of the box's own addresses is among an interface's allowed-ips, as with 0.0.0.0/0.
 * Only then can a peer send with it as a source, and only then does the path look for that.
 */
#include "tables/own.h"

/* Whether the table has a prefix that holds the address. */
static bool
has_owner(const struct iface_entry *i, const struct addr *a)
{
	return a->family != ADDR_NONE &&
	       route_lookup(i->allowed[family_index(a->family)], a->bytes) != 0;
}

static void
set(struct iface_entry *i, bool allows_own)
{
	__atomic_store_n(&i->allows_own, allows_own, __ATOMIC_RELAXED);
}

void
own_locals_changed(struct tables *t, const struct local_set *locals)
{
	for (unsigned id = 0; id < TABLES_MAX_IFACES; id++) {
		struct iface_entry *i = &t->ifaces[id];
		bool allows_own = false;
		for (uint32_t k = 0; i->is_live && k <= locals->mask && !allows_own; k++)
			allows_own = has_owner(i, &locals->slots[k]);
		set(i, allows_own);
	}
}

void
own_prefix_comes(struct tables *t, struct iface_entry *i, const struct prefix *prefix)
{
	const struct local_set *locals = t->locals;
	for (uint32_t k = 0; !i->allows_own && locals && k <= locals->mask; k++) {
		const struct addr *a = &locals->slots[k];
		if (a->family == prefix->addr.family && prefix_has(prefix, a))
			set(i, true);
	}
}
