/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"

enum { BACKLOG = 16 };

struct server_client {
	uv_pipe_t pipe;
	uv_write_t write;
	struct server *server; /* NULL once it was dropped */
	const struct server_kind *kind;
	TAILQ_ENTRY(server_client) in_clients;
	void *connection;
	struct text reply;     /* being written while is_writing */
	bool is_writing;
	bool is_last;          /* drop it once written */
	bool is_waiting;       /* for server_answer */
	bool is_streaming;
	bool is_asked_to_end;  /* of the stream */
	ns_t moved_ns;
	size_t at, n_bytes;    /* what of the buffer was not used yet */
	char buffer[SERVER_BUFFER_BYTES];
};

/* ---- Clients ---- */

static void
client_free(struct server_client *c)
{
	if (c->connection)
		c->kind->end(c->connection);
	free(c->connection);
	text_fini(&c->reply);
	secret_wipe(c->buffer, sizeof(c->buffer));
	free(c);
}

static void
client_closed(uv_handle_t *handle)
{
	client_free(handle->data);
}

static void
client_drop(struct server_client *c)
{
	if (c->server) {
		TAILQ_REMOVE(&c->server->clients, c, in_clients);
		c->server->n_clients--;
		c->server->n_streams -= c->is_streaming;
		c->server = NULL;
	}
	if (!uv_is_closing((uv_handle_t *)&c->pipe))
		uv_close((uv_handle_t *)&c->pipe, client_closed);
}

static void client_serve(struct server_client *c);
static void client_listen(struct server_client *c);

static void
client_wrote(uv_write_t *write, int status)
{
	struct server_client *c = write->data;
	c->is_writing = false;
	c->moved_ns = clock_boot_ns();
	text_fini(&c->reply);
	text_init(&c->reply);
	if (status < 0 || c->is_last || !c->server)
		client_drop(c);
	else if (c->is_streaming)
		client_listen(c);
	else
		client_serve(c);
}

static void
client_write(struct server_client *c)
{
	if (c->reply.failed || !c->reply.n_bytes || c->reply.n_bytes > UINT32_MAX / 2) {
		client_drop(c);
		return;
	}
	uv_buf_t buf = uv_buf_init(c->reply.data, (unsigned)c->reply.n_bytes);
	c->write.data = c;
	c->is_writing = true;
	c->moved_ns = clock_boot_ns();
	uv_read_stop((uv_stream_t *)&c->pipe);
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, client_wrote)) {
		c->is_writing = false;
		client_drop(c);
	}
}

static void
client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct server_client *c = handle->data;
	*buf = uv_buf_init(c->buffer, sizeof(c->buffer));
}

static void
client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct server_client *c = stream->data;
	if (c->server && c->is_streaming && (n == UV_EOF || n > 0)) {
		c->is_asked_to_end = true;
		uv_read_stop(stream);
		return;
	}
	if (n < 0 || !c->server) {
		client_drop(c);
		return;
	}
	if (n == 0)
		return;
	uv_read_stop(stream);
	c->at = 0;
	c->n_bytes = (size_t)n;
	c->moved_ns = clock_boot_ns();
	client_serve(c);
}

/* Feeds what is in the buffer up to the next answer; reads on when there is nothing in it. */
static void
client_serve(struct server_client *c)
{
	enum server_step step = SERVER_MORE;
	while (c->n_bytes && step == SERVER_MORE) {
		struct server_input in = {.data = c->buffer + c->at, .n_bytes = c->n_bytes,
			.client = c};
		step = c->kind->feed(c->server->ctx, c->connection, &in, &c->reply);
		if (!c->server)
			return; /* the request has closed this very socket */
		if (in.n_used == 0 && step == SERVER_MORE)
			step = SERVER_CLOSE;
		secret_wipe(c->buffer + c->at, in.n_used);
		c->at += in.n_used;
		c->n_bytes -= in.n_used;
	}
	c->is_last = step == SERVER_LAST || step == SERVER_WAIT;
	c->is_waiting = step == SERVER_WAIT;
	if (c->is_waiting)
		return; /* nothing is read meanwhile */
	if (step == SERVER_STREAM) {
		c->is_streaming = true;
		c->server->n_streams++;
	}
	bool begins_silent = step == SERVER_STREAM && !c->reply.n_bytes && !c->reply.failed;
	bool has_reply = step == SERVER_REPLY || step == SERVER_LAST || step == SERVER_STREAM;
	if (has_reply && !begins_silent)
		client_write(c);
	else if (step == SERVER_CLOSE)
		client_drop(c);
	else
		client_listen(c);
}

static void
client_listen(struct server_client *c)
{
	if (!c->is_asked_to_end &&
		uv_read_start((uv_stream_t *)&c->pipe, client_alloc, client_read))
		client_drop(c);
}

void
server_answer(struct server_client *c, struct text *reply)
{
	c->is_waiting = false;
	text_fini(&c->reply);
	c->reply = *reply;
	text_init(reply);
	if (c->server)
		client_write(c);
}

/* The next piece of a stream. */
static void
client_stream(struct server_client *c)
{
	enum server_step step = c->kind->more(c->connection, c->is_asked_to_end, &c->reply);
	c->is_last = step == SERVER_LAST;
	if (step == SERVER_CLOSE || (c->is_last && !c->reply.n_bytes))
		client_drop(c);
	else if (c->reply.n_bytes || c->reply.failed)
		client_write(c);
}

static struct server_client *
client_create(struct server *s)
{
	struct server_client *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->kind = s->kind;
	c->connection = calloc(1, s->kind->connection_bytes);
	if (!c->connection || uv_pipe_init(s->loop, &c->pipe, 0)) {
		free(c->connection);
		free(c);
		return NULL;
	}
	s->kind->begin(c->connection);
	text_init(&c->reply);
	c->pipe.data = c;
	c->moved_ns = clock_boot_ns();
	return c;
}

static void
server_connected(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	if (status < 0 || !s)
		return;
	struct server_client *c = client_create(s);
	if (!c)
		return;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) || s->n_clients >= SERVER_MAX_CLIENTS) {
		client_drop(c);
		return;
	}
	c->server = s;
	TAILQ_INSERT_TAIL(&s->clients, c, in_clients);
	s->n_clients++;
	client_serve(c);
}

void
server_turn(struct server *s)
{
	struct server_client *next;
	if (!s->n_streams)
		return;
	for (struct server_client *c = TAILQ_FIRST(&s->clients); c; c = next) {
		next = TAILQ_NEXT(c, in_clients);
		if (c->is_streaming && !c->is_writing)
			client_stream(c);
	}
}

/* A stream that nothing is to be said in does not idle; one that does not take what is said does.
 */
static bool
has_stalled(const struct server_client *c, ns_t now)
{
	return now > c->moved_ns && now - c->moved_ns > SERVER_IDLE_NS &&
	       !c->is_waiting && (!c->is_streaming || c->is_writing);
}

void
server_tick(struct server *s, ns_t now)
{
	struct server_client *next;
	if (!s->listener)
		return;
	for (struct server_client *c = TAILQ_FIRST(&s->clients); c; c = next) {
		next = TAILQ_NEXT(c, in_clients);
		if (has_stalled(c, now))
			client_drop(c);
	}
}

/* ---- The socket ---- */

/* Makes way for our socket: 0, or why the path is not ours to take. */
static int
clear_path(const char *path, struct err *err)
{
	struct stat st;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_set(err, -errno, "cannot look at %s: %s", path,
			strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s is in the way and no socket: remove it", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	bool is_served = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ||
		errno == EAGAIN;
	close(fd);
	if (is_served)
		return err_set(err, -EADDRINUSE,
			"%s is served by another process: end it, or give the interface another "
			"name", path);
	if (unlink(path) < 0)
		return err_set(err, -errno, "cannot remove the stale socket %s: %s", path,
			strerror(errno));
	return 0;
}

/* Others must not be able to put a socket, or a way to elsewhere, in our place. */
static int
check_directory(const char *path, struct err *err)
{
	struct stat st;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make the directory %s: %s", path,
			strerror(errno));
	if (lstat(path, &st) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "%s is no directory, or a link to one: remove it",
			path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, -EPERM, "the directory %s belongs to another user: remove it, "
			"or have root own it", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "the directory %s can be written by others than its "
			"owner: chmod go-w %s", path, path);
	return 0;
}

static void
listener_closed(uv_handle_t *handle)
{
	free(handle);
}

static int
listen_at(struct server *s, struct err *err)
{
	s->listener = calloc(1, sizeof(*s->listener));
	if (!s->listener)
		return err_set(err, -ENOMEM, "no memory for the socket %s", s->path);
	uv_pipe_init(s->loop, s->listener, 0);
	s->listener->data = s;
	mode_t was = umask(0177);
	int rc = uv_pipe_bind(s->listener, s->path);
	umask(was);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)s->listener, BACKLOG, server_connected);
	if (rc == 0)
		return 0;
	server_close(s);
	return err_set(err, rc, "cannot listen at %s: %s", s->path, uv_strerror(rc));
}

int
server_open(struct server *s, const struct server_config *config, struct err *err)
{
	const char *directory = config->kind->directory;
	memset(s, 0, sizeof(*s));
	s->kind = config->kind;
	s->ctx = config->ctx;
	s->loop = config->loop;
	TAILQ_INIT(&s->clients);
	snprintf(s->path, sizeof(s->path), "%s/%s.sock", directory, config->name);
	int rc = check_directory(directory, err);
	if (!rc)
		rc = clear_path(s->path, err);
	return rc ? rc : listen_at(s, err);
}

void
server_close(struct server *s)
{
	struct server_client *next;
	if (!s->listener)
		return;
	for (struct server_client *c = TAILQ_FIRST(&s->clients); c; c = next) {
		next = TAILQ_NEXT(c, in_clients);
		client_drop(c);
	}
	s->listener->data = NULL;
	uv_close((uv_handle_t *)s->listener, listener_closed); /* unlinks what it bound */
	s->listener = NULL;
}
