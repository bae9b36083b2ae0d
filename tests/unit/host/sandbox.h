/* SPDX-License-Identifier: BSD-3-Clause */
/* A network namespace of the test's own, which goes with its process. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs a shell command; the test fails when it does. */
static inline void
shell(const char *command)
{
	if (system(command) != 0) {
		print_error("failed: %s\n", command);
		fail();
	}
}

/* Enters the namespace at the first call; skips the test, saying why, where that is impossible. */
static inline void
sandbox_or_skip(void)
{
	static bool is_inside;
	if (is_inside)
		return;
	if (geteuid() != 0) {
		print_message("SKIP: needs root for a network namespace\n");
		skip();
	}
	if (access("/dev/net/tun", R_OK | W_OK) < 0) {
		print_message("SKIP: needs /dev/net/tun (%s)\n", strerror(errno));
		skip();
	}
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("SKIP: cannot make a network namespace (%s)\n", strerror(errno));
		skip();
	}
	is_inside = true;
	shell("ip link set lo up");
}
