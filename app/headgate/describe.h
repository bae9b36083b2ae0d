/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that the manual and the completion tell, taken from the tables where it is declared: options,
 * commands, config keys, drop reasons. tools/manual.py reads it at build time.
 */
#pragma once

#include <jansson.h>

/* One object around the commands, which it takes over; NULL when memory is short. */
json_t *describe(json_t *commands);
