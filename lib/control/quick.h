/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What wg-quick does around an interface, in its order:
 *
 *   up:    device ─► PreUp ─► key, peers, addresses ─► MTU, DNS, routes ─► PostUp
 *   down:  PreDown ─► SaveConfig ─► routes, device, DNS ─► PostDown
 *
 * A failing PreUp or PostUp is the end of the coming; a failing PreDown or PostDown is logged. With
 * Host = no there is no device, and of all this only the hooks and SaveConfig.
 */
#pragma once

#include "control/core.h"

/* Before PreUp: whether what the interface wants of this host can be done; then PreUp. */
int quick_announce(struct control *c, struct control_iface *i, struct err *err);
/* All its settings and peers are there: the rest of its coming. */
int quick_finish_up(struct control *c, struct control_iface *i, struct err *err);
/* PreDown and SaveConfig, once, if it was up at all: true when PostDown is to be run. */
bool quick_begin_down(struct control *c, struct control_iface *i);
/* PostDown. The interface is gone but for its intent. */
void quick_finish_down(struct control *c, const struct interface_intent *it);

/* The MTU that the routes to its endpoints leave, if the intent says none. */
int quick_set_mtu(struct control *c, struct control_iface *i, struct err *err);
/* A name was looked up: the MTU may be another. */
void quick_endpoint_found(struct control *c, struct control_iface *i);
/* dns: as in the intent; "" or NULL takes them back. */
int quick_set_dns(struct control *c, struct control_iface *i, const char *dns, struct err *err);
void quick_unset_dns(struct control *c, struct control_iface *i);
