/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends by name, for the table in aead_backends.c; both follow from crypto/aead_names.h. */
#pragma once

#include "crypto/aead_burst.h"
#include "crypto/aead_names.h"

#define AEAD_DECLARE(name) extern const struct aead_backend aead_##name;
AEAD_BACKEND_LIST(AEAD_DECLARE, AEAD_DECLARE)
