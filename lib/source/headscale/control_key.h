/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server's public key, the anchor of all trust in it: what GET /key?v=VERSION answers. The
 * key of the protocol before ts2021 stands beside it and is not looked at.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/key.h"

enum { CONTROL_KEY_MAX_BYTES = 64 << 10 };

/* 0, or -EBADMSG with a sentence: no JSON, no key in it, or the key of zeros. */
int control_key_parse(const char *body, size_t n_bytes, struct key *out, struct err *err);
