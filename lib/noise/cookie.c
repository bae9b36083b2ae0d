/* SPDX-License-Identifier: BSD-3-Clause */
#include "noise/cookie.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/blake2s.h"

enum {
	LABEL_BYTES = 8,
	SENDER_INDEX_AT = 4, /* in initiations and responses alike */
};

static void
derive_keys(uint8_t mac1_key[32], uint8_t cookie_key[32], const struct key *public_key)
{
	uint8_t input[LABEL_BYTES + KEY_BYTES];
	memcpy(input + LABEL_BYTES, public_key->bytes, KEY_BYTES);
	memcpy(input, "mac1----", LABEL_BYTES);
	blake2s_hash(mac1_key, input, sizeof(input));
	memcpy(input, "cookie--", LABEL_BYTES);
	blake2s_hash(cookie_key, input, sizeof(input));
}

/* Mac(key, the bytes of msg from its start to `end`). */
static void
mac_until(uint8_t out[WG_MAC_BYTES], struct blake2s_key key, const void *msg, const void *end)
{
	ptrdiff_t n_bytes = (const uint8_t *)end - (const uint8_t *)msg;
	blake2s_mac(out, WG_MAC_BYTES, key, msg, (size_t)n_bytes);
}

static bool
mac_is_right(const uint8_t mac[WG_MAC_BYTES], struct blake2s_key key, const void *msg)
{
	uint8_t expected[WG_MAC_BYTES];
	mac_until(expected, key, msg, mac);
	return secret_is_equal(expected, mac, WG_MAC_BYTES);
}

static const struct wg_macs *
macs_of(const struct cookie_packet *p)
{
	return (const void *)((const uint8_t *)p->msg + p->n_bytes - sizeof(struct wg_macs));
}

static bool
has_passed(ns_t since_ns, ns_t period_ns, ns_t now)
{
	return now >= since_ns && now - since_ns >= period_ns;
}

void
cookie_checker_init(struct cookie_checker *c, const struct key *public_key)
{
	cookie_checker_wipe(c);
	derive_keys(c->mac1_key, c->cookie_key, public_key);
}

void
cookie_checker_wipe(struct cookie_checker *c)
{
	secret_wipe(c, sizeof(*c));
}

/* The cookie of a source: a Mac of its address and port under a secret that changes. */
static void
cookie_of(struct cookie_checker *c, const struct endpoint *source, ns_t now,
	uint8_t out[WG_COOKIE_BYTES])
{
	uint8_t bytes[16 + 2];
	size_t n_bytes = addr_n_bytes(source->addr.family);
	if (!c->has_secret || has_passed(c->secret_born_ns, COOKIE_VALID_NS, now)) {
		secret_random(c->secret, sizeof(c->secret));
		c->secret_born_ns = now;
		c->has_secret = true;
	}
	memcpy(bytes, source->addr.bytes, n_bytes);
	store_be16(bytes + n_bytes, source->port);
	blake2s_mac(out, WG_COOKIE_BYTES, (struct blake2s_key){c->secret, sizeof(c->secret)}, bytes,
		n_bytes + 2);
}

enum cookie_verdict
cookie_check(struct cookie_checker *c, const struct cookie_packet *p, ns_t now, bool under_load)
{
	uint8_t cookie[WG_COOKIE_BYTES];
	enum wg_type type = wg_type_of(p->msg, p->n_bytes);
	if (type != WG_INITIATION && type != WG_RESPONSE)
		return COOKIE_INVALID_MAC1;
	const struct wg_macs *macs = macs_of(p);
	struct blake2s_key mac1_key = {c->mac1_key, sizeof(c->mac1_key)};
	if (!mac_is_right(macs->mac1, mac1_key, p->msg))
		return COOKIE_INVALID_MAC1;
	if (!under_load)
		return COOKIE_VALID_MAC1;

	cookie_of(c, p->source, now, cookie);
	struct blake2s_key mac2_key = {cookie, sizeof(cookie)};
	bool is_right = mac_is_right(macs->mac2, mac2_key, p->msg);
	secret_wipe(cookie, sizeof(cookie));
	return is_right ? COOKIE_VALID_MAC2 : COOKIE_VALID_MAC1;
}

void
cookie_make_reply(struct cookie_checker *c, const struct cookie_packet *p, ns_t now,
	const uint8_t nonce[WG_XNONCE_BYTES], struct wg_cookie *out)
{
	uint8_t cookie[WG_COOKIE_BYTES];
	cookie_of(c, p->source, now, cookie);
	out->type = WG_COOKIE;
	out->receiver_index = load_le32((const uint8_t *)p->msg + SENDER_INDEX_AT);
	memcpy(out->nonce, nonce, WG_XNONCE_BYTES);
	xaead_seal(c->cookie_key, nonce, &(struct aead_message){
		.aad = macs_of(p)->mac1, .aad_bytes = WG_MAC_BYTES,
		.in = cookie, .in_bytes = sizeof(cookie), .out = out->sealed_cookie});
	secret_wipe(cookie, sizeof(cookie));
}

void
cookie_maker_init(struct cookie_maker *m, const struct key *peer_public_key)
{
	cookie_maker_wipe(m);
	derive_keys(m->mac1_key, m->cookie_key, peer_public_key);
}

void
cookie_maker_wipe(struct cookie_maker *m)
{
	secret_wipe(m, sizeof(*m));
}

void
cookie_add_macs(struct cookie_maker *m, void *msg, size_t n_bytes, ns_t now)
{
	struct wg_macs *macs = (void *)((uint8_t *)msg + n_bytes - sizeof(*macs));
	mac_until(macs->mac1, (struct blake2s_key){m->mac1_key, sizeof(m->mac1_key)}, msg,
		macs->mac1);
	memcpy(m->last_mac1, macs->mac1, WG_MAC_BYTES);
	m->has_last_mac1 = true;

	if (m->has_cookie &&
		has_passed(m->cookie_born_ns, COOKIE_VALID_NS - COOKIE_LATENCY_NS, now)) {
		secret_wipe(m->cookie, sizeof(m->cookie));
		m->has_cookie = false;
	}
	if (m->has_cookie)
		mac_until(macs->mac2, (struct blake2s_key){m->cookie, sizeof(m->cookie)}, msg,
			macs->mac2);
	else
		memset(macs->mac2, 0, WG_MAC_BYTES);
}

bool
cookie_consume_reply(struct cookie_maker *m, const struct wg_cookie *msg, ns_t now)
{
	uint8_t cookie[WG_COOKIE_BYTES];
	if (!m->has_last_mac1)
		return false;
	int rc = xaead_open(m->cookie_key, msg->nonce, &(struct aead_message){
		.aad = m->last_mac1, .aad_bytes = WG_MAC_BYTES,
		.in = msg->sealed_cookie, .in_bytes = sizeof(msg->sealed_cookie), .out = cookie});
	if (rc == 0) {
		memcpy(m->cookie, cookie, sizeof(cookie));
		m->cookie_born_ns = now;
		m->has_cookie = true;
		m->has_last_mac1 = false;
	}
	secret_wipe(cookie, sizeof(cookie));
	return rc == 0;
}
