/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps iface_entry.allows_own; a part of the tables. Both with the tables' lock held. */
#pragma once

#include "tables/tables.h"

/* Before `locals` is published as the box's own addresses: anew for all interfaces. */
void own_locals_changed(struct tables *t, const struct local_set *locals);
/*
 * Before the prefix is given to a peer of i. What goes is not asked about: the flag may stay until
 * the addresses change, and costs a look at each packet's source meanwhile.
 */
void own_prefix_comes(struct tables *t, struct iface_entry *i, const struct prefix *prefix);
