/* SPDX-License-Identifier: BSD-3-Clause */
/* Source address translation as workers see it, made from the running intent as a whole. */
#pragma once

#include "base/err.h"
#include "intent/status.h"

struct control;

/*
 * After changes: publishes what the running intent comes to, if that is something else than before.
 * Flows live on, unless ports or their number change. 0 or a negative errno with a sentence, and
 * then all is as it was.
 */
int natting_settle(struct control *c, struct err *err);
/* What is translated, and how many flows there are. 0 or -ENOMEM. */
int natting_report(struct control *c, struct status *s);
