/* SPDX-License-Identifier: BSD-3-Clause */
/* headgate ping: whether a node of the tailnet answers, directly, and after how long. */
#pragma once

#include "base/err.h"
#include "options.h"

/* 0: a pong came, which is direct as all of ours are; else a negative errno and a sentence. */
int ping_run(const struct options *o, struct err *err);
