/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities by name, and what is left of them: asked of the kernel, in a child of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/caps.h"

static void
test_names(void **state)
{
	static const struct {
		uint64_t mask;
		const char *text;
	} rows[] = {
		{0, ""},
		{CAPS(NET_ADMIN), "CAP_NET_ADMIN"},
		{CAPS(SYS_ADMIN) | CAPS(NET_RAW), "CAP_NET_RAW, CAP_SYS_ADMIN"},
		{CAPS(NET_ADMIN) | CAPS(SYSLOG), "CAP_NET_ADMIN, capability 34"},
		{1ull << 63, "capability 63"},
	};
	char text[CAPS_TEXT_BYTES];
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		assert_string_equal(caps_names(rows[i].mask, text), rows[i].text);
	assert_true(strlen(caps_names(~0ull, text)) < CAPS_TEXT_BYTES);
}

/* In the child: 0 when all is as it should be, else which check failed. */
static int
keep_and_look(uint64_t keep, bool children_keep_all)
{
	struct err err;
	uint64_t before, after;
	if (caps_permitted(&before, &err) || caps_keep(keep, children_keep_all, &err))
		return 1;
	if (caps_permitted(&after, &err) || after != (before & keep))
		return 2;
	if (caps_are_bounded() != !children_keep_all)
		return 3;
	bool could_bound = before & CAPS(SETPCAP);
	bool has_chown = prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1;
	if (could_bound && has_chown != children_keep_all)
		return 4;
	/* What is given up does not come back. */
	if (caps_keep(~0ull, true, &err) || caps_permitted(&before, &err) || before != after)
		return 5;
	return 0;
}

static void
test_keeps(void **state)
{
	static const struct {
		uint64_t keep;
		bool children_keep_all;
	} rows[] = {
		{CAPS(NET_ADMIN) | CAPS(SYS_ADMIN), false},
		{CAPS(NET_ADMIN) | CAPS(BPF), true},
		{0, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(keep_and_look(rows[i].keep, rows[i].children_keep_all));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_keeps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
