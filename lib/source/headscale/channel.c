/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/channel.h"

#include <errno.h>
#include <sodium/utils.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "source/headscale/http1.h"

#define PROTOCOL "tailscale-control-protocol"

enum {
	EARLY_HEADER_BYTES = 9, /* also of an HTTP/2 frame */
	EARLY_MAGIC_BYTES = 5,
	EARLY_MAX_BYTES = 10 << 20,
};

static const uint8_t early_magic[EARLY_MAGIC_BYTES] = {0xff, 0xff, 0xff, 'T', 'S'};

int
channel_begin(struct channel *ch, const struct ts2021_identity *who, const char *authority,
	struct text *out, struct err *err)
{
	uint8_t initiation[TS2021_INITIATION_BYTES];
	char header[sodium_base64_ENCODED_LEN(TS2021_INITIATION_BYTES,
		sodium_base64_VARIANT_ORIGINAL)];
	struct key ephemeral;
	memset(ch, 0, sizeof(*ch));
	text_init(&ch->in);
	text_init(&ch->early);
	x25519_keygen(ephemeral.bytes);
	bool is_right = ts2021_initiate(&ch->handshake, who, &ephemeral, initiation);
	secret_wipe(&ephemeral, sizeof(ephemeral));
	if (!is_right)
		return err_set(err, -EKEYREJECTED, "the server's key is a weak one");
	sodium_bin2base64(header, sizeof(header), initiation, sizeof(initiation),
		sodium_base64_VARIANT_ORIGINAL);
	text_add(out, "POST /ts2021 HTTP/1.1\r\nHost: %s\r\nUpgrade: " PROTOCOL "\r\n"
		"Connection: upgrade\r\nX-Tailscale-Handshake: %s\r\nContent-Length: 0\r\n\r\n",
		authority, header);
	return out->failed ? err_set(err, -ENOMEM, "memory is short") : 0;
}

void
channel_fini(struct channel *ch)
{
	ts2021_handshake_wipe(&ch->handshake);
	text_fini(&ch->in);
	text_fini(&ch->early);
	secret_wipe(ch, sizeof(*ch));
}

/* The first n_bytes of what came are done with. */
static void
drop_front(struct text *t, size_t n_bytes)
{
	memmove(t->data, t->data + n_bytes, t->n_bytes - n_bytes);
	t->n_bytes -= n_bytes;
}

static const char *
refusal(int status)
{
	switch (status) {
	case 400:
	case 426:
	case 500:
		return "a proxy in front of it may take the Upgrade header out";
	case 404:
		return "is it a Headscale server?";
	case 405:
		return "a proxy in front of it may not let POST upgrades through";
	default:
		return "is there a proxy in front of it?";
	}
}

/* 1: another step may be possible; 0: more bytes are needed. */
static int
take_head(struct channel *ch, struct err *err)
{
	struct http1_head head;
	int rc = http1_parse_head(ch->in.data, ch->in.n_bytes, &head);
	if (rc < 0)
		return err_set(err, -EPROTO, "what answers at the server's port does not speak "
			"HTTP/1");
	if (rc == 0)
		return 0;
	if (head.status != 101)
		return err_set(err, -EPROTO, "the server answered %d to the upgrade: %s",
			head.status, refusal(head.status));
	if (strcasecmp(head.upgrade, PROTOCOL) != 0)
		return err_set(err, -EPROTO, "the server upgraded to something else: is there a "
			"proxy in front of it?");
	drop_front(&ch->in, head.n_bytes);
	ch->state = CHANNEL_SHAKING;
	return 1;
}

static int
server_error(const struct channel *ch, size_t n_bytes, struct err *err)
{
	char said[128];
	size_t n = MIN_OF(n_bytes, sizeof(said) - 1);
	for (size_t i = 0; i < n; i++) {
		char c = ch->in.data[TS2021_HEADER_BYTES + i];
		said[i] = c >= 0x20 && c < 0x7f ? c : '?';
	}
	said[n] = 0;
	return err_set(err, -EBADMSG, "the server refused the handshake: %s", said);
}

static int
take_response(struct channel *ch, struct err *err)
{
	const uint8_t *in = (const uint8_t *)ch->in.data;
	if (ch->in.n_bytes < TS2021_HEADER_BYTES)
		return 0;
	size_t n_bytes = TS2021_HEADER_BYTES + load_be16(in + 1);
	if (in[0] == TS2021_ERROR && n_bytes <= TS2021_MAX_SEALED_BYTES)
		return ch->in.n_bytes < n_bytes ? 0 :
			server_error(ch, n_bytes - TS2021_HEADER_BYTES, err);
	if (in[0] != TS2021_RESPONSE || n_bytes != TS2021_RESPONSE_BYTES)
		return err_set(err, -EPROTO, "the server's handshake is none of this protocol");
	if (ch->in.n_bytes < TS2021_RESPONSE_BYTES)
		return 0;
	if (!ts2021_finish(&ch->handshake, in, &ch->send, &ch->receive))
		return err_set(err, -EBADMSG, "the server does not have the key that it should "
			"have");
	drop_front(&ch->in, TS2021_RESPONSE_BYTES);
	ch->state = CHANNEL_EARLY;
	return 1;
}

/* Plain bytes up to the end of the early payload; what follows is HTTP/2's. */
static int
take_early(struct channel *ch, struct text *plain, struct err *err)
{
	struct text *e = &ch->early;
	const uint8_t *in = (const uint8_t *)e->data;
	if (!ch->early_left) {
		if (e->n_bytes < EARLY_HEADER_BYTES)
			return 0;
		if (memcmp(in, early_magic, EARLY_MAGIC_BYTES) == 0) {
			ch->early_left = load_be32(in + EARLY_MAGIC_BYTES);
			if (ch->early_left > EARLY_MAX_BYTES)
				return err_set(err, -EPROTO, "the server's early payload is too "
					"long");
			drop_front(e, EARLY_HEADER_BYTES);
		}
	}
	size_t n = MIN_OF(ch->early_left, e->n_bytes);
	drop_front(e, n);
	ch->early_left -= (uint32_t)n;
	if (ch->early_left)
		return 0;
	text_add_bytes(plain, e->data, e->n_bytes);
	text_fini(e);
	text_init(e);
	ch->state = CHANNEL_OPEN;
	return 0;
}

static int
take_record(struct channel *ch, struct text *plain, struct err *err)
{
	uint8_t *in = (uint8_t *)ch->in.data;
	if (ch->in.n_bytes < TS2021_HEADER_BYTES)
		return 0;
	int n_sealed = ts2021_sealed_bytes(in);
	if (n_sealed < 0)
		return err_set(err, -EBADMSG, "what came is no record: the connection is broken");
	size_t n_bytes = TS2021_HEADER_BYTES + (size_t)n_sealed;
	if (ch->in.n_bytes < n_bytes)
		return 0;
	uint8_t *opened = in + TS2021_HEADER_BYTES; /* in place */
	int n = ts2021_open_record(&ch->receive, opened, (size_t)n_sealed, opened);
	if (n < 0)
		return err_set(err, -EBADMSG, "a record was altered on its way");
	text_add_bytes(ch->state == CHANNEL_EARLY ? &ch->early : plain, opened, (size_t)n);
	drop_front(&ch->in, n_bytes);
	int rc = ch->state == CHANNEL_EARLY ? take_early(ch, plain, err) : 0;
	return rc < 0 ? rc : 1;
}

static int
step(struct channel *ch, struct text *plain, struct err *err)
{
	switch (ch->state) {
	case CHANNEL_UPGRADING:
		return take_head(ch, err);
	case CHANNEL_SHAKING:
		return take_response(ch, err);
	case CHANNEL_EARLY:
	case CHANNEL_OPEN:
		return take_record(ch, plain, err);
	default:
		return err_set(err, -EPROTO, "the connection has failed");
	}
}

/* In pieces, so that what waits in `in` is never more than a record or a head. */
static int
feed_piece(struct channel *ch, const void *data, size_t n_bytes, struct text *plain,
	struct err *err)
{
	int rc;
	text_add_bytes(&ch->in, data, n_bytes);
	do {
		rc = step(ch, plain, err);
	} while (rc > 0);
	if (!rc && (ch->in.failed || ch->early.failed || plain->failed))
		rc = err_set(err, -ENOMEM, "memory is short");
	return rc;
}

int
channel_feed(struct channel *ch, const void *data, size_t n_bytes, struct text *plain,
	struct err *err)
{
	enum { PIECE_BYTES = 4096 };
	const uint8_t *at = data;
	int rc = 0;
	for (size_t n; n_bytes && !rc; at += n, n_bytes -= n) {
		n = MIN_OF(n_bytes, PIECE_BYTES);
		rc = feed_piece(ch, at, n, plain, err);
	}
	if (rc)
		ch->state = CHANNEL_FAILED;
	return rc;
}

int
channel_seal(struct channel *ch, const void *plain, size_t n_bytes, struct text *out)
{
	const uint8_t *at = plain;
	if (!channel_is_ready(ch))
		return -EPROTO;
	for (size_t n; n_bytes; at += n, n_bytes -= n) {
		n = MIN_OF(n_bytes, TS2021_MAX_PLAIN_BYTES);
		char *room = text_room(out, TS2021_HEADER_BYTES + n + TS2021_TAG_BYTES);
		if (!room)
			return -ENOMEM;
		size_t n_sealed = ts2021_seal_record(&ch->send, at, n, (uint8_t *)room);
		if (!n_sealed)
			return -EPROTO;
		text_grew(out, n_sealed);
	}
	return 0;
}
