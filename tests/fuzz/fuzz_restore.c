/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Restore files that nobody wrote. The input comes once as it is, and once with the checksums put
 * right, which no fuzzer guesses. What is read is sound and reads the same when written again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/restore_inner.h"

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void
check_step(const struct restore_step *s)
{
	uint8_t aligned[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct restore_step again;
	bool is_live;
	char *line = restore_line_format(s);
	require(line && !restore_step_fault(s));
	line[strlen(line) - 1] = 0;
	require(restore_line_parse(line, &again, &is_live, aligned, NULL) == 0 && is_live);
	require(again.kind == s->kind && again.mask == s->mask && is_same(again.what, s->what) &&
		is_same(again.value, s->value) && is_same(again.device, s->device));
	free(line);
}

/* "+ " and any eight characters, then the input: the parser says which checksum it wants. */
static void
try_line(const uint8_t *data, size_t n_bytes)
{
	uint8_t aligned[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct restore_step step;
	bool is_live;
	char *line = calloc(1, n_bytes + 16);
	require(line);
	memcpy(line + 11, data, n_bytes);
	line[10] = ' ';
	restore_line_sign(line);
	if (restore_line_parse(line, &step, &is_live, aligned, NULL) == 0)
		check_step(&step);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct restore_process p;
	char *text = malloc(n_bytes + 1);
	require(text);
	memcpy(text, data, n_bytes);
	text[n_bytes] = 0;
	restore_destroy(restore_parse(text, n_bytes, &p, NULL));
	free(text);
	try_line(data, n_bytes);
	return 0;
}
