/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The config files read again: what they say now becomes an intent, and its difference to what
 * runs is applied. Peers that did not change keep their sessions. A file with an error changes
 * nothing.
 */
#pragma once

#include "control/reconcile.h"

/* 0 and a report, or a negative errno with a sentence, and then all is as it was. */
int reload(struct control *c, struct reconcile_report *report, struct err *err);
/* Whether the files would load; changes nothing. */
int reload_check(struct control *c, struct err *err);
