/* SPDX-License-Identifier: BSD-3-Clause */
/* What arrives at a service manager's socket, by name and in the kernel's own namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/notify.h"

static int
listen_at(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = 0;
	else
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	return fd;
}

static void
expect(int fd, const char *text)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_int_equal(n, strlen(text));
	assert_string_equal(got, text);
}

static void
tell_all(const char *path)
{
	struct notify n;
	struct err err;
	char text[128];
	unsigned long long us;
	int fd = listen_at(path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_open(&n, &err), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_status(&n, "2 of 3 peers\nFDSTORE=1");
	expect(fd, "STATUS=2 of 3 peers");
	notify_ready(&n);
	expect(fd, "READY=1");
	notify_reloading(&n);
	assert_true(recv(fd, memset(text, 0, sizeof(text)), sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	notify_watchdog(&n);
	expect(fd, "WATCHDOG=1");
	notify_stopping(&n);
	expect(fd, "STOPPING=1");
	close(fd);
	notify_ready(&n); /* the manager went: no signal, no error */
	notify_close(&n);
	notify_ready(&n);
}

static void
test_tells(void **state)
{
	char path[64], abstract[64];
	snprintf(path, sizeof(path), "/tmp/hg-notify-%d", (int)getpid());
	snprintf(abstract, sizeof(abstract), "@hg-notify-%d", (int)getpid());
	tell_all(path);
	unlink(path);
	tell_all(abstract);
}

static void
test_nobody(void **state)
{
	struct notify n;
	struct err err;
	static const char *const bad[] = {"", "/", "relative", "vsock:2:1", "/tmp/hg-nobody-here"};
	setenv("WATCHDOG_USEC", "1000", 1);
	assert_int_equal(notify_open(&n, &err), 0);
	assert_int_equal(n.fd, -1);
	assert_int_equal(n.watchdog_ns, 0);
	notify_ready(&n);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		assert_true(notify_open(&n, &err) < 0);
		assert_int_equal(n.fd, -1);
	}
}

static void
test_watchdog_time(void **state)
{
	static const struct {
		const char *us;
		bool is_ours;
		ns_t ns;
	} rows[] = {
		{"30000000", true, 30 * NS_IN_S},
		{"30000000", false, 0}, /* meant for another process */
		{"", true, 0},
		{"-5", true, 0},
		{"5s", true, 0},
		{"99999999999999999999", true, 0},
	};
	char pid[16], path[] = "@hg-notify-watchdog";
	int fd = listen_at(path);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct notify n;
		struct err err;
		snprintf(pid, sizeof(pid), "%d", (int)getpid() + !rows[i].is_ours);
		setenv("NOTIFY_SOCKET", path, 1);
		setenv("WATCHDOG_PID", pid, 1);
		setenv("WATCHDOG_USEC", rows[i].us, 1);
		assert_int_equal(notify_open(&n, &err), 0);
		assert_int_equal(n.watchdog_ns, rows[i].ns);
		notify_close(&n);
	}
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tells),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_watchdog_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
