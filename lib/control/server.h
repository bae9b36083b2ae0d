/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A local socket that answers requests: the part that the UAPI and the ctl sockets have in
 * common. A socket is 0600 from its first moment, since both can change the gateway and one can
 * tell keys. Clients are bounded in number and in how long they may idle; what they send passes
 * through a small buffer that is wiped, and while one reads its answer no more is taken from it.
 *
 *   client ──bytes──► feed: until a request is whole ──reply──► client
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "source/text.h"

enum {
	SERVER_MAX_CLIENTS = 64,
	SERVER_PATH_BYTES = 96,
	SERVER_BUFFER_BYTES = 16 << 10,
};
#define SERVER_IDLE_NS (20 * NS_IN_S)

enum server_step {
	SERVER_MORE,  /* all bytes are used and the request is not whole yet */
	SERVER_REPLY, /* reply holds the answer; what was not used is the next request's */
	SERVER_LAST,  /* the same, and then the connection ends */
	SERVER_STREAM, /* as REPLY, or nothing yet; `more` is then asked for what comes next */
	SERVER_CLOSE, /* it ends at once */
	SERVER_WAIT,  /* server_answer comes later, and then the connection ends */
};

struct server_client;

struct server_input {
	const char *data;
	size_t n_bytes;
	size_t n_used; /* out */
	struct server_client *client; /* for server_answer */
};

/* What kind of requests a socket takes. */
struct server_kind {
	const char *directory; /* made 0700 if it is not there; others must not write in it */
	size_t connection_bytes; /* of state for each client; zeroed, then begin, at last end */
	void (*begin)(void *connection);
	void (*end)(void *connection);
	/* Takes bytes as they come, in pieces of any size. ctx is the server's. */
	enum server_step (*feed)(void *ctx, void *connection, struct server_input *in,
		struct text *reply);
	/*
	 * After SERVER_STREAM, whenever the client has taken what it was given: adds what there is
	 * to the reply, which may be nothing. MORE, LAST or CLOSE. The client asks for the end by
	 * ending its own side. NULL: no such requests.
	 */
	enum server_step (*more)(void *connection, bool is_asked_to_end, struct text *reply);
};

TAILQ_HEAD(server_clients, server_client);

struct server {
	const struct server_kind *kind;
	void *ctx;
	uv_loop_t *loop;
	uv_pipe_t *listener; /* in memory of its own: the loop closes it after the server went */
	char path[SERVER_PATH_BYTES];
	struct server_clients clients;
	unsigned n_clients;
	unsigned n_streams; /* of them, after SERVER_STREAM */
};

struct server_config {
	uv_loop_t *loop;
	const struct server_kind *kind;
	const char *name; /* copied; the rest outlives the server */
	void *ctx;
};

/*
 * Listens at DIRECTORY/NAME.sock; ctx goes to feed. A socket that nobody answers on is taken
 * over; one that is served is not (-EADDRINUSE).
 */
int server_open(struct server *s, const struct server_config *config, struct err *err);
/* Stops listening, drops the clients and removes the socket. No effect on a zeroed server. */
void server_close(struct server *s);
/*
 * The answer to a client whose feed returned SERVER_WAIT, once. It is told that the client went, by
 * end, until which the pointer lives. The text is emptied.
 */
void server_answer(struct server_client *client, struct text *reply);
/* Asks those who stream for more; about every millisecond. */
void server_turn(struct server *s);
/* Drops clients that idle; about every second. */
void server_tick(struct server *s, ns_t now);
