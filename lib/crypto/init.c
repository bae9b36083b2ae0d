/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/init.h"

#include <errno.h>
#include <sodium/core.h>
#include <stdint.h>

#include "crypto/blake2s.h"

int
crypto_init(struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, -EIO,
			"libsodium cannot start: its random generator found no "
			"source; check that /dev/urandom can be read");
	/* libb2 resolves its functions at their first call, without a lock: make that call here. */
	uint8_t out[BLAKE2S_HASH_BYTES];
	blake2s_mac(out, sizeof(out), (struct blake2s_key){"", 1}, "", 0);
	return 0;
}
