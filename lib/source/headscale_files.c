/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "source/safe_open.h"
#include "source/secret_file.h"

enum {
	SECRET_BYTES = 4096,
	CA_BYTES = 64 << 10, /* as much is looked through */
};

/* A file may be put there later, and who runs this may be nobody to read it. */
static int
soften(struct intent *it, int rc, const char *key, const struct err *why)
{
	if (rc != -ENOENT && rc != -EACCES)
		return rc;
	intent_warn(it, "%s: %s", key, why->text);
	return 0;
}

/* A node that has an identity needs the auth key only when the server has forgotten it. */
static int
check_auth_key(struct intent *it, const struct headscale_intent *h, struct err *err)
{
	char secret[SECRET_BYTES];
	if (!h->auth_key_file[0])
		return 0;
	int rc = secret_file_read(h->auth_key_file, secret, sizeof(secret), err);
	secret_wipe(secret, sizeof(secret));
	if (rc == -ENOENT && access(h->state_file, F_OK) == 0)
		return 0;
	rc = soften(it, rc, "AuthKeyFile", err);
	return rc ? err_prefix(err, rc, "AuthKeyFile") : 0;
}

static int
check_certificates(int fd, const char *path, struct err *err)
{
	char text[CA_BYTES];
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "CAFile: %s is not a regular file", path);
	if (st.st_mode & 022)
		return err_set(err, -EPERM, "CAFile: others may write to %s, and so say whom to "
			"trust: chmod go-w %s", path, path);
	ssize_t n = read(fd, text, sizeof(text));
	if (n < 0 || !memmem(text, (size_t)n, "-----BEGIN ", 11))
		return err_set(err, -EBADMSG, "CAFile: %s holds no certificate in PEM", path);
	return 0;
}

static int
check_ca(struct intent *it, const struct headscale_intent *h, struct err *err)
{
	struct err note;
	if (!h->ca_file[0])
		return 0;
	int fd = safe_open(h->ca_file, O_NONBLOCK, &note, err);
	if (fd < 0) {
		int rc = soften(it, fd, "CAFile", err);
		return rc ? err_prefix(err, rc, "CAFile") : 0;
	}
	if (note.text[0])
		intent_warn(it, "CAFile: %s", note.text);
	int rc = check_certificates(fd, h->ca_file, err);
	close(fd);
	return rc;
}

/* headgated makes the last folder of the way, and no other. */
static int
check_folder(const char *path, struct err *err)
{
	char copy[PATH_MAX], above[PATH_MAX];
	struct stat st;
	snprintf(copy, sizeof(copy), "%s", path);
	const char *folder = dirname(copy);
	snprintf(above, sizeof(above), "%s", folder);
	int rc = stat(folder, &st) == 0 ? 0 : -errno;
	if (!rc && !S_ISDIR(st.st_mode))
		rc = -ENOTDIR;
	if (rc == -ENOENT && stat(dirname(above), &st) == 0 && S_ISDIR(st.st_mode))
		rc = 0;
	return !rc || rc == -EACCES ? 0 : err_set(err, rc, "StateFile: there is no folder for "
		"%s: %s", path, strerror(-rc));
}

static int
check_state(struct intent *it, const struct headscale_intent *h, struct err *err)
{
	struct err note;
	struct stat st;
	int fd = safe_open(h->state_file, O_NOFOLLOW | O_NONBLOCK, &note, err);
	if (fd == -ENOENT)
		return check_folder(h->state_file, err);
	if (fd < 0) {
		int rc = soften(it, fd, "StateFile", err);
		return rc ? err_prefix(err, rc, "StateFile") : 0;
	}
	int rc = note.text[0] ? err_set(err, -EPERM, "StateFile: %s", note.text) : 0;
	if (!rc && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		rc = err_set(err, -EINVAL, "StateFile: %s is not a regular file", h->state_file);
	if (!rc && (st.st_mode & 077))
		rc = err_set(err, -EPERM, "StateFile: others may read the keys in %s: chmod 600 %s",
			h->state_file, h->state_file);
	close(fd);
	return rc;
}

int
headscale_files_check(struct intent *it, struct err *err)
{
	for (size_t i = 0; i < it->n_interfaces; i++) {
		const struct headscale_intent *h = it->interfaces[i]->headscale;
		int rc = h ? check_auth_key(it, h, err) : 0;
		if (h && !rc)
			rc = check_ca(it, h, err);
		if (h && !rc)
			rc = check_state(it, h, err);
		if (rc)
			return rc;
	}
	return 0;
}
