/* SPDX-License-Identifier: BSD-3-Clause */
/* The state file: made at the first opening, the same afterwards, nobody else's to read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tailnet/backoff.h"
#include "tailnet/state_file.h"

static char folder[64], path[128];

static int
setup(void **state)
{
	strcpy(folder, "/tmp/headgate-state-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/lib/tailnet.state", folder);
	return 0;
}

static int
teardown(void **state)
{
	char lib[128];
	unlink(path);
	snprintf(lib, sizeof(lib), "%s/lib", folder);
	rmdir(lib);
	return rmdir(folder);
}

static void
is_made_and_kept(void **state)
{
	struct tailnet_state first, again;
	struct err err = {0};
	struct stat st;
	assert_int_equal(state_file_open(path, &first, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(key_is_zero(&first.machine_private));
	assert_false(key_is_equal(&first.machine_private, &first.node_private));
	first.is_registered = true;
	strcpy(first.server, "https://h");
	first.server_public = first.machine_private; /* any key */
	assert_int_equal(state_file_save(path, &first, &err), 0);
	assert_int_equal(state_file_open(path, &again, &err), 0);
	assert_memory_equal(&again, &first, sizeof(first));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
is_refused(void **state)
{
	struct tailnet_state s;
	struct err err = {0};
	assert_int_equal(state_file_open(path, &s, &err), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(state_file_open(path, &s, &err), -EPERM);
	assert_non_null(strstr(err.text, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 60), 0);
	assert_int_equal(state_file_open(path, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "is damaged"));
	assert_int_not_equal(state_file_open("/nowhere/at/all", &s, &err), 0);
}

static void
waits_grow(void **state)
{
	static const struct {
		uint32_t n, random, ms;
	} table[] = {
		{1, 0, 5}, {1, 1023, 15}, {10, 0, 500}, {10, 1023, 1500}, {54, 0, 14580},
		{55, 0, 15000}, {1000, 1023, 45000}, {UINT32_MAX, 0, 15000},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(backoff_ms(table[i].n, table[i].random), table[i].ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_made_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(is_refused, setup, teardown),
		cmocka_unit_test(waits_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
