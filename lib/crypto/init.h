/* SPDX-License-Identifier: BSD-3-Clause */
/* The libraries under lib/crypto choose their code by CPU once; before that they run slowly. */
#pragma once

#include "base/err.h"

/*
 * Readies libsodium (its choice by CPU, its generator) and libb2. Call it once, before the first
 * thread; a second call does nothing. 0 or -EIO.
 */
int crypto_init(struct err *err) __attribute__((warn_unused_result));
