/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line's options, declared once in options.c. */
#pragma once

#include <stdbool.h>

#include "cli/option.h"
#include "client.h"

enum { OPTIONS_MAX_LINKS = 16 };

struct options {
	struct client_whom whom;
	bool is_json;
	bool is_dry_run;
	bool wants_help;
	bool wants_version;
	bool wants_description;
	char **words;       /* what is no option, in order; within argv */
	int n_words;

	const char *drops_by; /* "peer" or "port"; NULL: by reason alone */
	bool is_watch;

	/* trace, capture */
	uint32_t n_pkts;      /* 0: no end */
	bool is_until_direct; /* ping */
	uint32_t timeout_s;   /* 0: none */
	uint32_t snap_bytes;  /* 0: all of a packet */
	const char *file;
	const char *links[OPTIONS_MAX_LINKS];
	unsigned n_links;
	const char *sides;    /* "inner", "outer" or "both"; NULL: both */
};

extern const struct cli headgate_cli;

/* Takes argv apart; the words end up at its beginning. 0, or -EINVAL and a sentence. */
int options_parse(struct options *o, char **argv, struct err *err);
