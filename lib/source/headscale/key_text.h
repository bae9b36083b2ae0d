/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of a tailnet as text: what kind, a colon, 64 hexadecimal digits. */
#pragma once

#include "base/key.h"

#define KEY_TEXT_MACHINE "mkey:"
#define KEY_TEXT_NODE "nodekey:"
#define KEY_TEXT_DISCO "discokey:"
#define KEY_TEXT_PRIVATE "privkey:"

enum { KEY_TEXT_BYTES = 16 + KEY_HEX_BYTES };

/* kind: one of the above. 0 or -EINVAL, then out is zero. */
int key_text_parse(const char *kind, const char *text, struct key *out);
/* Returns out. */
const char *key_text_format(const char *kind, const struct key *k, char out[KEY_TEXT_BYTES]);
