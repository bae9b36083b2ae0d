/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link's name servers, given to whoever keeps this host's /etc/resolv.conf: the program
 * resolvconf, or systemd-resolved by resolvectl. headgate never writes that file itself. Blocks
 * for as long as the program runs, at most 10 s.
 */
#pragma once

#include "base/err.h"

/* Whether there is somebody to give them to: 0, or -ENOENT and what to install. */
int resolvconf_find(struct err *err);
/* dns: addresses and search domains with commas between, "10.0.0.1,example.org". */
int resolvconf_set(const char *link, const char *dns, struct err *err);
int resolvconf_unset(const char *link, struct err *err);
/* The shell's command for the latter, for the notes of what is to be restored. Returns out. */
enum { RESOLVCONF_COMMAND_BYTES = 96 };
const char *resolvconf_undo(const char *link, char out[RESOLVCONF_COMMAND_BYTES]);
