/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes over the ctl socket for a trace or a capture, and the filters in it, over any packet.
 * The first byte says what the rest is: a request (a text, a zero, a packet), or a program of
 * instructions as they lie in memory, counted by the second byte, and a packet.
 *
 * Whatever comes: a program that passed the check ends and reads nothing but the packet, which
 * stands in memory of its own size; a request that is refused says why.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "fuzz-watch: %s\n", what);
	abort();
}

static void
look_at(const struct watch_plan *plan, const uint8_t *bytes, size_t n_bytes)
{
	struct watch_flows flows;
	const struct watch_fate fate = {.verdict = VERDICT_DROP, .stage = STAGE_VERIFY};
	uint8_t *copy = malloc(n_bytes + !n_bytes);
	memcpy(copy, bytes, n_bytes);
	const struct filter_packet packet = {copy, (uint32_t)n_bytes, (uint32_t)n_bytes};
	must(watch_wants(plan, &plan->inner, &packet) <= n_bytes, "more wanted than there is");
	must(watch_wants(plan, &plan->outer, &packet) <= n_bytes, "more wanted than there is");
	flow_parse(copy, (uint32_t)n_bytes, &flows.inner);
	flow_parse_frame(copy, (uint32_t)n_bytes, &flows.outer);
	(void)match_holds(&plan->match, &fate, &flows);
	free(copy);
}

static void
try_request(enum watch_kind kind, const uint8_t *data, size_t n_bytes)
{
	struct watch_request *r = malloc(sizeof(*r));
	struct err err = {0};
	size_t n = strnlen((const char *)data, n_bytes);
	char *text = strndup((const char *)data, n);
	if (watch_request_parse(r, kind, text, &err))
		must(err.text[0], "refused without a word");
	else
		look_at(&r->plan, data + n, n_bytes - n);
	watch_request_fini(r);
	free(text);
	free(r);
}

static void
try_program(const uint8_t *data, size_t n_bytes)
{
	static struct watch_plan plan;
	struct err err = {0};
	uint32_t n = n_bytes ? data[0] : 0;
	if (n_bytes < 1 + n * sizeof(struct filter_insn))
		return;
	plan.snap_bytes = WATCH_MAX_SNAP_BYTES;
	plan.inner.n_insns = n;
	memcpy(plan.inner.insns, data + 1, n * sizeof(struct filter_insn));
	if (filter_check(&plan.inner, &err)) {
		must(err.text[0], "refused without a word");
		return;
	}
	size_t at = 1 + n * sizeof(struct filter_insn);
	look_at(&plan, data + at, n_bytes - at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	if (!n_bytes)
		return 0;
	switch (data[0] % 3) {
	case 0:
		try_request(WATCH_TRACE, data + 1, n_bytes - 1);
		break;
	case 1:
		try_request(WATCH_CAPTURE, data + 1, n_bytes - 1);
		break;
	default:
		try_program(data + 1, n_bytes - 1);
		break;
	}
	return 0;
}
