/* SPDX-License-Identifier: BSD-3-Clause */
/* Private keys in files of their own. */
#pragma once

#include "base/err.h"
#include "base/key.h"

/*
 * Reads the base64 key from a file that only its owner (root or us) can read, no symbolic link, and
 * that nobody else can replace.
 * 0, -EPERM (not kept safely), -EBADMSG (no key in it), or why it cannot be opened. On error *out
 * is zero. The caller wipes *out.
 */
int key_file_read(const char *path, struct key *out, struct err *err)
	__attribute__((warn_unused_result));
