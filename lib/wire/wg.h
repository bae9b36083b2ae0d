/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The four messages of WireGuard as they lie on the wire (WireGuard whitepaper v1, section 5.4).
 *
 *   initiator                                   responder
 *      ── initiation {I, e, [s], [t]}, mac1, mac2 ──►
 *      ◄── response {R, I, e, []}, mac1, mac2 ───────   (or ◄── cookie reply {I, nonce, [cookie]})
 *      ── data {R, counter, [packet]} ──►  ◄── data {I, counter, [packet]}
 *
 * [x] is x sealed, so a 16-byte tag longer. Numbers are little-endian, as is this host
 * (base/bytes.h asserts it); the structs are packed, so their members may be read in place at
 * any alignment. The type byte is followed by three zeros, hence one word.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum wg_type {
	WG_NONE = 0, /* not a WireGuard message */
	WG_INITIATION = 1,
	WG_RESPONSE = 2,
	WG_COOKIE = 3,
	WG_DATA = 4,
};

enum {
	WG_KEY_BYTES = 32,
	WG_TAG_BYTES = 16,
	WG_MAC_BYTES = 16,
	WG_COOKIE_BYTES = 16,
	WG_XNONCE_BYTES = 24,
	WG_TAI64N_BYTES = 12,
	WG_PAD_BYTES = 16, /* the plaintext of data grows to a multiple of this */
};

/* The end of an initiation and of a response: over all before mac1; over all before mac2. */
struct wg_macs {
	uint8_t mac1[WG_MAC_BYTES];
	uint8_t mac2[WG_MAC_BYTES];
} __attribute__((packed));

struct wg_initiation {
	uint32_t type;
	uint32_t sender_index;
	uint8_t ephemeral[WG_KEY_BYTES];
	uint8_t sealed_static[WG_KEY_BYTES + WG_TAG_BYTES];
	uint8_t sealed_tai64n[WG_TAI64N_BYTES + WG_TAG_BYTES];
	struct wg_macs macs;
} __attribute__((packed));

struct wg_response {
	uint32_t type;
	uint32_t sender_index;
	uint32_t receiver_index;
	uint8_t ephemeral[WG_KEY_BYTES];
	uint8_t sealed_nothing[WG_TAG_BYTES];
	struct wg_macs macs;
} __attribute__((packed));

struct wg_cookie {
	uint32_t type;
	uint32_t receiver_index;
	uint8_t nonce[WG_XNONCE_BYTES];
	uint8_t sealed_cookie[WG_COOKIE_BYTES + WG_TAG_BYTES];
} __attribute__((packed));

/* Followed by the sealed packet, n bytes (0 in a keepalive), and its tag. */
struct wg_data {
	uint32_t type;
	uint32_t receiver_index;
	uint64_t counter;
	uint8_t sealed[];
} __attribute__((packed));

enum { WG_DATA_OVERHEAD_BYTES = sizeof(struct wg_data) + WG_TAG_BYTES };

_Static_assert(sizeof(struct wg_macs) == 32, "macs on the wire");
_Static_assert(sizeof(struct wg_initiation) == 148, "initiation on the wire");
_Static_assert(sizeof(struct wg_response) == 92, "response on the wire");
_Static_assert(sizeof(struct wg_cookie) == 64, "cookie reply on the wire");
_Static_assert(sizeof(struct wg_data) == 16, "data header on the wire");
_Static_assert(WG_DATA_OVERHEAD_BYTES == 32, "a keepalive on the wire");

/*
 * What the n_bytes of a UDP payload are, by type word and length alone: handshake messages have
 * exactly their size, data at least a keepalive's. WG_NONE for all else. Anyone may call.
 */
static inline enum wg_type
wg_type_of(const void *payload, size_t n_bytes)
{
	uint32_t type = n_bytes >= 4 ? load_le32(payload) : 0;
	switch (type) {
	case WG_INITIATION:
		return n_bytes == sizeof(struct wg_initiation) ? WG_INITIATION : WG_NONE;
	case WG_RESPONSE:
		return n_bytes == sizeof(struct wg_response) ? WG_RESPONSE : WG_NONE;
	case WG_COOKIE:
		return n_bytes == sizeof(struct wg_cookie) ? WG_COOKIE : WG_NONE;
	case WG_DATA:
		return n_bytes >= WG_DATA_OVERHEAD_BYTES ? WG_DATA : WG_NONE;
	default:
		return WG_NONE;
	}
}

/* Whether it is an initiation or a response with a mac2, right or wrong. n_bytes as above. */
static inline bool
wg_has_mac2(const void *payload, size_t n_bytes)
{
	enum wg_type type = wg_type_of(payload, n_bytes);
	if (type != WG_INITIATION && type != WG_RESPONSE)
		return false;
	const uint8_t *mac2 = (const uint8_t *)payload + n_bytes - WG_MAC_BYTES;
	return (load_le64(mac2) | load_le64(mac2 + 8)) != 0;
}

/* "handshake initiation" and so on, for logs. */
const char *wg_type_name(enum wg_type type);

/*
 * The length of a plaintext of n_bytes as it is sealed: padded to 16, but not past mtu_bytes
 * of the tunnel. A plaintext longer than the MTU (a jumbo that the tunnel splits later) pads
 * as its last piece would, as section 5.4.6 and stock peers do. mtu_bytes 0: no limit.
 */
static inline size_t
wg_padded_bytes(size_t n_bytes, size_t mtu_bytes)
{
	if (mtu_bytes == 0)
		return (n_bytes + WG_PAD_BYTES - 1) & ~(size_t)(WG_PAD_BYTES - 1);
	size_t last = n_bytes > mtu_bytes ? n_bytes % mtu_bytes : n_bytes;
	size_t padded = (last + WG_PAD_BYTES - 1) & ~(size_t)(WG_PAD_BYTES - 1);
	return n_bytes - last + MIN_OF(padded, mtu_bytes);
}
