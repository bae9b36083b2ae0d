/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking a running headgated: one line out, one JSON object back (lib/control/ctl_server.h). A
 * process has a socket for each of its interfaces and answers the same on all of them.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"

#define CLIENT_DIRECTORY "/run/headgate"

/*
 * Sends the request to the socket at path; NULL: to the one process that has sockets in
 * CLIENT_DIRECTORY. 0 and a new reference in *answer, or a negative errno and a sentence.
 */
int client_ask(const char *path, const char *request, json_t **answer, struct err *err);
