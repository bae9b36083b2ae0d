/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int
connect_to(const char *path, int *out)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n < 2 || n >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return -EINVAL;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@') /* in the kernel's own namespace, which starts with a zero */
		sa.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	socklen_t n_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (connect(fd, (struct sockaddr *)&sa, n_bytes) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

/* The number in that variable; 0 without one. */
static uint64_t
read_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	return *end || errno || v > INT64_MAX / NS_IN_US ? 0 : v;
}

int
notify_open(struct notify *n, struct err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	uint64_t pid = read_number("WATCHDOG_PID");
	*n = (struct notify){.fd = -1};
	int rc = path ? connect_to(path, &n->fd) : 0;
	if (rc)
		err_set(err, rc, "cannot tell the service manager at %s: %s", path, strerror(-rc));
	else if (path && (!pid || pid == (uint64_t)getpid()))
		n->watchdog_ns = read_number("WATCHDOG_USEC") * NS_IN_US;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return rc;
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	n->watchdog_ns = 0;
}

static void
tell(const struct notify *n, const char *text)
{
	if (n->fd >= 0)
		(void)send(n->fd, text, strlen(text), MSG_NOSIGNAL);
}

void
notify_ready(const struct notify *n)
{
	tell(n, "READY=1");
}

void
notify_reloading(const struct notify *n)
{
	char text[64];
	struct timespec t = {0};
	clock_gettime(CLOCK_MONOTONIC, &t); /* the manager compares with its own, of this clock */
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		((ns_t)t.tv_sec * NS_IN_S + (ns_t)t.tv_nsec) / NS_IN_US);
	tell(n, text);
}

void
notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void
notify_status(const struct notify *n, const char *text)
{
	char line[256];
	snprintf(line, sizeof(line), "STATUS=%.*s", (int)strcspn(text, "\n"), text);
	tell(n, line);
}

void
notify_watchdog(const struct notify *n)
{
	tell(n, "WATCHDOG=1");
}
