/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of a program, each declared once in a row of its table (app/PROGRAM/options.c). The
 * parser, --help, the man page and the shell's completion follow from the row.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct cli_option {
	const char *name;  /* "--socket" */
	const char *brief; /* "-s", or NULL */
	const char *value; /* what follows, "PATH"; NULL: nothing does */
	const char *help;
	/* Notes it in the program's own struct; value is NULL when none follows. 0 or -EINVAL. */
	int (*take)(void *options, const char *value, struct err *err);
	/* "trace capture": goes with these alone; NULL: with all. Behind its command, such a row is
	 * meant even if another has the same name. */
	const char *commands;
};

/* At most 64 rows. */
struct cli {
	const char *program; /* for "see PROGRAM --help" */
	const struct cli_option *options;
	size_t n_options;
};

/* The command line; what is no option ends up at the beginning of words, in its order. */
struct cli_args {
	char **words;
	int n_words;
	uint64_t given; /* bit i: options[i] was */
};

/*
 * Takes argv apart: --name VALUE, --name=VALUE, -n VALUE; all behind "--" is words. options goes
 * to the rows' take. 0, or -EINVAL and a sentence that names the nearest option there is.
 */
int cli_parse(const struct cli *cli, void *options, char **argv, struct cli_args *args,
	struct err *err) __attribute__((warn_unused_result));
/* -EINVAL and a sentence when an option was given that does not go with this command. */
int cli_check_command(const struct cli *cli, const struct cli_args *args, const char *command,
	struct err *err) __attribute__((warn_unused_result));
/* For --help: a line each. */
void cli_print(const struct cli *cli, FILE *out);
/* For the generators of manual and completion (tools/manual.py): an array of the rows, or NULL. */
json_t *cli_describe(const struct cli *cli);
