/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking a running headgated: one line out, one JSON object back (lib/control/ctl_server.h). A
 * process has a socket for each of its interfaces and answers the same on all of them.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/err.h"

#define CLIENT_DIRECTORY "/run/headgate"

/* Which headgated. With neither: the only one that has sockets in CLIENT_DIRECTORY. */
struct client_whom {
	const char *socket; /* NULL: any */
	pid_t pid;          /* 0: any */
};

/*
 * Sends the request there. 0 and a new reference in *answer, or a negative errno and a sentence.
 */
int client_ask(const struct client_whom *whom, const char *request, json_t **answer,
	struct err *err);
