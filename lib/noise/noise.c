/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s:
 *
 *   <- s
 *   ...
 *   -> e, es, s, ss, {t}
 *   <- e, ee, se, psk, {}
 *
 * Each message function below reads as its line, a call or two a token. All of them work on a
 * struct noise_symmetric on the stack and store it in the remote at the end, when nothing can fail.
 */
#include "noise/noise.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/x25519.h"

#define CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define IDENTIFIER "WireGuard v1 zx2c4 Jason@zx2c4.com"

/* TAI64's epoch, and the ten seconds that TAI was ahead of UTC in 1970. */
#define TAI64_BASE 0x400000000000000aull
/* 50 initiations a second need no finer clock than 1/50 s, rounded down to a power of two. */
#define STAMP_GRAIN_NS (1u << 24)

/* "<- s": both sides start from what they know of the responder. */
static void
start(struct noise_symmetric *s, const struct key *responder_static)
{
	noise_symmetric_begin(s, CONSTRUCTION, IDENTIFIER, strlen(IDENTIFIER));
	noise_mix_hash(s, responder_static->bytes, KEY_BYTES);
}

/* e: a public ephemeral as it stands in the message. */
static void
mix_ephemeral(struct noise_symmetric *s, const uint8_t ephemeral[KEY_BYTES])
{
	noise_mix_hash(s, ephemeral, KEY_BYTES);
	kdf1(s->chain_key, s->chain_key, ephemeral, KEY_BYTES);
}

/* ss: from the kept product, made here if there is none of our present key. */
static bool
mix_static_static(struct noise_symmetric *s, const struct noise_local *local,
	struct noise_remote *remote)
{
	if (!remote->has_static_static ||
		!key_is_equal(&remote->static_static_of, &local->public_key)) {
		remote->has_static_static = x25519_shared(remote->static_static.bytes,
			local->private_key.bytes, remote->public_key.bytes) == 0;
		remote->static_static_of = local->public_key;
	}
	if (!remote->has_static_static)
		return false;
	noise_mix_product(s, remote->static_static.bytes);
	return true;
}

/* psk */
static void
mix_psk(struct noise_symmetric *s, const struct key *psk)
{
	uint8_t tau[BLAKE2S_HASH_BYTES];
	kdf3(s->chain_key, tau, s->key, s->chain_key, psk->bytes);
	noise_mix_hash(s, tau, sizeof(tau));
	secret_wipe(tau, sizeof(tau));
}

static void
keep(struct noise_remote *remote, const struct noise_symmetric *s)
{
	memcpy(remote->chain_key, s->chain_key, NOISE_HASH_BYTES);
	memcpy(remote->hash, s->hash, NOISE_HASH_BYTES);
}

static void
take_up(struct noise_symmetric *s, const struct noise_remote *remote)
{
	memcpy(s->chain_key, remote->chain_key, NOISE_HASH_BYTES);
	memcpy(s->hash, remote->hash, NOISE_HASH_BYTES);
}

/*
 * The stamp of the wall clock, without its low bits, so that it is no oracle for timing; or the
 * one after the last when that would not be greater.
 */
static void
stamp_make(uint8_t out[WG_TAI64N_BYTES], const uint8_t last[WG_TAI64N_BYTES],
	const struct wall_time *wall)
{
	store_be64(out, TAI64_BASE + wall->s);
	store_be32(out + 8, wall->ns & ~(STAMP_GRAIN_NS - 1));
	if (memcmp(out, last, WG_TAI64N_BYTES) > 0)
		return;
	uint64_t s = load_be64(last);
	uint32_t ns = load_be32(last + 8) + STAMP_GRAIN_NS;
	store_be64(out, ns < NS_IN_S ? s : s + 1);
	store_be32(out + 8, ns < NS_IN_S ? ns : 0);
}

/* -> e, es, s, ss, {t} */
static enum noise_result
write_initiation(struct noise_symmetric *s, const struct noise_local *local,
	struct noise_remote *remote, const struct noise_fresh *fresh, struct wg_initiation *msg)
{
	uint8_t stamp[WG_TAI64N_BYTES];
	start(s, &remote->public_key);
	x25519_public(msg->ephemeral, fresh->ephemeral.bytes);
	mix_ephemeral(s, msg->ephemeral);
	if (!noise_mix_dh(s, &fresh->ephemeral, &remote->public_key))
		return NOISE_WEAK_KEY;
	noise_seal(s, msg->sealed_static, local->public_key.bytes, KEY_BYTES);
	if (!mix_static_static(s, local, remote))
		return NOISE_WEAK_KEY;
	stamp_make(stamp, remote->sent_tai64n, &fresh->wall);
	noise_seal(s, msg->sealed_tai64n, stamp, sizeof(stamp));
	memcpy(remote->sent_tai64n, stamp, sizeof(stamp));
	return NOISE_OK;
}

enum noise_result
noise_initiate(const struct noise_local *local, struct noise_remote *remote,
	const struct noise_fresh *fresh, struct wg_initiation *msg)
{
	struct noise_symmetric s;
	if (!local->has_identity)
		return NOISE_NO_IDENTITY;
	memset(msg, 0, sizeof(*msg));
	enum noise_result r = write_initiation(&s, local, remote, fresh, msg);
	if (r == NOISE_OK) {
		msg->type = WG_INITIATION;
		msg->sender_index = fresh->sender_index;
		noise_remote_clear(remote);
		keep(remote, &s);
		remote->ephemeral_private = fresh->ephemeral;
		remote->local_index = fresh->sender_index;
		remote->state = NOISE_SENT_INITIATION;
	}
	secret_wipe(&s, sizeof(s));
	return r;
}

/* What reading an initiation yields before anything is kept of it. */
struct incoming {
	struct noise_symmetric s;
	struct key ephemeral;
	struct key static_key;
	uint8_t stamp[WG_TAI64N_BYTES];
};

/* -> e, es, s */
static enum noise_result
read_caller(struct incoming *in, const struct noise_local *local, const struct wg_initiation *msg)
{
	start(&in->s, &local->public_key);
	memcpy(in->ephemeral.bytes, msg->ephemeral, KEY_BYTES);
	mix_ephemeral(&in->s, msg->ephemeral);
	if (!noise_mix_dh(&in->s, &local->private_key, &in->ephemeral))
		return NOISE_WEAK_KEY;
	if (!noise_open(&in->s, in->static_key.bytes, msg->sealed_static, KEY_BYTES))
		return NOISE_NOT_AUTHENTIC;
	return NOISE_OK;
}

static bool
is_flood(const struct noise_remote *remote, ns_t now)
{
	return remote->initiation_ns &&
		remote->initiation_ns + NS_IN_S / NOISE_INITIATIONS_IN_S > now;
}

/* ss, {t}, and whether it is new. Changes nothing of the remote but its kept product. */
static enum noise_result
read_stamp(struct incoming *in, const struct noise_local *local, struct noise_remote *remote,
	const struct wg_initiation *msg, ns_t now)
{
	if (!mix_static_static(&in->s, local, remote))
		return NOISE_WEAK_KEY;
	if (!noise_open(&in->s, in->stamp, msg->sealed_tai64n, WG_TAI64N_BYTES))
		return NOISE_NOT_AUTHENTIC;
	if (memcmp(in->stamp, remote->seen_tai64n, WG_TAI64N_BYTES) <= 0)
		return NOISE_REPLAYED;
	return is_flood(remote, now) ? NOISE_FLOOD : NOISE_OK;
}

static void
accept_initiation(struct noise_remote *remote, const struct incoming *in,
	const struct wg_initiation *msg, ns_t now)
{
	noise_remote_clear(remote);
	keep(remote, &in->s);
	remote->remote_ephemeral = in->ephemeral;
	remote->remote_index = msg->sender_index;
	memcpy(remote->seen_tai64n, in->stamp, WG_TAI64N_BYTES);
	remote->initiation_ns = MAX_OF(remote->initiation_ns, now);
	remote->state = NOISE_GOT_INITIATION;
}

enum noise_result
noise_consume_initiation(const struct noise_local *local, const struct noise_upcalls *up,
	const struct wg_initiation *msg, ns_t now, struct noise_remote **remote)
{
	struct incoming in;
	struct noise_remote *r = NULL;
	*remote = NULL;
	if (!local->has_identity)
		return NOISE_NO_IDENTITY;
	enum noise_result result = read_caller(&in, local, msg);
	if (result != NOISE_OK)
		goto out;
	r = up->remote_get(up->ctx, &in.static_key);
	if (!r) {
		result = NOISE_UNKNOWN_PEER;
		goto out;
	}
	result = read_stamp(&in, local, r, msg, now);
	if (result != NOISE_OK) {
		up->remote_put(up->ctx, r);
		goto out;
	}
	accept_initiation(r, &in, msg, now);
	*remote = r;
out:
	secret_wipe(&in, sizeof(in));
	return result;
}

/* <- e, ee, se, psk, {} */
static enum noise_result
write_response(struct noise_symmetric *s, const struct noise_remote *remote,
	const struct noise_fresh *fresh, struct wg_response *msg)
{
	take_up(s, remote);
	x25519_public(msg->ephemeral, fresh->ephemeral.bytes);
	mix_ephemeral(s, msg->ephemeral);
	if (!noise_mix_dh(s, &fresh->ephemeral, &remote->remote_ephemeral) ||
		!noise_mix_dh(s, &fresh->ephemeral, &remote->public_key))
		return NOISE_WEAK_KEY;
	mix_psk(s, &remote->psk);
	noise_seal(s, msg->sealed_nothing, NULL, 0);
	return NOISE_OK;
}

enum noise_result
noise_respond(const struct noise_local *local, struct noise_remote *remote,
	const struct noise_fresh *fresh, struct wg_response *msg)
{
	struct noise_symmetric s;
	if (!local->has_identity)
		return NOISE_NO_IDENTITY;
	if (remote->state != NOISE_GOT_INITIATION)
		return NOISE_WRONG_STATE;
	memset(msg, 0, sizeof(*msg));
	enum noise_result r = write_response(&s, remote, fresh, msg);
	if (r == NOISE_OK) {
		msg->type = WG_RESPONSE;
		msg->sender_index = fresh->sender_index;
		msg->receiver_index = remote->remote_index;
		keep(remote, &s);
		remote->local_index = fresh->sender_index;
		remote->state = NOISE_SENT_RESPONSE;
	}
	secret_wipe(&s, sizeof(s));
	return r;
}

/* <- e, ee, se, psk, {} as read by the initiator. */
static enum noise_result
read_response(struct noise_symmetric *s, const struct noise_local *local,
	const struct noise_remote *remote, const struct wg_response *msg)
{
	struct key ephemeral;
	uint8_t nothing[1];
	take_up(s, remote);
	memcpy(ephemeral.bytes, msg->ephemeral, KEY_BYTES);
	mix_ephemeral(s, msg->ephemeral);
	if (!noise_mix_dh(s, &remote->ephemeral_private, &ephemeral) ||
		!noise_mix_dh(s, &local->private_key, &ephemeral))
		return NOISE_WEAK_KEY;
	mix_psk(s, &remote->psk);
	return noise_open(s, nothing, msg->sealed_nothing, 0) ? NOISE_OK : NOISE_NOT_AUTHENTIC;
}

enum noise_result
noise_consume_response(const struct noise_local *local, struct noise_remote *remote,
	const struct wg_response *msg)
{
	struct noise_symmetric s;
	if (!local->has_identity)
		return NOISE_NO_IDENTITY;
	if (remote->state != NOISE_SENT_INITIATION || msg->receiver_index != remote->local_index)
		return NOISE_WRONG_STATE;
	enum noise_result r = read_response(&s, local, remote, msg);
	if (r == NOISE_OK) {
		keep(remote, &s);
		memcpy(remote->remote_ephemeral.bytes, msg->ephemeral, KEY_BYTES);
		remote->remote_index = msg->sender_index;
		remote->state = NOISE_GOT_RESPONSE;
	}
	secret_wipe(&s, sizeof(s));
	return r;
}

enum noise_result
noise_begin_session(struct noise_remote *remote, struct session_keys *out)
{
	if (remote->state != NOISE_SENT_RESPONSE && remote->state != NOISE_GOT_RESPONSE)
		return NOISE_WRONG_STATE;
	out->is_initiator = remote->state == NOISE_GOT_RESPONSE;
	out->local_index = remote->local_index;
	out->remote_index = remote->remote_index;
	if (out->is_initiator)
		kdf2(out->send_key, out->recv_key, remote->chain_key, NULL, 0);
	else
		kdf2(out->recv_key, out->send_key, remote->chain_key, NULL, 0);
	noise_remote_clear(remote);
	return NOISE_OK;
}
