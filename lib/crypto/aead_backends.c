/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/aead_backends.h"

#define ROW(name) &aead_##name,

const struct aead_backend *const aead_backends[] = {AEAD_BACKEND_LIST(ROW, ROW) NULL};
