/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled rules: which one allows a packet. Immutable, but for the counts of hits. */
#pragma once

#include <stdint.h>

#include "filter/axis.h"
#include "filter/rule.h"
#include "filter/tuple.h"

enum { CLASSIFY_NONE = UINT32_MAX };

struct classifier {
	struct axis_shape shape;
	struct axis axes[2][2]; /* by side, by family: v4, v6 */
	struct filter_service *services; /* of all rules, one after the other */
	uint32_t *service_of;            /* a rule's first one; n_rules + 1 of them */
};

/* 0, -ENOMEM or -E2BIG with a sentence; then *c holds nothing. */
int classifier_build(struct classifier *c, const struct filter_plan *plan, struct err *err);
void classifier_fini(struct classifier *c);

/*
 * The first rule that allows a new packet of that tuple, or CLASSIFY_NONE. is_reversed: as if it
 * went the other way. A protocol without ports is matched by services of all ports only.
 */
uint32_t classify(const struct classifier *c, const struct tuple *t, bool is_reversed);
/* Whether there is a rule that has both addresses, whatever its services. */
bool classify_joins(const struct classifier *c, const struct tuple *t, bool is_reversed);
