/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an interface listens: its port, and the addresses if not all. With Host = yes the exception
 * thread holds a socket for each; the tables tell workers in any case.
 *
 * Control thread only.
 */
#pragma once

#include "control/core.h"

/*
 * Moves the interface to the port; 0: one that is free. 0, or -EADDRINUSE and the like with a
 * sentence, and then it listens as before.
 */
int iface_listen_set_port(struct control *c, struct control_iface *i, uint16_t port,
	struct err *err);
/* To the addresses of an interface_listen_format text; NULL or "": any. As above. */
int iface_listen_set_addrs(struct control *c, struct control_iface *i, const char *text,
	struct err *err);
/* Closes its sockets. */
void iface_listen_release(struct control *c, struct control_iface *i);
