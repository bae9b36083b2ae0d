/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The config files read again: what they say now becomes an intent, and its difference to what
 * runs is applied. Peers that did not change keep their sessions. A file with an error changes
 * nothing.
 */
#pragma once

#include "control/reconcile.h"

/*
 * Runs the commands of interfaces that come and go, and turns the loop meanwhile: not to be called
 * from a callback of it. 0 and a report, or a negative errno with a sentence, and then all is as it
 * was.
 */
int reload(struct control *c, struct reconcile_report *report, struct err *err);
/*
 * The same between two runs of the loop, when a signal or a ctl socket has asked for it; who asked
 * gets the answer. True if there was such a wish.
 */
bool reload_if_wanted(struct control *c);
/* Whether the files would load, and those that they name are there; changes nothing. */
int reload_check(struct control *c, struct err *err);
