/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
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
	char line[64];
	int n = snprintf(line, sizeof(line), "%s\n", request);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
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
