/* SPDX-License-Identifier: BSD-3-Clause */
/* The state file: read at the start, made anew when there is none, exchanged as a whole. */
#pragma once

#include "base/err.h"
#include "source/headscale/state_text.h"

/*
 * What the file holds; when there is none, a fresh identity, which is saved at once, in a folder
 * that is made if need be. 0, or a negative errno and a sentence: others may read it, it is
 * damaged, it cannot be written.
 */
int state_file_open(const char *path, struct tailnet_state *out, struct err *err);
/* Mode 0600, by a new file that takes the old one's place once it is on the disk. */
int state_file_save(const char *path, const struct tailnet_state *s, struct err *err);
