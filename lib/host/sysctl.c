/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
open_path(const char *path, int flags, struct err *err)
{
	char full[256];
	if (strstr(path, "..") || snprintf(full, sizeof(full), "/proc/sys/%s", path) >=
		(int)sizeof(full))
		return err_set(err, -EINVAL, "%s is no path below /proc/sys", path);
	int fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? err_set(err, -errno, "cannot open %s: %s", full, strerror(errno)) : fd;
}

int
sysctl_read(const char *path, char out[SYSCTL_VALUE_BYTES], struct err *err)
{
	int fd = open_path(path, O_RDONLY, err);
	if (fd < 0)
		return fd;
	ssize_t n = read(fd, out, SYSCTL_VALUE_BYTES - 1);
	int code = errno;
	close(fd);
	if (n < 0)
		return err_set(err, -code, "cannot read /proc/sys/%s: %s", path, strerror(code));
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	return 0;
}

int
sysctl_write(const char *path, const char *value, struct err *err)
{
	int fd = open_path(path, O_WRONLY, err);
	if (fd < 0)
		return fd;
	ssize_t n = write(fd, value, strlen(value));
	int code = errno;
	close(fd);
	if (n < 0)
		return err_set(err, -code, "cannot write %s to /proc/sys/%s: %s", value, path,
			strerror(code));
	return 0;
}
