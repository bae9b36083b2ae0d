/* SPDX-License-Identifier: BSD-3-Clause */
/* What perf-aead is asked to measure. */
#pragma once

#include <stdbool.h>

enum {
	AEAD_MAX_BYTES = 9000,
	AEAD_MAX_BURST = 256,
	AEAD_MAX_ROUNDS = 1001,
	AEAD_MAX_LIST = 16,
	/* Instead of a length: a mix of lengths. */
	AEAD_IMIX = 1 << 16, /* 28 x 64, 16 x 570, 4 x 1518, shuffled */
	AEAD_RANDOM,         /* 0 to 1518, each as likely */
};

struct aead_list {
	unsigned v[AEAD_MAX_LIST];
	unsigned n;
};

struct aead_options {
	char *backends;        /* only these, "avx2,auto", or NULL */
	struct aead_list bytes, bursts;
	unsigned rounds;
	unsigned margin_percent; /* by which a bar may be missed */
	unsigned offset; /* of the data from a cache line's start */
	bool has_one_key;
	bool is_csv;
	bool has_bars;
};

/* Fills in what was not asked for. 0, or -EINVAL: the caller prints aead_usage. */
int aead_options_parse(int argc, char **argv, struct aead_options *o);
extern const char aead_usage[];

/* "1424", "imix", "random"; out has 16 bytes. */
void aead_bytes_format(unsigned bytes, char out[16]);
