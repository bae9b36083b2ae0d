/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/request.h"

#include <errno.h>
#include <string.h>

/* A number from 0 to max; a field that is not there leaves *out as it is. */
static int
take_number(const json_t *object, const char *field, uint64_t max, uint64_t *out)
{
	const json_t *j = json_object_get(object, field);
	if (!j)
		return 0;
	json_int_t v = json_integer_value(j);
	if (!json_is_integer(j) || v < 0 || (uint64_t)v > max)
		return -EINVAL;
	*out = (uint64_t)v;
	return 0;
}

static int
take_insn(const json_t *j, struct filter_insn *out)
{
	static const uint64_t max[4] = {UINT16_MAX, UINT8_MAX, UINT8_MAX, UINT32_MAX};
	uint64_t v[4];
	if (json_array_size(j) != 4)
		return -EINVAL;
	for (unsigned i = 0; i < 4; i++) {
		const json_t *field = json_array_get(j, i);
		json_int_t n = json_integer_value(field);
		if (!json_is_integer(field) || n < 0 || (uint64_t)n > max[i])
			return -EINVAL;
		v[i] = (uint64_t)n;
	}
	*out = (struct filter_insn){(uint16_t)v[0], (uint8_t)v[1], (uint8_t)v[2], (uint32_t)v[3]};
	return 0;
}

static int
take_filter(const json_t *object, const char *field, struct watch_filter *f, struct err *err)
{
	const json_t *j = json_object_get(object, field);
	size_t n = json_array_size(j);
	if (j && !json_is_array(j))
		return err_set(err, -EINVAL, "the %s filter is no list", field);
	if (n > FILTER_MAX_INSNS)
		return err_set(err, -EINVAL,
			"the filter is too long: %zu instructions, at most %d are taken", n,
			FILTER_MAX_INSNS);
	for (; f->n_insns < n; f->n_insns++) {
		if (take_insn(json_array_get(j, f->n_insns), &f->insns[f->n_insns]))
			return err_set(err, -EINVAL, "instruction %u of the %s filter is none",
				f->n_insns, field);
	}
	return filter_check(f, err);
}

/* The texts of a list; how many, or -EINVAL. */
static int
take_texts(const json_t *object, const char *field, const char **out, unsigned max)
{
	const json_t *j = json_object_get(object, field);
	size_t n = json_array_size(j);
	if ((j && !json_is_array(j)) || n > max)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		out[i] = json_string_value(json_array_get(j, i));
		if (!out[i])
			return -EINVAL;
	}
	return (int)n;
}

static int
take_trace(struct watch_request *r, struct err *err)
{
	const char *words[MATCH_MAX_WORDS];
	int n = take_texts(r->json, "filter", words, MATCH_MAX_WORDS);
	if (n < 0)
		return err_set(err, n, "filter is no list of at most %d words", MATCH_MAX_WORDS);
	return match_parse(&r->plan.match, words, (unsigned)n, err);
}

static int
take_capture(struct watch_request *r, struct err *err)
{
	uint64_t snap = WATCH_MAX_SNAP_BYTES;
	const json_t *j = json_object_get(r->json, "sides");
	const char *sides = j ? json_string_value(j) : "both";
	if (!sides)
		sides = "";
	r->is_inner = strcmp(sides, "inner") == 0 || strcmp(sides, "both") == 0;
	r->is_outer = strcmp(sides, "outer") == 0 || strcmp(sides, "both") == 0;
	if (!r->is_inner && !r->is_outer)
		return err_set(err, -EINVAL, "sides is inner, outer or both");
	if (take_number(r->json, "snap", WATCH_MAX_SNAP_BYTES, &snap) || !snap)
		return err_set(err, -EINVAL, "snap is 1 to %d bytes", WATCH_MAX_SNAP_BYTES);
	r->plan.snap_bytes = (uint32_t)snap;
	int n = take_texts(r->json, "links", r->links, WATCH_REQUEST_LINKS);
	if (n < 0)
		return err_set(err, n, "links is no list of at most %d names", WATCH_REQUEST_LINKS);
	r->n_links = (unsigned)n;
	int rc = take_filter(r->json, "inner", &r->plan.inner, err);
	return rc ? rc : take_filter(r->json, "outer", &r->plan.outer, err);
}

int
watch_request_parse(struct watch_request *r, enum watch_kind kind, const char *text,
	struct err *err)
{
	json_error_t where;
	memset(r, 0, sizeof(*r));
	r->plan.kind = kind;
	r->plan.match.link_id = MATCH_NO_LINK;
	r->json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(r->json))
		return err_set(err, -EINVAL, "the request is no JSON object");
	if (take_number(r->json, "n", UINT32_MAX, &r->n_pkts))
		return err_set(err, -EINVAL, "n is 0 to %u packets", UINT32_MAX);
	return kind == WATCH_TRACE ? take_trace(r, err) : take_capture(r, err);
}

void
watch_request_fini(struct watch_request *r)
{
	json_decref(r->json);
	r->json = NULL;
}
