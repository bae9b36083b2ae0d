/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach/stun.h"

#include <errno.h>
#include <string.h>

#include "reach/mapped.h"

enum attr {
	MAPPED_ADDRESS = 0x0001,
	XOR_MAPPED_ADDRESS = 0x0020,
	XOR_MAPPED_ADDRESS_OLD = 0x8020, /* of drafts of RFC 5389, still spoken */
	SOFTWARE = 0x8022,
	FINGERPRINT = 0x8028,
};

#define FINGERPRINT_XOR 0x5354554eu

/* CRC-32 of ITU V.42, bit by bit: requests are short and few. */
static uint32_t
crc32_of(const uint8_t *p, size_t n_bytes)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < n_bytes; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

void
stun_request(uint8_t out[STUN_REQUEST_BYTES], const struct stun_txid *txid)
{
	store_be16(out, 0x0001);
	store_be16(out + 2, STUN_REQUEST_BYTES - STUN_HEADER_BYTES);
	store_be32(out + 4, STUN_COOKIE);
	memcpy(out + 8, txid->bytes, STUN_TXID_BYTES);
	store_be16(out + 20, SOFTWARE);
	store_be16(out + 22, 8);
	memcpy(out + 24, "tailnode", 8);
	store_be16(out + 32, FINGERPRINT);
	store_be16(out + 34, 4);
	store_be32(out + 36, crc32_of(out, 32) ^ FINGERPRINT_XOR);
}

/*
 * An address attribute: a byte of nothing, family, port, address. mask is what all after the
 * family is XORed with. ADDR_NONE when it is none.
 */
static struct endpoint
parse_address(struct cursor c, const uint8_t mask[MAPPED_ADDR_BYTES])
{
	struct endpoint e = {0};
	uint8_t bytes[MAPPED_ADDR_BYTES] = {0};

	(void)cursor_u8(&c);
	uint8_t family = cursor_u8(&c);
	uint16_t port = cursor_be16(&c) ^ load_be16(mask);
	size_t n = family == 1 ? 4 : family == 2 ? MAPPED_ADDR_BYTES : 0;
	cursor_copy(&c, bytes, n);
	if (c.failed || n == 0)
		return e;
	for (size_t i = 0; i < n; i++)
		bytes[i] ^= mask[i];
	e.port = port;
	e.addr = family == 1 ? addr_from_bytes(ADDR_V4, bytes) : mapped_to_addr(bytes);
	return e;
}

int
stun_parse(const void *payload, size_t n_bytes, struct stun_txid *txid, struct endpoint *out)
{
	static const uint8_t plain[MAPPED_ADDR_BYTES];
	const uint8_t *p = payload;
	const uint8_t *mask = p + 4; /* the cookie and the TxID, as they stand in the header */
	size_t n_attrs_bytes = load_be16(p + 2);
	struct endpoint xored = {0}, mapped = {0};

	memcpy(txid->bytes, p + 8, STUN_TXID_BYTES);
	if (n_attrs_bytes > n_bytes - STUN_HEADER_BYTES)
		return -EPROTO;
	struct cursor c = cursor_of(p + STUN_HEADER_BYTES, n_attrs_bytes);
	while (cursor_left(&c)) {
		uint16_t type = cursor_be16(&c);
		uint16_t n = cursor_be16(&c);
		const uint8_t *value = cursor_take(&c, n);
		if (!value)
			return -EPROTO;
		if (type == XOR_MAPPED_ADDRESS || type == XOR_MAPPED_ADDRESS_OLD)
			xored = parse_address(cursor_of(value, n), mask);
		else if (type == MAPPED_ADDRESS)
			mapped = parse_address(cursor_of(value, n), plain);
		/* Values are padded to 4 bytes; the last one may lack its padding. */
		(void)cursor_take(&c, MIN_OF((size_t)(-n & 3), cursor_left(&c)));
	}
	*out = endpoint_is_known(&xored) ? xored : mapped;
	return endpoint_is_known(out) ? 0 : -EPROTO;
}
