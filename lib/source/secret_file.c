/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "source/safe_open.h"

static int
check_owner_and_mode(int fd, const char *path, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EPERM, "%s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, -EPERM, "%s belongs to user %u: chown it to root", path,
			(unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, -EPERM,
			"%s has mode %04o: others may read the key: chmod 600 %s", path,
			(unsigned)st.st_mode & 07777, path);
	return 0;
}

static int
read_word(int fd, const char *path, char *out, size_t room, struct err *err)
{
	memset(out, 0, room);
	ssize_t n = read(fd, out, room - 1);
	size_t length = n > 0 ? strcspn(out, " \t\r\n") : 0;
	bool is_alone = n > 0 && length && (size_t)n < room - 1 &&
		length + strspn(out + length, " \t\r\n") == (size_t)n;
	if (!is_alone) {
		secret_wipe(out, room);
		return err_set(err, -EBADMSG, "%s does not hold one word", path);
	}
	secret_wipe(out + length, room - length);
	return 0;
}

int
secret_file_read(const char *path, char *out, size_t room, struct err *err)
{
	struct err note;
	int fd = safe_open(path, O_NOFOLLOW | O_NONBLOCK, &note, err);
	if (fd < 0)
		return fd;
	/* Strict where a config is not: a key is moved with less trouble. */
	int rc = note.text[0] ? err_set(err, -EPERM, "%s", note.text) : 0;
	if (rc == 0)
		rc = check_owner_and_mode(fd, path, err);
	if (rc == 0)
		rc = read_word(fd, path, out, room, err);
	close(fd);
	return rc;
}
