/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/x25519.h"
#include "source/safe_open.h"

enum { STATE_FILE_BYTES = 4096 };

static int
write_all(int fd, const char *data, size_t n_bytes)
{
	while (n_bytes) {
		ssize_t n = write(fd, data, n_bytes);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			n_bytes -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The exchange itself is to survive a power cut, too. */
static void
sync_folder(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

static int
exchange(const char *path, const char *data, size_t n_bytes)
{
	char fresh[PATH_MAX];
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	(void)unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = write_all(fd, data, n_bytes);
	close(fd);
	if (!rc && rename(fresh, path) < 0)
		rc = -errno;
	if (rc)
		(void)unlink(fresh);
	else
		sync_folder(path);
	return rc;
}

int
state_file_save(const char *path, const struct tailnet_state *s, struct err *err)
{
	struct text text;
	text_init(&text);
	state_format(s, &text);
	int rc = text.failed ? -ENOMEM : exchange(path, text.data, text.n_bytes);
	text_fini(&text);
	return rc ? err_set(err, rc, "cannot write the state file %s: %s", path, strerror(-rc)) :
		0;
}

static int
check_file(int fd, const char *path, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EPERM, "%s is not a regular file", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077))
		return err_set(err, -EPERM, "others may read the keys in %s: chown root %s; "
			"chmod 600 %s", path, path, path);
	return 0;
}

static int
read_file(int fd, const char *path, struct tailnet_state *out, struct err *err)
{
	char text[STATE_FILE_BYTES];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int rc = n < 0 ? err_set(err, -errno, "cannot read %s: %s", path, strerror(errno)) : 0;
	if (!rc) {
		text[n] = 0;
		rc = state_parse(text, out, err);
		if (rc)
			err_prefix(err, rc, "the state file %s is damaged (remove it to join "
				"anew)", path);
	}
	secret_wipe(text, sizeof(text));
	return rc;
}

/* The last one of the way, if it is missing; whether that went well shows when it is written to. */
static void
make_folder(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	(void)mkdir(dirname(copy), 0700);
}

static int
create(const char *path, struct tailnet_state *out, struct err *err)
{
	make_folder(path);
	memset(out, 0, sizeof(*out));
	x25519_keygen(out->machine_private.bytes);
	x25519_keygen(out->node_private.bytes);
	return state_file_save(path, out, err);
}

int
state_file_open(const char *path, struct tailnet_state *out, struct err *err)
{
	struct err note;
	int fd = safe_open(path, O_NOFOLLOW | O_NONBLOCK, &note, err);
	if (fd == -ENOENT)
		return create(path, out, err);
	if (fd < 0)
		return fd;
	int rc = note.text[0] ? err_set(err, -EPERM, "%s", note.text) : check_file(fd, path, err);
	if (!rc)
		rc = read_file(fd, path, out, err);
	close(fd);
	return rc;
}
