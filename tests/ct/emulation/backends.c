/* SPDX-License-Identifier: BSD-3-Clause */
/* The table for tests of the emulated backend: it, and the oracle. */
#include "crypto/aead_backends.h"

const struct aead_backend *const aead_backends[] = {&aead_avx512, &aead_portable, NULL};
