/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that holds one secret, a word that only its owner and root may read. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * Reads the one word of the file, without the white space around it, into room bytes that the
 * caller wipes. 0, or a negative errno and a sentence: -EPERM (others may read or exchange it),
 * -EBADMSG (empty, more than one word, or longer than that), or why it cannot be read.
 */
int secret_file_read(const char *path, char *out, size_t room, struct err *err)
	__attribute__((warn_unused_result));
