/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command of the config run by bash (sh where there is none), as wg-quick runs it, while the
 * loop goes on: the command may speak to our own sockets. It gets a small environment, no signal
 * blocked, no descriptor of ours, nothing to read, and is the leader of a session of its own. What
 * it prints is logged. It is bounded in time; what it leaves running in the background is not.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/err.h"

enum {
	HOOK_WARN_MS = 5000,   /* then it is said that it still runs, and each 10 s from then on */
	HOOK_LIMIT_MS = 60000, /* then it is ended */
};

struct hook_output;
TAILQ_HEAD(hook_outputs, hook_output);

/* Runs commands in a loop, one at a time. */
struct hook_runner {
	uv_loop_t *loop;
	const bool *is_cancelled;     /* headgated is to end: so is what runs, and nothing starts */
	struct hook_outputs outputs;  /* being read; some to the end of what runs in background */
};

struct hook_run {
	const char *interface; /* what %i stands for */
	const char *what;      /* "PostUp (wg0.conf:7)", for log and error */
	const char *command;
	unsigned limit_ms;     /* 0: HOOK_LIMIT_MS */
	bool is_a_must;        /* runs to its end though headgated is to end */
};

void hook_runner_init(struct hook_runner *r, uv_loop_t *loop, const bool *is_cancelled);
/* Stops reading from what still runs in the background. Before the loop is closed. */
void hook_runner_fini(struct hook_runner *r);

/* The command with the interface's name for each %i, the caller's to free; NULL without memory. */
char *hook_expand(const char *command, const char *interface);

/*
 * Runs the command to its end, turning the loop meanwhile: not to be called from a callback of the
 * loop. 0, or a sentence with the exit status and the last that the command printed: -EIO when it
 * failed, -ETIMEDOUT, -ECANCELED, or why it could not be started.
 */
int hook_run(struct hook_runner *r, const struct hook_run *run, struct err *err);
