/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of the config: what they get, how they end, and that none holds up the loop for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/hook.h"

static uv_loop_t loop;
static struct hook_runner runner;
static bool is_cancelled;

static int
run(const char *command, unsigned limit_ms, struct err *err)
{
	const struct hook_run x = {.interface = "wg0", .what = "PostUp (wg0.conf:7)",
		.command = command, .limit_ms = limit_ms};
	err->text[0] = 0;
	return hook_run(&runner, &x, err);
}

static void
commands_end(void **state)
{
	static const struct {
		const char *command;
		int rc;
		const char *error; /* what it holds */
	} rows[] = {
		{"true", 0, ""},
		{"[ %i = wg0 ] && [ a%i%ib = awg0wg0b ]", 0, ""},
		{"[ '100%' = 100% ]", 0, ""},
		{"echo out; echo words >&2", 0, ""},
		{"cat <(echo x) >/dev/null", 0, ""}, /* bash, as wg-quick */
		{"exit 3", -EIO, "wg0: PostUp (wg0.conf:7): failed with exit status 3: it printed "
				 "nothing"},
		{"echo not there >&2; exit 1", -EIO, "failed with exit status 1: not there"},
		{"printf 'a\\033[1mb'; false", -EIO, "exit status 1: a [1mb"},
		{"kill -9 $$", -EIO, "ended by signal 9"},
		{"no-such-program", -EIO, "exit status 127: "},
		{"head -c 1000 /dev/zero | tr '\\0' a; false", -EIO, "aaaa"},
	};
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		struct err err;
		int rc = run(rows[k].command, 0, &err);
		if (rc != rows[k].rc || !strstr(err.text, rows[k].error))
			fail_msg("%s: %d %s", rows[k].command, rc, err.text);
	}
}

/* The small environment, nothing to read, no descriptor, signals as at login. */
static void
commands_start_clean(void **state)
{
	struct err err;
	sigset_t held;
	char command[256];
	int fd = open("/dev/null", O_RDWR);
	assert_true(fd > 2);
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, NULL);
	signal(SIGPIPE, SIG_IGN);
	setenv("HEADGATE_SECRET", "1", 1);
	snprintf(command, sizeof(command),
		"[ -z \"$HEADGATE_SECRET\" ] && [ \"$PWD\" = / ] && [ ! -e /proc/$$/fd/%d ] && "
		"[ -z \"$(cat)\" ] && ! grep '^Sig[BI][lg][kn]:.*[1-9a-f]' /proc/self/status", fd);
	if (run(command, 0, &err))
		fail_msg("%s", err.text);
	sigprocmask(SIG_UNBLOCK, &held, NULL);
	close(fd);
}

static void
none_runs_for_ever(void **state)
{
	struct err err;
	assert_int_equal(run("sleep 600", 300, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "did not end in time"));
	assert_int_equal(run("trap '' TERM; sleep 600 & wait; wait", 300, &err), -ETIMEDOUT);
	is_cancelled = true;
	assert_int_equal(run("true", 0, &err), -ECANCELED);
	const struct hook_run must = {.interface = "wg0", .what = "PreDown", .command = "exit 4",
		.is_a_must = true};
	assert_int_equal(hook_run(&runner, &must, &err), -EIO);
	is_cancelled = false;
}

/* What stays in the background keeps nobody waiting, and is heard on. */
static void
background_goes_on(void **state)
{
	struct err err;
	char path[] = "/tmp/hg-hook-XXXXXX", command[128];
	close(mkstemp(path));
	snprintf(command, sizeof(command), "(sleep 1; echo late; echo x >%s) &", path);
	assert_int_equal(run(command, 0, &err), 0);
	assert_false(TAILQ_EMPTY(&runner.outputs));
	for (unsigned k = 0; k < 100 && !TAILQ_EMPTY(&runner.outputs); k++) {
		usleep(50000);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_true(TAILQ_EMPTY(&runner.outputs));
	assert_int_equal(run("sleep 1 &", 0, &err), 0); /* left to hook_runner_fini */
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_end),
		cmocka_unit_test(commands_start_clean),
		cmocka_unit_test(none_runs_for_ever),
		cmocka_unit_test(background_goes_on),
	};
	uv_loop_init(&loop);
	hook_runner_init(&runner, &loop, &is_cancelled);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	hook_runner_fini(&runner);
	uv_run(&loop, UV_RUN_NOWAIT);
	uv_run(&loop, UV_RUN_NOWAIT);
	return rc ? rc : uv_loop_close(&loop) ? 1 : 0;
}
