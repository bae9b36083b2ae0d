/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's own walk (path_resolution(7)), step by step with O_PATH, so that what is judged is
 * what is used. Only links of procfs (/dev/stdin, /dev/fd/63) are left to the kernel: they lead
 * where no path does.
 */
#include "source/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

struct walk {
	const char *path;     /* as it was given, for sentences */
	int dir;              /* how far we are; O_PATH */
	int file;             /* at the end of the way; -1 before */
	char rest[PATH_MAX];  /* what is left of the way */
	char name[NAME_MAX + 1];
	unsigned n_links;
	struct err *note, *err;
};

static bool
is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int
failed(struct walk *w, int code)
{
	return err_set(w->err, code, "cannot open %s: %s", w->path, strerror(-code));
}

/* Moves on to a directory, owning fd. */
static void
move_to(struct walk *w, int fd)
{
	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
}

static int
judge_directory(struct walk *w, const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) && !(st->st_mode & S_ISVTX))
		return err_set(w->err, -EPERM,
			"%s lies in a directory in which everybody may write, and so put another "
			"in its place: chmod o-w that directory", w->path);
	if (!is_trusted(st->st_uid))
		err_set(w->note, 0,
			"%s lies in a directory of user %u, who may put another in its place",
			w->path, (unsigned)st->st_uid);
	return 0;
}

static int
start_at(struct walk *w, const char *where)
{
	struct stat st;
	int fd = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(w, -errno);
	move_to(w, fd);
	return fstat(fd, &st) < 0 ? failed(w, -errno) : judge_directory(w, &st);
}

/* Cuts the next name off the rest. False at the end of the way. */
static bool
next_name(struct walk *w)
{
	char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/");
	if (!n || n > NAME_MAX)
		return false;
	memcpy(w->name, at, n);
	w->name[n] = 0;
	memmove(w->rest, at + n, strlen(at + n) + 1);
	return true;
}

static bool
is_last(const struct walk *w)
{
	return !w->rest[strspn(w->rest, "/")];
}

/* The way goes on where the link says. */
static int
follow_text(struct walk *w, int link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return failed(w, -errno);
	target[n] = 0;
	int need = snprintf(rest, sizeof(rest), "%s%s", target, w->rest);
	if (n == 0 || need < 0 || (size_t)need >= sizeof(rest))
		return failed(w, -ENAMETOOLONG);
	memcpy(w->rest, rest, (size_t)need + 1);
	return target[0] == '/' ? start_at(w, "/") : 0;
}

static int
follow(struct walk *w, int link, const struct stat *st)
{
	struct statfs fs;
	if (!is_trusted(st->st_uid))
		return err_set(w->err, -EPERM,
			"%s is reached through a symbolic link of user %u: name the file itself, "
			"or chown -h root that link", w->path, (unsigned)st->st_uid);
	if (++w->n_links > MAX_LINKS)
		return failed(w, -ELOOP);
	if (fstatfs(link, &fs) < 0)
		return failed(w, -errno);
	if (fs.f_type != PROC_SUPER_MAGIC)
		return follow_text(w, link);
	bool ends = is_last(w);
	int fd = openat(w->dir, w->name, O_CLOEXEC | O_NOCTTY | (ends ? O_RDONLY : O_PATH));
	if (fd < 0)
		return failed(w, -errno);
	if (ends)
		w->file = fd;
	else
		move_to(w, fd);
	return 0;
}

/* What w->name is has been looked at: fd is it, opened for that alone, and ours to close. */
static int
enter(struct walk *w, int fd, const struct stat *st, int flags)
{
	if (!is_last(w)) {
		move_to(w, fd);
		return judge_directory(w, st);
	}
	close(fd);
	w->file = openat(w->dir, w->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | flags);
	return w->file < 0 ? failed(w, -errno) : 0;
}

static int
step(struct walk *w, int flags)
{
	struct stat st;
	int fd = openat(w->dir, w->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 || fstat(fd, &st) < 0 ? failed(w, -errno) : 0;
	if (!rc && !S_ISLNK(st.st_mode))
		return enter(w, fd, &st, flags);
	if (!rc && is_last(w) && (flags & O_NOFOLLOW))
		rc = err_set(w->err, -ELOOP,
			"cannot open %s: it is a symbolic link: name the file itself", w->path);
	if (!rc)
		rc = follow(w, fd, &st);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
safe_open(const char *path, int flags, struct err *note, struct err *err)
{
	struct walk w = {.path = path, .dir = -1, .file = -1, .note = note, .err = err};
	note->text[0] = 0;
	if (!path[0] || strlen(path) >= sizeof(w.rest))
		return failed(&w, path[0] ? -ENAMETOOLONG : -ENOENT);
	strcpy(w.rest, path);
	int rc = start_at(&w, path[0] == '/' ? "/" : ".");
	while (!rc && w.file < 0)
		rc = next_name(&w) ? step(&w, flags) : failed(&w, -EISDIR);
	if (w.dir >= 0)
		close(w.dir);
	return rc ? rc : w.file;
}
