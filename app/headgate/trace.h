/* SPDX-License-Identifier: BSD-3-Clause */
/* headgate trace: what becomes of the next packets, a line each. */
#pragma once

#include "options.h"

/* Until there were as many as the options say, or it is interrupted. 0 or a negative errno. */
int trace_run(const struct options *o, struct err *err);
