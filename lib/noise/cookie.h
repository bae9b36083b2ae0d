/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Macs and cookies (WireGuard whitepaper v1, sections 5.3, 5.4.4 and 5.4.7). mac1 proves that
 * the sender knows our public key; mac2, asked for under load only, that it owns its address.
 *
 *   cookie_add_macs ── mac1, mac2 = 0 ──► cookie_check: COOKIE_VALID_MAC1, and under load
 *   cookie_consume_reply ◄── cookie ───── cookie_make_reply
 *   cookie_add_macs ── mac1, mac2 ──────► cookie_check: COOKIE_VALID_MAC2
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/key.h"
#include "wire/wg.h"

/* A cookie holds for as long as its secret; who received one stops using it a little earlier. */
#define COOKIE_VALID_NS (120 * NS_IN_S)
#define COOKIE_LATENCY_NS (5 * NS_IN_S)

enum cookie_verdict {
	COOKIE_INVALID_MAC1, /* drop */
	COOKIE_VALID_MAC1,   /* process; under load answer with a cookie and drop */
	COOKIE_VALID_MAC2,   /* under load only: process, if noise/ratelimit.h lets it */
};

/* An interface's side. The owner's lock guards it: check and reply may renew the secret. */
struct cookie_checker {
	uint8_t mac1_key[32];
	uint8_t cookie_key[32];
	uint8_t secret[32];
	ns_t secret_born_ns;
	bool has_secret;
};

/* For the interface's public key; again when that changes. */
void cookie_checker_init(struct cookie_checker *c, const struct key *public_key);
void cookie_checker_wipe(struct cookie_checker *c);

/* An initiation or response as it came: the UDP payload and its source. */
struct cookie_packet {
	const void *msg;
	size_t n_bytes;
	const struct endpoint *source;
};

/* Anything but a whole initiation or response has no valid mac1. mac2 is looked at under load. */
enum cookie_verdict cookie_check(struct cookie_checker *c, const struct cookie_packet *p, ns_t now,
	bool under_load) __attribute__((warn_unused_result));

/*
 * Writes the reply to a packet that was COOKIE_VALID_MAC1 under load. nonce is fresh from the
 * system's generator; fixed in tests.
 */
void cookie_make_reply(struct cookie_checker *c, const struct cookie_packet *p, ns_t now,
	const uint8_t nonce[WG_XNONCE_BYTES], struct wg_cookie *out);

/* A peer's side, for what we send to it. Guarded by the lock of the peer's handshake state. */
struct cookie_maker {
	uint8_t mac1_key[32];
	uint8_t cookie_key[32];
	uint8_t cookie[WG_COOKIE_BYTES];
	ns_t cookie_born_ns;
	bool has_cookie;
	bool has_last_mac1;     /* a message went out that no cookie has answered yet */
	uint8_t last_mac1[WG_MAC_BYTES];
};

void cookie_maker_init(struct cookie_maker *m, const struct key *peer_public_key);
void cookie_maker_wipe(struct cookie_maker *m);

/*
 * Fills the macs of msg, a struct wg_initiation or wg_response of n_bytes whose other members are
 * done: mac1 always, mac2 while a cookie is held, else zeros.
 */
void cookie_add_macs(struct cookie_maker *m, void *msg, size_t n_bytes, ns_t now);

/*
 * Takes the cookie of a reply to the last message sent to this peer, which the caller found by
 * msg's receiver index. False, and nothing changes, when nothing was asked, or it answers another
 * message, or it was altered.
 */
bool cookie_consume_reply(struct cookie_maker *m, const struct wg_cookie *msg, ns_t now)
	__attribute__((warn_unused_result));
