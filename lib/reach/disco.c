/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach/disco.h"

#include <errno.h>
#include <sodium/crypto_box.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "reach/mapped.h"

enum {
	MAX_PLAIN_BYTES = DISCO_MAX_BYTES - DISCO_OVERHEAD_BYTES,
	MAX_SEALED_PLAIN_BYTES = DISCO_SEALED_BYTES - DISCO_OVERHEAD_BYTES,
};

_Static_assert(DISCO_HEADER_BYTES == 62, "header on the wire");
_Static_assert(DISCO_PING_BYTES == 124 && DISCO_PONG_BYTES == 110, "messages on the wire");
_Static_assert(DISCO_NONCE_BYTES == crypto_box_NONCEBYTES, "nonce of a box");
_Static_assert(DISCO_TAG_BYTES == crypto_box_MACBYTES, "tag of a box");
_Static_assert(sizeof(struct disco_box) == crypto_box_BEFORENMBYTES, "key of a box");

int
disco_box_init(
	struct disco_box *box, const struct key *private_key, const struct key *their_public)
{
	if (crypto_box_beforenm(box->shared, their_public->bytes, private_key->bytes) == 0)
		return 0;
	disco_box_wipe(box);
	return -EKEYREJECTED;
}

void
disco_box_wipe(struct disco_box *box)
{
	secret_wipe(box, sizeof(*box));
}

static size_t
format_ping(uint8_t *out, const struct disco_message *m)
{
	memcpy(out, m->txid.bytes, DISCO_TXID_BYTES);
	if (!m->has_node_key)
		return DISCO_TXID_BYTES;
	memcpy(out + DISCO_TXID_BYTES, m->node_key.bytes, KEY_BYTES);
	return DISCO_TXID_BYTES + KEY_BYTES;
}

static size_t
format_pong(uint8_t *out, const struct disco_message *m)
{
	memcpy(out, m->txid.bytes, DISCO_TXID_BYTES);
	mapped_from_endpoint(out + DISCO_TXID_BYTES, &m->observed);
	return DISCO_TXID_BYTES + MAPPED_ENDPOINT_BYTES;
}

size_t
disco_seal(uint8_t out[DISCO_SEALED_BYTES], const struct disco_box *box,
	const struct key *our_public, const uint8_t nonce[DISCO_NONCE_BYTES],
	const struct disco_message *m)
{
	uint8_t plain[MAX_SEALED_PLAIN_BYTES] = {(uint8_t)m->type, 0};
	size_t n;

	if (m->type == DISCO_PING)
		n = 2 + format_ping(plain + 2, m);
	else if (m->type == DISCO_PONG)
		n = 2 + format_pong(plain + 2, m);
	else
		return 0;
	memcpy(out, "TS\xf0\x9f\x92\xac", DISCO_MAGIC_BYTES);
	memcpy(out + DISCO_MAGIC_BYTES, our_public->bytes, KEY_BYTES);
	memcpy(out + DISCO_MAGIC_BYTES + KEY_BYTES, nonce, DISCO_NONCE_BYTES);
	if (crypto_box_easy_afternm(out + DISCO_HEADER_BYTES, plain, n, nonce, box->shared))
		return 0;
	return DISCO_OVERHEAD_BYTES + n;
}

static void
parse_ping(struct cursor *c, struct disco_message *out)
{
	cursor_copy(c, out->txid.bytes, DISCO_TXID_BYTES);
	out->has_node_key = !c->failed && cursor_left(c) >= KEY_BYTES;
	if (out->has_node_key)
		cursor_copy(c, out->node_key.bytes, KEY_BYTES);
}

static void
parse_pong(struct cursor *c, struct disco_message *out)
{
	cursor_copy(c, out->txid.bytes, DISCO_TXID_BYTES);
	const uint8_t *observed = cursor_take(c, MAPPED_ENDPOINT_BYTES);
	if (observed)
		out->observed = mapped_to_endpoint(observed);
}

/* As stock nodes have it: a list that does not come out even is no list. */
static void
parse_call_me_maybe(struct cursor *c, struct disco_message *out)
{
	if (cursor_left(c) % MAPPED_ENDPOINT_BYTES)
		return;
	while (cursor_left(c) && out->n_endpoints < DISCO_MAX_ENDPOINTS)
		out->endpoints[out->n_endpoints++] =
			mapped_to_endpoint(cursor_take(c, MAPPED_ENDPOINT_BYTES));
}

int
disco_parse(const uint8_t *plain, size_t n_bytes, struct disco_message *out)
{
	struct cursor c = cursor_of(plain, n_bytes);
	uint8_t type = cursor_u8(&c);
	uint8_t version = cursor_u8(&c);

	memset(out, 0, sizeof(*out));
	if (c.failed)
		return -EPROTO;
	if (version != 0 || type < DISCO_PING || type > DISCO_CALL_ME_MAYBE)
		return 0;
	out->type = (enum disco_type)type;
	if (type == DISCO_PING)
		parse_ping(&c, out);
	else if (type == DISCO_PONG)
		parse_pong(&c, out);
	else
		parse_call_me_maybe(&c, out);
	return c.failed ? -EPROTO : 0;
}

int
disco_open(const struct disco_box *box, const void *packet, size_t n_bytes,
	struct disco_message *out)
{
	const uint8_t *p = packet;
	uint8_t plain[MAX_PLAIN_BYTES];

	if (n_bytes > DISCO_MAX_BYTES)
		return -EMSGSIZE;
	const uint8_t *nonce = p + DISCO_MAGIC_BYTES + KEY_BYTES;
	if (n_bytes < DISCO_OVERHEAD_BYTES ||
		crypto_box_open_easy_afternm(plain, p + DISCO_HEADER_BYTES,
			n_bytes - DISCO_HEADER_BYTES, nonce, box->shared))
		return -EBADMSG;
	return disco_parse(plain, n_bytes - DISCO_OVERHEAD_BYTES, out);
}
