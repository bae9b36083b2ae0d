/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/aead_backends.h"

const struct aead_backend *const aead_backends[] = {
	&aead_ipsecmb,
	&aead_portable,
	NULL,
};
