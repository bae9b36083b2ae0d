/* SPDX-License-Identifier: BSD-3-Clause */
/* Checking config files as headgated would load them together, without one running. */
#pragma once

#include <jansson.h>

#include "base/err.h"

/*
 * 0, or a negative errno and the first error with its file and line. *warnings: a new array of
 * sentences about what is odd but allowed.
 */
int check_files(char *const *files, int n_files, json_t **warnings, struct err *err);
