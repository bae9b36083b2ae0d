/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static void
set_socket(struct options *o, const char *value)
{
	o->socket = value;
}

static void
set_json(struct options *o, const char *value)
{
	o->is_json = true;
}

static void
set_help(struct options *o, const char *value)
{
	o->wants_help = true;
}

static void
set_version(struct options *o, const char *value)
{
	o->wants_version = true;
}

static const struct {
	const char *name, *brief;
	const char *value; /* NULL: takes none */
	const char *help;
	void (*set)(struct options *o, const char *value);
} rows[] = {
	{"--socket", "-s", "PATH", "which headgated to speak to", set_socket},
	{"--json", "-j", NULL, "print JSON", set_json},
	{"--help", "-h", NULL, "print this and end", set_help},
	{"--version", "-V", NULL, "print the version and end", set_version},
};

/* Takes argv[*at] and perhaps its value, moving *at along. */
static int
take(struct options *o, char **argv, int *at, struct err *err)
{
	const char *arg = argv[*at];
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		size_t n = strlen(rows[i].name);
		bool is_named = strcmp(arg, rows[i].name) == 0 || strcmp(arg, rows[i].brief) == 0;
		bool is_joined = strncmp(arg, rows[i].name, n) == 0 && arg[n] == '=';
		if (!is_named && !is_joined)
			continue;
		if (is_joined && !rows[i].value)
			return err_set(err, -EINVAL, "%s takes no value", rows[i].name);
		if (is_named && rows[i].value && !argv[*at + 1])
			return err_set(err, -EINVAL, "%s needs a %s", rows[i].name, rows[i].value);
		rows[i].set(o, is_joined ? arg + n + 1 : rows[i].value ? argv[++*at] : NULL);
		return 0;
	}
	return err_set(err, -EINVAL, "there is no option %s; see headgate --help", arg);
}

int
options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	bool ends = false; /* after "--" all is words */
	*o = (struct options){.words = argv};
	for (int i = 1; i < argc; i++) {
		if (!ends && strcmp(argv[i], "--") == 0) {
			ends = true;
		} else if (ends || argv[i][0] != '-' || !argv[i][1]) {
			o->words[o->n_words++] = argv[i];
		} else {
			int rc = take(o, argv, &i, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

void
options_print(FILE *out)
{
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		fprintf(out, "  %s, %-10s %-5s %s\n", rows[i].brief, rows[i].name,
			rows[i].value ? rows[i].value : "", rows[i].help);
	}
}
