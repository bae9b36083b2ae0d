/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/key_file.h"

#include <errno.h>

#include "base/secret.h"
#include "source/secret_file.h"

int
key_file_read(const char *path, struct key *out, struct err *err)
{
	char text[KEY_BASE64_BYTES + 32];
	*out = (struct key){{0}};
	int rc = secret_file_read(path, text, sizeof(text), err);
	/* What does not fit in there is no key either. */
	if (rc == -EBADMSG || (rc == 0 && key_from_base64(out, text) < 0))
		rc = err_set(err, -EBADMSG, "%s does not hold one base64 key: wg genkey > %s",
			path, path);
	secret_wipe(text, sizeof(text));
	return rc;
}
