/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * STUN (RFC 8489), as much of it as says how the world sees our WireGuard port: a binding request
 * in the form that the servers of tailnets insist on (SOFTWARE "tailnode", then FINGERPRINT, and
 * nothing else), and the address in a response.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

#define STUN_COOKIE 0x2112a442u

enum {
	STUN_HEADER_BYTES = 20,
	STUN_TXID_BYTES = 12,
	STUN_REQUEST_BYTES = 40,
	STUN_PORT_DEFAULT = 3478,
};

struct stun_txid {
	uint8_t bytes[STUN_TXID_BYTES];
};

/*
 * Whether the n_bytes of a UDP payload are a successful STUN response by their first bytes, which
 * no WireGuard message can be. Anyone may call.
 */
static inline bool
stun_is_response(const void *payload, size_t n_bytes)
{
	return n_bytes >= STUN_HEADER_BYTES && load_be16(payload) == 0x0101 &&
		load_be32((const uint8_t *)payload + 4) == STUN_COOKIE;
}

/* Writes a request. The TxID is drawn at random by the caller for each. */
void stun_request(uint8_t out[STUN_REQUEST_BYTES], const struct stun_txid *txid);

/*
 * Reads a response for which stun_is_response holds: which request it answers, and what the
 * request's source was (IPv4 also where the server wrote it as IPv6). 0, or -EPROTO: lengths that
 * do not fit, or no address in it. The TxID is set in either case.
 */
int stun_parse(const void *payload, size_t n_bytes, struct stun_txid *txid, struct endpoint *out)
	__attribute__((warn_unused_result));
