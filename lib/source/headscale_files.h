/* SPDX-License-Identifier: BSD-3-Clause */
/* The files that [Headscale] names, looked at before a server has to be asked. */
#pragma once

#include "base/err.h"
#include "intent/intent.h"

/*
 * Whether AuthKeyFile, CAFile and StateFile can be what they are to be. 0, or a negative errno and
 * a sentence. What may still come, or is not ours to read, is a warning of the intent's.
 */
int headscale_files_check(struct intent *it, struct err *err);
