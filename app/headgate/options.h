/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line's options, declared once in options.c: parser and help come from the rows. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct options {
	const char *socket; /* NULL: the one in CLIENT_DIRECTORY */
	bool is_json;
	bool wants_help;
	bool wants_version;
	char **words;       /* what is no option, in order; within argv */
	int n_words;
};

/* Takes argv apart; the words end up at its beginning. 0, or -EINVAL and a sentence. */
int options_parse(struct options *o, int argc, char **argv, struct err *err);
/* One line for each option. */
void options_print(FILE *out);
