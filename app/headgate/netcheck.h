/* SPDX-License-Identifier: BSD-3-Clause */
/* headgate netcheck: how the world sees the WireGuard port of a node of a tailnet. */
#pragma once

#include "options.h"

/* Has a check made, waits for it and prints it. 0 or a negative errno with a sentence. */
int netcheck_run(const struct options *o, struct err *err);
