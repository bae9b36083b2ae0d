/* SPDX-License-Identifier: BSD-3-Clause */
/* A short-lived child program (`nft`), bounded in time and output. Control side only. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * Sees to it that programs started from here on get none of this process's descriptors beyond the
 * first three: DPDK and its drivers open theirs without O_CLOEXEC. child_run does it by itself.
 */
void child_close_on_exec(void);

struct child_run {
	const char *const *argv; /* argv[0] is looked up in PATH; ends with NULL */
	const char *input;       /* its standard input; NULL: none */
	size_t max_output_bytes;
	int timeout_ms;          /* then it is killed */
};

/*
 * Runs the program to its end. Its standard output goes to *output, which ends with a zero byte
 * and is the caller's to free; what it says on standard error goes into the sentence when it
 * fails. 0; -ENOENT when there is no such program; -ETIMEDOUT; -E2BIG for too much output; -EIO
 * when it exits with a failure; or another negative errno. *output is NULL unless 0 is returned.
 */
int child_run(const struct child_run *run, char **output, struct err *err);
