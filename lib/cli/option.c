/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/option.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/nearest.h"

/* Whether the word stands in a list with spaces between. */
static bool
is_listed(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; *at; at += strspn(at, " ")) {
		size_t here = strcspn(at, " ");
		if (here == n && memcmp(at, word, n) == 0)
			return true;
		at += here;
	}
	return false;
}

/* Whether a row has this name; a name may stand in rows of several commands. */
static bool
is_called(const struct cli_option *o, const char *arg, size_t n_name)
{
	return (strlen(o->name) == n_name && memcmp(o->name, arg, n_name) == 0) ||
	       (o->brief && strcmp(o->brief, arg) == 0);
}

/*
 * The row that arg names, which may be --name=VALUE; then *value is set. The command's own row is
 * meant rather than another of the same name. command: NULL before there is one.
 */
static const struct cli_option *
find(const struct cli *cli, const char *command, const char *arg, const char **value)
{
	const struct cli_option *first = NULL;
	size_t n = strncmp(arg, "--", 2) == 0 ? strcspn(arg, "=") : strlen(arg);
	*value = arg[n] ? arg + n + 1 : NULL;
	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *o = &cli->options[i];
		if (!is_called(o, arg, n))
			continue;
		if (command && o->commands && is_listed(o->commands, command))
			return o;
		if (!first || !o->commands)
			first = first && !first->commands ? first : o;
	}
	return first;
}

static void
unknown(const struct cli *cli, const char *arg, struct err *err)
{
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	const char *near =
		nearest_name(name, &cli->options[0].name, cli->n_options, sizeof(*cli->options));
	if (near)
		err_set(err, -EINVAL, "there is no option %s; did you mean %s?", name, near);
	else
		err_set(err, -EINVAL, "there is no option %s; see %s --help", name, cli->program);
}

/* What was taken of the command line: a value (NULL: none), and how many words in all. */
struct taken {
	const char *value;
	int n_words;
};

/* The row of argv[0] and perhaps its value. NULL with a sentence. */
static const struct cli_option *
next(const struct cli *cli, const char *command, char **argv, struct taken *taken, struct err *err)
{
	const char **value = &taken->value;
	const struct cli_option *o = find(cli, command, argv[0], value);
	taken->n_words = 1;
	if (!o) {
		unknown(cli, argv[0], err);
	} else if (*value && !o->value) {
		err_set(err, -EINVAL, "%s takes no value", o->name);
	} else if (o->value && !*value && !argv[1]) {
		err_set(err, -EINVAL, "%s needs %s after it", o->name, o->value);
	} else {
		if (o->value && !*value)
			*value = argv[taken->n_words++];
		return o;
	}
	return NULL;
}

int
cli_parse(const struct cli *cli, void *options, char **argv, struct cli_args *args, struct err *err)
{
	bool ends = false; /* after "--" all is words */
	*args = (struct cli_args){.words = argv};
	for (int i = 1; argv[i]; i++) {
		if (!ends && strcmp(argv[i], "--") == 0) {
			ends = true;
		} else if (ends || argv[i][0] != '-' || !argv[i][1]) {
			args->words[args->n_words++] = argv[i];
		} else {
			struct taken taken;
			const char *command = args->n_words ? args->words[0] : NULL;
			const struct cli_option *o = next(cli, command, argv + i, &taken, err);
			if (!o || o->take(options, taken.value, err))
				return -EINVAL;
			args->given |= 1ull << (o - cli->options);
			i += taken.n_words - 1;
		}
	}
	return 0;
}

int
cli_check_command(const struct cli *cli, const struct cli_args *args, const char *command,
	struct err *err)
{
	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *o = &cli->options[i];
		if ((args->given >> i & 1) && o->commands && !is_listed(o->commands, command))
			return err_set(err, -EINVAL, "%s does not go with %s, but with: %s",
				o->name, command, o->commands);
	}
	return 0;
}

void
cli_print(const struct cli *cli, FILE *out)
{
	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *o = &cli->options[i];
		char left[64];
		snprintf(left, sizeof(left), "%s%s%s%s%s", o->brief ? o->brief : "   ",
			o->brief ? ", " : " ", o->name, o->value ? " " : "",
			o->value ? o->value : "");
		fprintf(out, "  %-25s %s%s%s%s\n", left, o->help, o->commands ? " (with " : "",
			o->commands ? o->commands : "", o->commands ? ")" : "");
	}
}

json_t *
cli_describe(const struct cli *cli)
{
	json_t *all = json_array();
	for (size_t i = 0; all && i < cli->n_options; i++) {
		const struct cli_option *o = &cli->options[i];
		json_array_append_new(all, json_pack("{s:s, s:s?, s:s?, s:s, s:s?}", "name",
						   o->name, "brief", o->brief, "value", o->value,
						   "help", o->help, "commands", o->commands));
	}
	return all;
}
