/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of headgated: each option declared once, in options.c. */
#pragma once

#include <stdbool.h>

#include "cli/option.h"

enum { OPTIONS_MAX_FILES = 64, OPTIONS_MAX_PORTS = 32 };

struct options {
	const char *files[OPTIONS_MAX_FILES];
	unsigned n_files;
	const char *ports[OPTIONS_MAX_PORTS]; /* NAME=DEVICE */
	unsigned n_ports;
	const char *log_level;                /* NULL: the config's */
	const char *crypto;                   /* NULL: the config's */
	bool is_help;
	bool is_version;
	bool is_check;
	bool is_describe;
};

extern const struct cli headgated_cli;

/* 0, or -EINVAL with a sentence that names the nearest known option. */
int options_parse(struct options *o, char **argv, struct err *err);
void options_print_help(void);
