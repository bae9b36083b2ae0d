/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MAX_BYTES = 256 << 20, /* a hundred thousand peers and room to spare */
	WAIT_S = 180, /* a reload may run commands of the config */
	LIST_BYTES = 256,
};

#define HOW_TO_START                                                                               \
	"start it with `headgated -c FILE`, or name its socket with --socket PATH"

/* What the sockets of the directory come to. */
struct search {
	pid_t wanted;       /* 0: any */
	int fd;             /* connected; -1: none yet */
	pid_t pid;          /* who listens there */
	bool has_several;   /* processes */
	bool is_forbidden;  /* one was there that we may not open */
	char list[LIST_BYTES];
};

static int
connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = WAIT_S};
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int code = -errno;
		close(fd);
		return code;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

static pid_t
listener_of(int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ? 0 : peer.pid;
}

/* Tries one socket of the directory; those of a process that is gone refuse. */
static void
look_at(struct search *s, const char *name)
{
	char path[sizeof(CLIENT_DIRECTORY) + 256];
	snprintf(path, sizeof(path), "%s/%s", CLIENT_DIRECTORY, name);
	int fd = connect_to(path);
	s->is_forbidden |= fd == -EACCES || fd == -EPERM;
	if (fd < 0)
		return;
	pid_t pid = listener_of(fd);
	if (s->wanted && pid != s->wanted) {
		close(fd);
		return;
	}
	size_t n = strlen(s->list);
	snprintf(s->list + n, sizeof(s->list) - n, "%s%s", n ? ", " : "", path);
	if (s->fd < 0) {
		s->fd = fd;
		s->pid = pid;
		return;
	}
	s->has_several |= pid != s->pid;
	close(fd);
}

static void
look_around(struct search *s)
{
	struct dirent *e;
	DIR *dir = opendir(CLIENT_DIRECTORY);
	if (!dir) {
		s->is_forbidden = errno == EACCES;
		return;
	}
	while ((e = readdir(dir))) {
		size_t n = strlen(e->d_name);
		if (n > 5 && strcmp(e->d_name + n - 5, ".sock") == 0)
			look_at(s, e->d_name);
	}
	closedir(dir);
}

/* A connected socket to the only headgated there is, or to that of the process. */
static int
find_only(pid_t wanted, struct err *err)
{
	struct search s = {.wanted = wanted, .fd = -1};
	look_around(&s);
	if (s.fd < 0 && s.is_forbidden)
		return err_set(err, -EACCES,
			"the sockets in %s belong to another user: run this as root",
			CLIENT_DIRECTORY);
	if (s.fd < 0 && wanted)
		return err_set(err, -ENOENT, "process %d has no socket in %s: is it a headgated?",
			(int)wanted, CLIENT_DIRECTORY);
	if (s.fd < 0)
		return err_set(err, -ENOENT, "no headgated is running (nobody listens in %s): %s",
			CLIENT_DIRECTORY, HOW_TO_START);
	if (s.has_several) {
		close(s.fd);
		return err_set(err, -ENOTUNIQ,
			"more than one headgated is running: choose one with --socket PATH or "
			"--pid PID: %s",
			s.list);
	}
	return s.fd;
}

static int
find(const struct client_whom *whom, struct err *err)
{
	const char *path = whom->socket;
	if (!path)
		return find_only(whom->pid, err);
	int fd = connect_to(path);
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, fd, "%s belongs to another user: run this as root", path);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return err_set(err, fd, "nobody listens at %s: %s", path, HOW_TO_START);
	if (fd < 0)
		return err_set(err, fd, "cannot connect to %s: %s", path, strerror(-fd));
	return fd;
}

static int
send_line(int fd, const char *request, struct err *err)
{
	size_t n = strlen(request);
	if (send(fd, request, n, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)n ||
		send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		return err_set(err, -EIO, "headgated does not take the request: %s",
			strerror(errno));
	return 0;
}

/* Appends what arrives until the other side has said all. Returns the bytes at *out, or -errno. */
static ssize_t
receive_all(int fd, char **out)
{
	size_t n = 0, room = 0;
	for (;;) {
		if (n == room) {
			room = room ? 2 * room : 64 << 10;
			char *bigger = room > ANSWER_MAX_BYTES ? NULL : realloc(*out, room);
			if (!bigger)
				return -ENOMEM;
			*out = bigger;
		}
		ssize_t got = recv(fd, *out + n, room - n, 0);
		if (got == 0)
			return (ssize_t)n;
		if (got < 0 && errno != EINTR)
			return -errno;
		n += got > 0 ? (size_t)got : 0;
	}
}

static int
receive_answer(int fd, json_t **answer, struct err *err)
{
	char *text = NULL;
	json_error_t where;
	ssize_t n = receive_all(fd, &text);
	if (n > 0)
		*answer = json_loadb(text, (size_t)n, 0, &where);
	free(text);
	if (n == -EAGAIN)
		return err_set(err, -ETIMEDOUT,
			"headgated did not answer within %d s: see its log", WAIT_S);
	if (n < 0)
		return err_set(err, (int)n, "cannot read headgated's answer: %s",
			strerror((int)-n));
	if (n == 0)
		return err_set(err, -EPROTO, "headgated ended the connection without an answer: "
			"see its log");
	if (!*answer)
		return err_set(err, -EPROTO, "headgated's answer is no JSON (%s): is this headgate "
			"of the same version?", where.text);
	return 0;
}

int
client_ask(const struct client_whom *whom, const char *request, json_t **answer, struct err *err)
{
	*answer = NULL;
	int fd = find(whom, err);
	if (fd < 0)
		return fd;
	int rc = send_line(fd, request, err);
	if (!rc)
		rc = receive_answer(fd, answer, err);
	close(fd);
	return rc;
}

/* ---- Answers that go on ---- */

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int signum)
{
	is_interrupted = 1;
}

/* The two signals come only while a stream waits, so that none is missed. */
static void
hold_signals(sigset_t *while_waiting)
{
	struct sigaction action = {.sa_handler = interrupt};
	sigset_t held;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, while_waiting);
	sigdelset(while_waiting, SIGINT);
	sigdelset(while_waiting, SIGTERM);
}

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* Waits until something has come; meanwhile the end may be asked for. 0 or a negative errno. */
static int
stream_wait(struct client_stream *s)
{
	sigset_t while_waiting;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	hold_signals(&while_waiting);
	for (;;) {
		bool is_late = s->end_ms && now_ms() >= s->end_ms;
		if (!s->is_ending && (is_interrupted || is_late)) {
			s->is_ending = true;
			s->end_ms = now_ms() + WAIT_S * 1000;
			shutdown(s->fd, SHUT_WR);
		} else if (s->is_ending && is_late) {
			return -ETIMEDOUT;
		}
		long long left = s->end_ms ? s->end_ms - now_ms() : 1000;
		left = left < 0 ? 0 : left;
		struct timespec wait = {left / 1000, left % 1000 * 1000000};
		int n = ppoll(&p, 1, &wait, &while_waiting);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* More bytes into the buffer, which is empty. 0 at the end, or a negative errno. */
static ssize_t
stream_fill(struct client_stream *s)
{
	int rc = stream_wait(s);
	if (rc)
		return rc;
	ssize_t n = recv(s->fd, s->buffer, sizeof(s->buffer), 0);
	s->at = 0;
	s->n_bytes = n > 0 ? (size_t)n : 0;
	return n < 0 ? -errno : n;
}

ssize_t
client_stream_read(struct client_stream *s, void *out, size_t n_bytes)
{
	size_t n = 0;
	while (n < n_bytes) {
		ssize_t rc = s->n_bytes ? 1 : stream_fill(s);
		if (rc <= 0)
			return rc < 0 ? rc : (ssize_t)n;
		size_t now = s->n_bytes < n_bytes - n ? s->n_bytes : n_bytes - n;
		memcpy((char *)out + n, s->buffer + s->at, now);
		s->at += now;
		s->n_bytes -= now;
		n += now;
	}
	return (ssize_t)n;
}

ssize_t
client_stream_line(struct client_stream *s, char *line, size_t n_bytes)
{
	size_t n = 0;
	for (;;) {
		char c;
		ssize_t rc = client_stream_read(s, &c, 1);
		if (rc <= 0)
			return rc ? rc : -ENODATA;
		if (c == '\n')
			break;
		if (n < n_bytes - 1)
			line[n++] = c;
	}
	line[n] = 0;
	return (ssize_t)n;
}

bool
client_stream_has_more(const struct client_stream *s)
{
	return s->n_bytes;
}

/* The first line: whether what was asked for begins. */
static int
stream_begin(struct client_stream *s, struct err *err)
{
	char line[1024];
	ssize_t n = client_stream_line(s, line, sizeof(line));
	if (n < 0)
		return err_set(err, (int)n, "headgated gives no answer: see its log");
	json_t *answer = json_loads(line, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	int rc = json_is_true(json_object_get(answer, "ok")) ? 0 : -EINVAL;
	if (rc)
		err_set(err, rc, "%s", error ? error : "headgated refuses, without saying why");
	json_decref(answer);
	return rc;
}

int
client_stream_open(struct client_stream *s, const struct client_whom *whom, const char *request,
	unsigned timeout_s, struct err *err)
{
	s->at = s->n_bytes = 0;
	s->is_ending = false;
	s->end_ms = now_ms() + WAIT_S * 1000;
	s->fd = find(whom, err);
	if (s->fd < 0)
		return s->fd;
	int rc = send_line(s->fd, request, err);
	if (!rc)
		rc = stream_begin(s, err);
	if (rc)
		client_stream_close(s);
	s->end_ms = timeout_s ? now_ms() + timeout_s * 1000ll : 0;
	return rc;
}

void
client_stream_close(struct client_stream *s)
{
	close(s->fd);
	s->fd = -1;
}
