/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * headgate capture: packets as they pass, inside the cipher and outside of it, into a pcapng file.
 * The filter is in libpcap's language and compiled here; headgated checks and runs the program.
 */
#pragma once

#include "options.h"

/* Until there were as many as the options say, or it is interrupted. 0 or a negative errno. */
int capture_run(const struct options *o, struct err *err);
