/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking a running headgated: one line out, one JSON object back (lib/control/ctl_server.h). A
 * process has a socket for each of its interfaces and answers the same on all of them.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define CLIENT_DIRECTORY "/run/headgate"

/* Which headgated. With neither: the only one that has sockets in CLIENT_DIRECTORY. */
struct client_whom {
	const char *socket; /* NULL: any */
	pid_t pid;          /* 0: any */
};

/*
 * An answer that goes on: after its first line, a JSON object, come bytes until the other side has
 * said all.
 */
struct client_stream {
	int fd;
	size_t at, n_bytes;    /* what of the buffer is not read yet */
	long long end_ms;      /* of the monotonic clock, when it is asked to end; 0: never */
	bool is_ending;
	char buffer[64 << 10];
};

/*
 * Sends the request and reads the first line. SIGINT and SIGTERM, and timeout_s (0: none), ask the
 * other side to end. 0, or a negative errno with a sentence, which may be its own.
 */
int client_stream_open(struct client_stream *s, const struct client_whom *whom, const char *request,
	unsigned timeout_s, struct err *err);
/* Fills out with n_bytes. How many there were: fewer at the end; or a negative errno. */
ssize_t client_stream_read(struct client_stream *s, void *out, size_t n_bytes);
/* A line without its end, cut to n_bytes - 1. Its length, -ENODATA at the end, or another errno. */
ssize_t client_stream_line(struct client_stream *s, char *line, size_t n_bytes);
/* Whether more has come than was read: a writer may wait with what it holds back. */
bool client_stream_has_more(const struct client_stream *s);
void client_stream_close(struct client_stream *s);

/*
 * Sends the request there. 0 and a new reference in *answer, or a negative errno and a sentence.
 */
int client_ask(const struct client_whom *whom, const char *request, json_t **answer,
	struct err *err);
