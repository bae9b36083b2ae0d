/* SPDX-License-Identifier: BSD-3-Clause */
/* The filter that workers see, made from the intent's plan and replaced as a whole. */
#pragma once

#include "base/err.h"
#include "intent/status.h"

struct control;
struct filter_plan;

/*
 * Compiles the plan (NULL: off) and publishes it; flows live on, unless their number changes. The
 * running intent is still the one before. 0 or a negative errno with a sentence, and then the
 * filter is as it was.
 */
int filtering_set(struct control *c, const struct filter_plan *plan, struct err *err);
/* What is allowed, how often it was, and how many flows there are. 0 or -ENOMEM. */
int filtering_report(const struct control *c, struct status *s);
