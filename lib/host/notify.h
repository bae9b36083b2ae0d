/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling the service manager how we are, by the protocol of sd_notify(3): datagrams of
 * NAME=VALUE lines to the socket that $NOTIFY_SOCKET names. Without one nothing is told. Whoever
 * has it may tell; a message that cannot be sent is lost, as the manager's limits will show.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct notify {
	int fd;            /* -1: nobody listens */
	ns_t watchdog_ns;  /* to be told notify_watchdog within this; 0: nobody waits for it */
};

/*
 * Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and takes them out of the environment, so
 * that no child speaks in our name. Before there are threads. 0 too without a socket; an error is
 * for the log alone, since the manager will say what it missed.
 */
int notify_open(struct notify *n, struct err *err);
void notify_close(struct notify *n);

/* Started, or done with a reload. */
void notify_ready(const struct notify *n);
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
/* One line that the manager shows. */
void notify_status(const struct notify *n, const char *text);
/* All is well. */
void notify_watchdog(const struct notify *n);
