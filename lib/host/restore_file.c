/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The restore file of a process: PID-START.restore. It is locked (flock) as long as the process
 * lives, so nobody else undoes it; a line is whole before the change that it undoes is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/restore_inner.h"

static int
read_line(const char *path, char *out, size_t cap_bytes, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, cap_bytes - 1);
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set(err, -code, "cannot read %s: %s", path, strerror(code));
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	return 0;
}

/* The 22nd word of /proc/PID/stat; the second, in brackets, may hold anything. */
static int
start_of(const char *stat, uint64_t *out)
{
	const char *at = strrchr(stat, ')');
	for (unsigned i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EBADMSG;
	*out = strtoull(at + 1, NULL, 10);
	return 0;
}

int
restore_process_self(struct restore_process *out, struct err *err)
{
	char line[1024];
	struct stat st;
	memset(out, 0, sizeof(*out));
	out->pid = (uint32_t)getpid();
	int rc = read_line("/proc/self/stat", line, sizeof(line), err);
	if (rc || start_of(line, &out->start_ticks))
		return rc ? rc : err_set(err, -EBADMSG, "/proc/self/stat is strange");
	rc = read_line("/proc/sys/kernel/random/boot_id", out->boot_id, sizeof(out->boot_id), err);
	if (rc)
		return rc;
	if (stat("/proc/self/ns/net", &st) < 0)
		return err_set(err, -errno, "cannot tell the network namespace: %s",
			strerror(errno));
	out->netns[0] = st.st_dev;
	out->netns[1] = st.st_ino;
	return 0;
}

/* Commands are read from files in there: only root, or who runs this, may write to it. */
static int
check_directory(int fd, const char *directory, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", directory, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM,
			"%s may be written by others, so nothing to be restored is kept there: "
			"`chown root %s` and `chmod 700 %s`", directory, directory, directory);
	return 0;
}

int
restore_file_open(struct restore_file *f, const char *directory, struct err *err)
{
	*f = (struct restore_file){.dir_fd = -1, .fd = -1};
	if (snprintf(f->directory, sizeof(f->directory), "%s", directory) >=
		(int)sizeof(f->directory))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", directory);
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make the directory %s: %s", directory,
			strerror(errno));
	f->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->dir_fd < 0)
		return err_set(err, -errno, "cannot open the directory %s: %s", directory,
			strerror(errno));
	int rc = check_directory(f->dir_fd, directory, err);
	if (rc)
		restore_file_close(f);
	return rc;
}

static int
write_error(const struct restore_file *f, int code, struct err *err)
{
	return err_set(err, -code, "cannot note in %s/%s how to restore the machine: %s",
		f->directory, f->name, strerror(code));
}

/* At the end of the file, whole or not at all. */
static int
put(struct restore_file *f, const char *text, struct err *err)
{
	size_t n = strlen(text);
	if (f->end + (off_t)n > RESTORE_FILE_MAX_BYTES)
		return write_error(f, EFBIG, err);
	ssize_t done = pwrite(f->fd, text, n, f->end);
	if (done == (ssize_t)n) {
		f->end += (off_t)n;
		return 0;
	}
	int code = done < 0 ? errno : ENOSPC;
	if (ftruncate(f->fd, f->end) < 0)
		code = errno;
	return write_error(f, code, err);
}

static int
start_file(struct restore_file *f, struct err *err)
{
	struct restore_process self;
	int rc = restore_process_self(&self, err);
	if (rc)
		return rc;
	snprintf(f->name, sizeof(f->name), "%" PRIu32 "-%" PRIu64 ".restore", self.pid,
		self.start_ticks);
	f->fd = openat(f->dir_fd, f->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (f->fd < 0)
		return write_error(f, errno, err);
	f->end = 0;
	char *header = restore_header_format(&self);
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		rc = write_error(f, errno, err);
	if (!rc)
		rc = header ? put(f, header, err) : write_error(f, ENOMEM, err);
	free(header);
	if (rc)
		restore_file_remove(f);
	return rc;
}

int
restore_file_add(struct restore_file *f, const char *line, off_t *at, struct err *err)
{
	int rc = f->fd < 0 ? start_file(f, err) : 0;
	*at = f->end;
	return rc ? rc : put(f, line, err);
}

void
restore_file_mark(struct restore_file *f, off_t at)
{
	/* Of a step that stays written as not undone, only the undoing of what is undone comes. */
	if (pwrite(f->fd, "-", 1, at) != 1)
		return;
}

void
restore_file_remove(struct restore_file *f)
{
	if (f->fd < 0)
		return;
	unlinkat(f->dir_fd, f->name, 0);
	close(f->fd);
	f->fd = -1;
}

void
restore_file_close(struct restore_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	f->fd = f->dir_fd = -1;
}
