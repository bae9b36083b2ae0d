/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/key_file.h"

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
read_key(int fd, const char *path, struct key *out, struct err *err)
{
	char text[KEY_BASE64_BYTES + 32] = "";
	ssize_t n = read(fd, text, sizeof(text) - 1);
	size_t length = strcspn(text, " \t\r\n");
	bool is_alone = n >= 0 && length + strspn(text + length, " \t\r\n") == (size_t)n;
	text[length] = 0;
	int rc = is_alone ? key_from_base64(out, text) : -EINVAL;
	secret_wipe(text, sizeof(text));
	if (rc < 0)
		return err_set(err, -EBADMSG, "%s does not hold one base64 key: wg genkey > %s",
			path, path);
	return 0;
}

int
key_file_read(const char *path, struct key *out, struct err *err)
{
	*out = (struct key){{0}};
	struct err note;
	int fd = safe_open(path, O_NOFOLLOW | O_NONBLOCK, &note, err);
	if (fd < 0)
		return fd;
	/* Strict where a config is not: a key is moved with less trouble. */
	int rc = note.text[0] ? err_set(err, -EPERM, "%s", note.text) : 0;
	if (rc == 0)
		rc = check_owner_and_mode(fd, path, err);
	if (rc == 0)
		rc = read_key(fd, path, out, err);
	close(fd);
	return rc;
}
