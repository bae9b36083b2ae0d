/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening files that say what root does, or hold secrets, so that nobody else can put another in
 * their place. Each step of the path is looked at as it is taken.
 */
#pragma once

#include "base/err.h"

/*
 * Opens for reading; flags are O_NONBLOCK, and O_NOFOLLOW where the file itself may be no link.
 * Refused (-EPERM) is a way through a directory in which everybody may write, unless it is sticky,
 * and a symbolic link that belongs to neither root nor us. Whoever else owns a directory on the way
 * could still do it: then *note is a sentence that says so, else empty. A descriptor that the
 * caller closes, or a negative errno with a sentence.
 */
int safe_open(const char *path, int flags, struct err *note, struct err *err)
	__attribute__((warn_unused_result));
