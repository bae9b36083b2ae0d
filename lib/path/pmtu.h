/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets too big for a link on the way to a peer: what routers say of our outer packets is passed
 * to control (tables' path_mtu), and what is too big for such a path is refused inside.
 */
#pragma once

#include <stdbool.h>

struct packet;
struct worker;

/* p is for the box itself. Passes on what it says of a message of ours; p stays as it is. */
void pmtu_notice(struct worker *w, const struct packet *p);

/*
 * p, to be sealed, is more than its peer's path takes inside. True: it was dropped and its sender
 * told. False: it goes on, and will be cut outside: IPv4 that may be cut, or a path so narrow that
 * its sender could not send less.
 */
bool pmtu_refuses(struct worker *w, struct packet *p);
