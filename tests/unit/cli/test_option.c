/* SPDX-License-Identifier: BSD-3-Clause */
/* The options' parser over a small table: what it takes, what it refuses and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/option.h"

struct seen {
	const char *file;
	bool is_json;
	bool is_junk;
};

static int
take_file(void *options, const char *value, struct err *err)
{
	((struct seen *)options)->file = value;
	return 0;
}

static int
take_json(void *options, const char *value, struct err *err)
{
	assert_null(value);
	((struct seen *)options)->is_json = true;
	return 0;
}

static int
take_never(void *options, const char *value, struct err *err)
{
	return err_set(err, -EINVAL, "--never: not %s", value);
}

static int
take_junk(void *options, const char *value, struct err *err)
{
	((struct seen *)options)->is_junk = true;
	return 0;
}

static const struct cli_option rows[] = {
	{"--file", "-f", "FILE", "a file", take_file},
	{"--json", "-j", NULL, "JSON", take_json, "show list"},
	{"--never", NULL, "X", "is refused", take_never},
	{"--junk", "-j", NULL, "what -j is elsewhere", take_junk, "throw"},
	{"--frown", "-f", NULL, "what -f is there", take_junk, "throw"},
};
static const struct cli cli = {"tool", rows, ARRAY_COUNT(rows)};

enum { WORDS = 6 };

static void
test_takes(void **state)
{
	static const struct {
		const char *argv[WORDS];
		const char *file;
		bool is_json;
		const char *words[WORDS];
	} cases[] = {
		{{"tool"}, NULL, false, {NULL}},
		{{"tool", "show"}, NULL, false, {"show"}},
		{{"tool", "-f", "a", "show"}, "a", false, {"show"}},
		{{"tool", "show", "--file", "a"}, "a", false, {"show"}},
		{{"tool", "--file=a=b", "-j"}, "a=b", true, {NULL}},
		{{"tool", "--file=", "x"}, "", false, {"x"}},
		{{"tool", "-f", "--json"}, "--json", false, {NULL}},
		{{"tool", "--", "-j", "--x"}, NULL, false, {"-j", "--x"}},
		{{"tool", "-"}, NULL, false, {"-"}},
	};
	for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
		char *argv[WORDS];
		struct seen seen = {0};
		struct cli_args args;
		struct err err;
		memcpy(argv, cases[c].argv, sizeof(argv));
		assert_int_equal(cli_parse(&cli, &seen, argv, &args, &err), 0);
		assert_int_equal(seen.is_json, cases[c].is_json);
		assert_int_equal(!seen.file, !cases[c].file);
		if (seen.file)
			assert_string_equal(seen.file, cases[c].file);
		for (int w = 0; cases[c].words[w]; w++) {
			assert_true(w < args.n_words);
			assert_string_equal(args.words[w], cases[c].words[w]);
		}
	}
}

static void
test_refuses(void **state)
{
	static const struct {
		const char *argv[WORDS];
		const char *says;
	} cases[] = {
		{{"tool", "--fil"}, "there is no option --fil; did you mean --file?"},
		{{"tool", "--jsn=1"}, "did you mean --json?"},
		{{"tool", "--something-else"},
			"there is no option --something-else; see tool --help"},
		{{"tool", "-x"}, "there is no option -x"},
		{{"tool", "-jf"}, "there is no option -jf"},
		{{"tool", "--json=yes"}, "--json takes no value"},
		{{"tool", "-f"}, "--file needs FILE after it"},
		{{"tool", "--never", "now"}, "--never: not now"},
	};
	for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
		char *argv[WORDS];
		struct seen seen;
		struct cli_args args;
		struct err err = {""};
		memcpy(argv, cases[c].argv, sizeof(argv));
		assert_int_equal(cli_parse(&cli, &seen, argv, &args, &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[c].says));
	}
}

static void
test_goes_with(void **state)
{
	char tool[] = "tool", json[] = "-j", file[] = "-f", x[] = "x";
	char *argv[] = {tool, json, file, x, NULL};
	struct seen seen;
	struct cli_args args;
	struct err err;
	assert_int_equal(cli_parse(&cli, &seen, argv, &args, &err), 0);
	assert_int_equal(cli_check_command(&cli, &args, "show", &err), 0);
	assert_int_equal(cli_check_command(&cli, &args, "list", &err), 0);
	assert_int_equal(cli_check_command(&cli, &args, "lis", &err), -EINVAL);
	assert_string_equal(err.text, "--json does not go with lis, but with: show list");
}

/* A name may stand in rows of several commands: behind its command, its own is meant. */
static void
test_shared_names(void **state)
{
	static const struct {
		const char *argv[WORDS];
		const char *file;
		bool is_json, is_junk;
	} cases[] = {
		{{"tool", "show", "-j"}, NULL, true, false},
		{{"tool", "throw", "-j"}, NULL, false, true},
		{{"tool", "-j", "throw"}, NULL, true, false},
		{{"tool", "throw", "-f"}, NULL, false, true},
		{{"tool", "-f", "a", "throw"}, "a", false, false},
		{{"tool", "show", "-f", "a"}, "a", false, false},
	};
	for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
		char *argv[WORDS];
		struct seen seen = {0};
		struct cli_args args;
		struct err err;
		memcpy(argv, cases[c].argv, sizeof(argv));
		assert_int_equal(cli_parse(&cli, &seen, argv, &args, &err), 0);
		assert_int_equal(seen.is_json, cases[c].is_json);
		assert_int_equal(seen.is_junk, cases[c].is_junk);
		assert_int_equal(seen.file != NULL, cases[c].file != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_shared_names),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_goes_with),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
