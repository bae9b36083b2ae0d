/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends by name, for the table in aead_backends.c. A new one: a line here, one there. */
#pragma once

#include "crypto/aead_burst.h"

extern const struct aead_backend aead_ipsecmb;
extern const struct aead_backend aead_portable;
