/* SPDX-License-Identifier: BSD-3-Clause */
/* Two ends of a handshake as the tests of lib/noise use them. Include it after cmocka.h. */
#pragma once

#include <sodium/utils.h>
#include <string.h>

#include "base/bytes.h"
#include "noise/cookie.h"
#include "noise/noise.h"

struct handshake_vector {
	const char *psk, *private_i, *private_r, *ephemeral_i, *ephemeral_r;
	uint32_t index_i, index_r;
	uint64_t wall_s;
	uint32_t wall_ns;
	const char *source;
	uint16_t port;
	const char *secret, *nonce, *public_i, *public_r, *initiation, *response, *to_responder,
		*to_initiator, *cookie_reply, *mac2;
};

static const struct handshake_vector handshake_vectors[] = {
#include "vectors/handshake.inc"
};

/* Checks that the bytes are those of the text. */
static inline void
assert_hex(const void *bytes, size_t n_bytes, const char *hex)
{
	char text[2 * 256 + 1];
	assert_true(n_bytes <= 256);
	sodium_bin2hex(text, sizeof(text), bytes, n_bytes);
	assert_string_equal(text, hex);
}

static inline void
bytes_of_hex(void *out, size_t n_bytes, const char *hex)
{
	size_t n = 0;
	assert_int_equal(sodium_hex2bin(out, n_bytes, hex, strlen(hex), NULL, &n, NULL), 0);
	assert_int_equal(n, n_bytes);
}

static inline struct key
key_of_hex(const char *hex)
{
	struct key k;
	assert_int_equal(key_from_hex(&k, hex), 0);
	return k;
}

/* One end: its interface and the other end as its only peer. */
struct end {
	struct noise_local local;
	struct noise_remote remote;
	struct cookie_checker checker;
	struct cookie_maker maker;
	struct noise_fresh fresh;
	bool is_locked;
};

static inline struct noise_remote *
end_remote_get(void *ctx, const struct key *public_key)
{
	struct end *e = ctx;
	assert_false(e->is_locked);
	if (!key_is_equal(&e->remote.public_key, public_key))
		return NULL;
	e->is_locked = true;
	return &e->remote;
}

static inline void
end_remote_put(void *ctx, struct noise_remote *remote)
{
	struct end *e = ctx;
	assert_true(e->is_locked && remote == &e->remote);
	e->is_locked = false;
}

static inline void
end_init(struct end *e, const struct key *private_key, const struct key *peer,
	const struct key *psk)
{
	memset(e, 0, sizeof(*e));
	noise_local_set_private_key(&e->local, private_key);
	noise_remote_init(&e->remote, peer);
	noise_remote_set_psk(&e->remote, psk);
	cookie_checker_init(&e->checker, &e->local.public_key);
	cookie_maker_init(&e->maker, peer);
}

struct pair {
	struct end i, r;
};

static inline void
pair_init(struct pair *p, const struct handshake_vector *v)
{
	struct key private_i = key_of_hex(v->private_i), private_r = key_of_hex(v->private_r);
	struct key public_i = key_of_hex(v->public_i), public_r = key_of_hex(v->public_r);
	struct key psk = key_of_hex(v->psk);
	end_init(&p->i, &private_i, &public_r, &psk);
	end_init(&p->r, &private_r, &public_i, &psk);
	p->i.fresh = (struct noise_fresh){.sender_index = v->index_i,
		.ephemeral = key_of_hex(v->ephemeral_i), .wall = {v->wall_s, v->wall_ns}};
	p->r.fresh = (struct noise_fresh){
		.sender_index = v->index_r, .ephemeral = key_of_hex(v->ephemeral_r)};
}

static inline void
end_initiate(struct end *e, struct wg_initiation *msg)
{
	assert_int_equal(noise_initiate(&e->local, &e->remote, &e->fresh, msg), NOISE_OK);
	cookie_add_macs(&e->maker, msg, sizeof(*msg), 1);
}

/* Takes an initiation as a handshake thread does, and unlocks the remote again. */
static inline enum noise_result
end_consume(struct end *e, const struct wg_initiation *msg, ns_t now)
{
	const struct noise_upcalls up = {e, end_remote_get, end_remote_put};
	struct noise_remote *remote;
	enum noise_result r = noise_consume_initiation(&e->local, &up, msg, now, &remote);
	assert_int_equal(r == NOISE_OK, remote != NULL);
	assert_int_equal(e->is_locked, remote != NULL);
	if (remote)
		end_remote_put(e, remote);
	return r;
}

static inline void
end_respond(struct end *e, struct wg_response *msg)
{
	assert_int_equal(noise_respond(&e->local, &e->remote, &e->fresh, msg), NOISE_OK);
	cookie_add_macs(&e->maker, msg, sizeof(*msg), 1);
}
