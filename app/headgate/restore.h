/* SPDX-License-Identifier: BSD-3-Clause */
/* headgate restore: gives back what a headgated that was killed had taken. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Undoes it and prints what is done, or with is_dry_run what would be. 0 also for nothing. */
int restore_all(bool is_dry_run, struct err *err);
