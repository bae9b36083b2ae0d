/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

extern char **environ;

enum { COMPLAINT_BYTES = 240 };

struct child {
	pid_t pid;
	int in_fd;        /* a file that holds its standard input */
	int out_fd;       /* the read end of its standard output */
	int complaint_fd; /* a file that gathers its standard error */
	char *out;
	size_t n_out, cap;
};

/* A file in memory with the text in it, read from its start. Files need no pumping as pipes do. */
static int
file_of(const char *text)
{
	size_t n = text ? strlen(text) : 0;
	int fd = memfd_create("headgate-child", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (n && (write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The child starts with no signal blocked or ignored, whatever this thread has. */
static void
set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

void
child_close_on_exec(void)
{
	DIR *dir = opendir("/proc/self/fd");
	for (struct dirent *e; dir && (e = readdir(dir));) {
		int fd = atoi(e->d_name);
		if (fd > STDERR_FILENO)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (dir)
		closedir(dir);
}

static int
spawn(struct child *c, const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int out[2];
	child_close_on_exec();
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	set_signals(&attr);
	int rc = posix_spawn_file_actions_adddup2(&actions, c->in_fd, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, c->complaint_fd, 2);
	rc = rc ? rc : posix_spawnp(&c->pid, argv[0], &actions, &attr,
		(char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(out[1]);
	if (rc)
		close(out[0]);
	else
		c->out_fd = out[0];
	return -rc;
}

static int
make_room(struct child *c, size_t max_bytes)
{
	if (c->n_out < c->cap)
		return 0;
	if (c->cap >= max_bytes)
		return -E2BIG;
	size_t cap = MIN_OF(c->cap ? c->cap * 2 : 4096, max_bytes);
	char *out = realloc(c->out, cap + 1);
	if (!out)
		return -ENOMEM;
	c->out = out;
	c->cap = cap;
	return 0;
}

/* Reads its standard output to the end. */
static int
gather(struct child *c, size_t max_bytes, ns_t end_ns)
{
	for (;;) {
		struct pollfd p = {.fd = c->out_fd, .events = POLLIN};
		ns_t now_ns = clock_boot_ns();
		if (now_ns >= end_ns)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((end_ns - now_ns) / NS_IN_MS) + 1) <= 0)
			continue;
		int rc = make_room(c, max_bytes);
		if (rc)
			return rc;
		ssize_t n = read(c->out_fd, c->out + c->n_out, c->cap - c->n_out);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0) {
			c->out[c->n_out] = 0;
			return 0;
		}
		c->n_out += n > 0 ? (size_t)n : 0;
	}
}

/* Waits for the end of the program, which has closed its output or is being killed. */
static int
reap(struct child *c, int rc)
{
	int status = 0;
	if (rc)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc)
		return rc;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* Its last words, on one line. */
static void
complaint_of(const struct child *c, char out[COMPLAINT_BYTES])
{
	ssize_t n = pread(c->complaint_fd, out, COMPLAINT_BYTES - 1, 0);
	out[n > 0 ? n : 0] = 0;
	for (char *p = out; *p; p++) {
		if (*p == '\n')
			*p = p[1] ? ' ' : 0;
	}
}

static int
sentence(const struct child *c, const char *program, int rc, struct err *err)
{
	char words[COMPLAINT_BYTES] = "";
	if (rc == -ENOENT)
		return err_set(err, rc, "the program %s is not installed", program);
	if (rc != -EIO)
		return err_set(err, rc, "the program %s: %s", program, strerror(-rc));
	complaint_of(c, words);
	return err_set(err, rc, "the program %s failed: %s", program, words);
}

int
child_run(const struct child_run *run, char **output, struct err *err)
{
	struct child c = {.out_fd = -1, .complaint_fd = file_of(NULL)};
	ns_t end_ns = clock_boot_ns() + (ns_t)run->timeout_ms * NS_IN_MS;
	c.in_fd = file_of(run->input);
	int rc = c.in_fd < 0 ? c.in_fd : c.complaint_fd < 0 ? c.complaint_fd : spawn(&c, run->argv);
	if (rc == 0)
		rc = reap(&c, gather(&c, run->max_output_bytes, end_ns));
	*output = rc ? NULL : c.out;
	if (rc) {
		sentence(&c, run->argv[0], rc, err);
		free(c.out);
	}
	close_fd(&c.in_fd);
	close_fd(&c.out_fd);
	close_fd(&c.complaint_fd);
	return rc;
}
