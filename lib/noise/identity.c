/* SPDX-License-Identifier: BSD-3-Clause */
/* The two sides of a handshake as values: how they begin, change and are wiped. */
#include "noise/noise.h"

#include "base/secret.h"
#include "crypto/x25519.h"

void
noise_local_set_private_key(struct noise_local *local, const struct key *private_key)
{
	struct key k = *private_key; /* which may be the one that stands there */
	noise_local_wipe(local);
	if (key_is_zero(&k))
		return;
	local->private_key = k;
	secret_wipe(&k, sizeof(k));
	x25519_clamp(local->private_key.bytes);
	x25519_public(local->public_key.bytes, local->private_key.bytes);
	local->has_identity = true;
}

void
noise_local_wipe(struct noise_local *local)
{
	secret_wipe(local, sizeof(*local));
}

void
noise_remote_init(struct noise_remote *remote, const struct key *public_key)
{
	*remote = (struct noise_remote){.public_key = *public_key};
}

void
noise_remote_set_psk(struct noise_remote *remote, const struct key *psk)
{
	remote->psk = *psk;
}

void
noise_remote_clear(struct noise_remote *remote)
{
	remote->state = NOISE_IDLE;
	secret_wipe(remote->chain_key, sizeof(remote->chain_key));
	secret_wipe(remote->hash, sizeof(remote->hash));
	secret_wipe(&remote->ephemeral_private, sizeof(remote->ephemeral_private));
	secret_wipe(&remote->remote_ephemeral, sizeof(remote->remote_ephemeral));
	remote->local_index = 0;
	remote->remote_index = 0;
}

void
noise_remote_wipe(struct noise_remote *remote)
{
	secret_wipe(remote, sizeof(*remote));
}

const char *
noise_result_name(enum noise_result r)
{
	static const char *const names[NOISE_N_RESULTS] = {
		[NOISE_OK] = "accepted",
		[NOISE_NO_IDENTITY] = "no private key on this interface",
		[NOISE_WEAK_KEY] = "public key of small order",
		[NOISE_NOT_AUTHENTIC] = "not authentic",
		[NOISE_UNKNOWN_PEER] = "key of no peer",
		[NOISE_REPLAYED] = "replayed initiation",
		[NOISE_FLOOD] = "initiations too often",
		[NOISE_WRONG_STATE] = "no handshake under way",
	};
	return r < NOISE_N_RESULTS ? names[r] : "unknown";
}
