/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the headgate command line talks to: /run/headgate/NAME.sock, one for each interface, all of
 * them about the whole process. A request is one line; the answer is one JSON object, and then the
 * connection ends. The sockets are root's alone: captures show what tunnels carry. A server's ctx
 * is its struct control_iface.
 *
 *   status, peers, ports, drops, filter, nat
 *                                 the status (intent/status_json.h), whole: the asker picks
 *   reload                        {ok, changes, failed, restart} or {ok: false, error}
 *   check                         {ok} or {ok: false, error}: would the files load
 *   trace {…}                     {ok} or an error, then a line of JSON a packet (watching_json.h)
 *   capture {…}                   {ok} or an error, then a pcapng file
 *
 * What follows trace and capture is watch/request.h's. Their answer goes on until the asker ends
 * its side of the connection, or has got as many packets as it asked for; then come the sums.
 */
#pragma once

#include "control/reconcile.h"
#include "control/server.h"

extern const struct server_kind ctl_server;

/* A reload has ended (rc and error as of reload): whoever asked for it, if anybody, hears. */
void ctl_answer_reload(struct control *c, int rc, const struct reconcile_report *report,
	const char *error);
