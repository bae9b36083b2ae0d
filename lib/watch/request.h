/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked of a watch, as it comes over the ctl socket: one JSON object.
 *
 *   trace    {n, filter: ["peer", "anne", …]}                      n: ends after; 0: never
 *   capture  {n, snap, sides: "inner"|"outer"|"both", links: ["hg0", …],
 *             inner: [[code, jt, jf, k], …], outer: […]}           programs; empty: everything
 *
 * Each field may be left out.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "watch/watch.h"

enum { WATCH_REQUEST_LINKS = 16 };

struct watch_request {
	struct watch_plan plan;     /* names in match, and links, are not resolved yet */
	uint64_t n_pkts;            /* 0: no end */
	bool is_inner, is_outer;
	const char *links[WATCH_REQUEST_LINKS];
	unsigned n_links;           /* 0: all */
	json_t *json;               /* in which the names stand */
};

/*
 * 0, or -EINVAL (-ENOMEM) with a sentence; either way it is to be finished. The text may be
 * anything.
 */
int watch_request_parse(struct watch_request *r, enum watch_kind kind, const char *text,
	struct err *err) __attribute__((warn_unused_result));
void watch_request_fini(struct watch_request *r);
