/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways to a file, in a scratch tree: which are taken, which are refused, and in which words. What
 * concerns other users needs root, and is left out without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "source/safe_open.h"

enum { SOMEBODY = 65534, SOMEBODY_TOO = 12345 };

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "inside\n", 7), 7);
	close(fd);
}

/*
 * tree/file  tree/dir/file  tree/open/file (0777)  tree/sticky/file (1777)  tree/theirs/file
 * tree/link -> file  tree/dirlink -> dir  tree/loop -> loop  tree/up -> dir/../file
 * tree/foreign -> file (somebody's)  tree/foreigndir -> dir (somebody's)
 */
static int
make_tree(void **state)
{
	static char tree[] = "/tmp/hg-safe-XXXXXX";
	assert_non_null(mkdtemp(tree));
	assert_int_equal(chdir(tree), 0);
	*state = tree;
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {{"dir", 0700}, {"open", 0777}, {"sticky", 01777}, {"theirs", 0755}};
	static const char *const links[][2] = {{"file", "link"}, {"dir", "dirlink"},
		{"loop", "loop"}, {"dir/../file", "up"}, {"file", "foreign"},
		{"dir", "foreigndir"}};
	make_file("file");
	for (size_t i = 0; i < ARRAY_COUNT(dirs); i++) {
		char path[32];
		assert_int_equal(mkdir(dirs[i].name, 0700), 0);
		snprintf(path, sizeof(path), "%s/file", dirs[i].name);
		make_file(path);
		assert_int_equal(chmod(dirs[i].name, dirs[i].mode), 0);
	}
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		assert_int_equal(symlink(links[i][0], links[i][1]), 0);
	if (geteuid() != 0)
		return 0;
	assert_int_equal(chown("theirs", SOMEBODY_TOO, (gid_t)-1), 0);
	assert_int_equal(lchown("foreign", SOMEBODY, (gid_t)-1), 0);
	return lchown("foreigndir", SOMEBODY, (gid_t)-1);
}

static int
remove_tree(void **state)
{
	char command[64];
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", (const char *)*state);
	return system(command);
}

static void
look(const char *tree, const char *name, int code, const char *says)
{
	for (int is_absolute = 0; is_absolute < 2; is_absolute++) {
		char path[128], text[8] = "";
		struct err note, err = {""};
		snprintf(path, sizeof(path), "%s%s%s", is_absolute ? tree : "",
			is_absolute ? "/" : "", name);
		int fd = safe_open(path, 0, &note, &err);
		if (code) {
			assert_int_equal(fd, code);
			assert_non_null(strstr(err.text, says));
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(read(fd, text, sizeof(text) - 1), 7);
		assert_string_equal(text, "inside\n");
		assert_int_equal(!note.text[0], !says);
		if (says)
			assert_non_null(strstr(note.text, says));
		close(fd);
	}
}

static void
test_ways(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *says; /* the error, or the note, or NULL: no note */
		bool needs_root;
	} rows[] = {
		{"file", 0, NULL, false},
		{"./dir//file", 0, NULL, false},
		{"dir/../file", 0, NULL, false},
		{"link", 0, NULL, false},
		{"dirlink/file", 0, NULL, false},
		{"up", 0, NULL, false},
		{"sticky/file", 0, NULL, false},
		{"theirs/file", 0, "in a directory of user 12345", true},
		{"foreign", -EPERM, "a symbolic link of user 65534", true},
		{"foreigndir/file", -EPERM, "a symbolic link of user 65534", true},
		{"open/file", -EPERM, "in which everybody may write", false},
		{"open/../file", -EPERM, "in which everybody may write", false},
		{"loop", -ELOOP, "Too many levels", false},
		{"none", -ENOENT, "No such file", false},
		{"file/file", -ENOTDIR, "Not a directory", false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		if (!rows[i].needs_root || geteuid() == 0)
			look(*state, rows[i].name, rows[i].code, rows[i].says);
	}
}

static void
test_no_link(void **state)
{
	struct err note, err;
	assert_int_equal(safe_open("link", O_NOFOLLOW, &note, &err), -ELOOP);
	assert_non_null(strstr(err.text, "symbolic link"));
	int fd = safe_open("dirlink/file", O_NOFOLLOW, &note, &err);
	assert_true(fd >= 0);
	close(fd);
}

/* What a shell makes of `<(command)`, and a file by its descriptor. */
static void
test_descriptors(void **state)
{
	char path[32], text[8] = "";
	struct err note, err;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "inside\n", 7), 7);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	int fd = safe_open(path, 0, &note, &err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 7);
	assert_string_equal(text, "inside\n");
	close(fd);
	close(ends[0]);
}

static void
test_lengths(void **state)
{
	char path[5000];
	struct err note, err;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(safe_open(path, 0, &note, &err), -ENAMETOOLONG);
	path[300] = 0;
	assert_true(safe_open(path, 0, &note, &err) < 0);
	assert_int_equal(safe_open("", 0, &note, &err), -ENOENT);
	assert_true(safe_open("/", 0, &note, &err) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_no_link),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_lengths),
	};
	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
