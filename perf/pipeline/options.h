/* SPDX-License-Identifier: BSD-3-Clause */
/* What perf-pipeline is asked to measure: its command line, and what it is without one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"
#include "watch/watch.h"

enum { OPTIONS_MAX_LIST = 8, OPTIONS_MAX_ROUNDS = 501 };

struct list {
	unsigned v[OPTIONS_MAX_LIST];
	unsigned n;
};

struct options {
	struct list cases, bytes, peers;
	struct list outers;      /* ADDR_V4, ADDR_V6; the first counts everywhere */
	struct list bursts;      /* the same */
	const char *backends[RIG_MAX_BACKENDS];
	unsigned n_backends;     /* 0: all */
	unsigned rounds;
	bool csv, bars, is_patient;
	bool cycles_buffers;
	bool is_watched;         /* a row more, while somebody looks */
	enum watch_kind watch_kind;
	bool is_filtered;        /* a row more, with an access filter */
};

/* Fills o. 0, or -EINVAL; then the caller prints options_usage. */
int options_parse(int argc, char **argv, struct options *o) __attribute__((warn_unused_result));
extern const char options_usage[];
