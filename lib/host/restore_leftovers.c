/* SPDX-License-Identifier: BSD-3-Clause */
/* Restore files of processes that have ended: found, checked, undone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/restore_inner.h"

struct search {
	struct restore_file file; /* the one being looked at; dir_fd for all */
	struct restore_process self;
	bool is_dry_run;
	const struct restore_listener *listener;
	struct restore_found *found;
	struct netlink *nl;       /* opened when it is needed */
};

static void
say(const struct search *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(const struct search *s, const char *format, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (s->listener)
		s->listener->say(s->listener->ctx, text);
}

static int
file_error(const struct search *s, int code, const char *why, struct err *err)
{
	return err_set(err, code, "%s/%s: %s; nothing of it is undone: look at it, and remove it",
		s->file.directory, s->file.name, why);
}

/* 0; 1: the process lives; or a negative errno. */
static int
open_locked(struct search *s, struct err *err)
{
	struct restore_file *f = &s->file;
	struct stat st;
	f->fd = openat(f->dir_fd, f->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0)
		return file_error(s, -errno, errno == ELOOP ? "it is a symbolic link" :
			strerror(errno), err);
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : file_error(s, -errno, strerror(errno), err);
	if (fstat(f->fd, &st) < 0)
		return file_error(s, -errno, strerror(errno), err);
	if (st.st_nlink == 0)
		return 1; /* its process has just ended, and cleanly */
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return file_error(s, -EBADMSG, "it is no plain file of one name", err);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 077)
		return file_error(s, -EPERM, "others than root could have written it", err);
	if (st.st_size > RESTORE_FILE_MAX_BYTES)
		return file_error(s, -EFBIG, "it is too large", err);
	f->end = st.st_size;
	return 0;
}

/* The whole text and a zero, the caller's to free. */
static char *
read_text(struct search *s, struct err *err)
{
	size_t n = (size_t)s->file.end;
	char *text = malloc(n + 1);
	ssize_t got = text ? pread(s->file.fd, text, n, 0) : -1;
	if (!text || got != (ssize_t)n) {
		file_error(s, -EIO, text ? "it cannot be read" : "no memory for it", err);
		free(text);
		return NULL;
	}
	text[n] = 0;
	return text;
}

static int
undo_all(struct search *s, struct restore *r, struct err *err)
{
	if (!s->nl && !(s->nl = netlink_open(err)))
		return -EIO;
	return restore_undo(r, s->nl, err);
}

/* The file goes over to r, which removes it when all is undone. */
static int
use(struct search *s, struct restore *r, const struct restore_process *p, struct err *err)
{
	int rc = 0;
	if (restore_count(r))
		say(s, "headgated with process number %u has ended and left %u thing%s to restore",
			p->pid, restore_count(r), restore_count(r) == 1 ? "" : "s");
	s->found->n_files += restore_count(r) > 0;
	s->found->n_steps += restore_count(r);
	if (s->listener)
		restore_set_listener(r, s->listener);
	if (s->is_dry_run) {
		restore_tell(r);
		return 0;
	}
	struct restore_file mine = s->file;
	mine.dir_fd = dup(s->file.dir_fd);
	mine.fd = dup(s->file.fd); /* the same lock */
	restore_set_file(r, &mine);
	if (restore_count(r))
		rc = undo_all(s, r, err);
	else
		restore_file_remove(&s->file);
	return rc;
}

static int
look_into(struct search *s, struct err *err)
{
	struct restore_process p;
	struct err why;
	char *text = read_text(s, err);
	if (!text)
		return -EIO;
	struct restore *r = restore_parse(text, (size_t)s->file.end, &p, &why);
	int rc = 0;
	if (!r) {
		rc = file_error(s, -EBADMSG, why.text, err);
	} else if (strcmp(p.boot_id, s->self.boot_id) != 0) {
		say(s, "%s is from before the machine was started: it goes", s->file.name);
		if (!s->is_dry_run)
			restore_file_remove(&s->file);
	} else if (memcmp(p.netns, s->self.netns, sizeof(p.netns)) != 0) {
		s->found->n_elsewhere++;
	} else {
		rc = use(s, r, &p, err);
	}
	restore_destroy(r);
	free(text);
	return rc;
}

static int
look_at(struct search *s, const char *name, struct err *err)
{
	snprintf(s->file.name, sizeof(s->file.name), "%s", name);
	s->file.fd = -1;
	int rc = open_locked(s, err);
	if (rc > 0)
		s->found->n_living++;
	else if (rc == 0)
		rc = look_into(s, err);
	if (s->file.fd >= 0)
		close(s->file.fd);
	s->file.fd = -1;
	return rc > 0 ? 0 : rc;
}

static bool
is_restore_file(const char *name)
{
	static const char end[] = ".restore";
	size_t n = strlen(name);
	return n > sizeof(end) - 1 && n < RESTORE_FILE_NAME_BYTES &&
		strcmp(name + n - (sizeof(end) - 1), end) == 0;
}

static int
search(struct search *s, struct err *err)
{
	int first = 0;
	struct dirent *d;
	int fd = openat(s->file.dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_set(err, -errno, "cannot read %s: %s", s->file.directory,
			strerror(errno));
	while ((d = readdir(dir))) {
		struct err e = {""};
		int rc = is_restore_file(d->d_name) ? look_at(s, d->d_name, &e) : 0;
		if (rc && !first)
			first = err_set(err, rc, "%s", e.text);
	}
	closedir(dir);
	return first;
}

int
restore_leftovers(const char *directory, bool is_dry_run,
	const struct restore_listener *listener, struct restore_found *found, struct err *err)
{
	struct search s = {.is_dry_run = is_dry_run, .listener = listener, .found = found};
	memset(found, 0, sizeof(*found));
	if (access(directory, F_OK) < 0)
		return 0;
	int rc = restore_process_self(&s.self, err);
	if (!rc)
		rc = restore_file_open(&s.file, directory, err);
	if (rc)
		return rc;
	rc = search(&s, err);
	netlink_close(s.nl);
	restore_file_close(&s.file);
	return rc;
}
