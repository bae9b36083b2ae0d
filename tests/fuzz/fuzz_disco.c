/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may come to the WireGuard port that is no WireGuard. The first byte says what the rest is: a
 * datagram as it came, or what a known node sealed. A STUN response that was taken has an address;
 * a message that was taken comes out the same when it is sealed and opened again.
 */
#include <errno.h>
#include <sodium/crypto_box.h>
#include <sodium/crypto_scalarmult.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "reach/disco.h"
#include "reach/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static const struct key private_key = {{1, 2, 3}};
static const struct key their_private = {{4, 5, 6}};
static const uint8_t nonce[DISCO_NONCE_BYTES] = {7};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static struct disco_box
box(void)
{
	struct disco_box b;
	struct key theirs;
	must(crypto_scalarmult_base(theirs.bytes, their_private.bytes) == 0);
	must(disco_box_init(&b, &private_key, &theirs) == 0);
	return b;
}

static void
datagram(const uint8_t *data, size_t n_bytes)
{
	struct disco_box b = box();
	struct disco_message m;
	struct stun_txid txid;
	struct endpoint e;
	if (disco_is_packet(data, n_bytes))
		must(disco_open(&b, data, n_bytes, &m) != 0); /* nobody finds the key */
	if (!stun_is_response(data, n_bytes))
		return;
	must(!disco_is_packet(data, n_bytes));
	if (stun_parse(data, n_bytes, &txid, &e) == 0)
		must(endpoint_is_known(&e));
}

static bool
is_equal(const struct disco_message *a, const struct disco_message *b)
{
	return a->type == b->type && disco_txid_is_equal(&a->txid, &b->txid) &&
		a->has_node_key == b->has_node_key && key_is_equal(&a->node_key, &b->node_key) &&
		endpoint_is_equal(&a->observed, &b->observed);
}

static void
plaintext(const uint8_t *data, size_t n_bytes)
{
	struct disco_box b = box();
	struct disco_message m, again;
	uint8_t out[DISCO_SEALED_BYTES];
	struct key sender = {{0}};
	if (disco_parse(data, n_bytes, &m))
		return;
	must(m.n_endpoints <= DISCO_MAX_ENDPOINTS);
	size_t n = disco_seal(out, &b, &sender, nonce, &m);
	must((n != 0) == (m.type == DISCO_PING || m.type == DISCO_PONG));
	if (!n)
		return;
	must(disco_is_packet(out, n) && disco_open(&b, out, n, &again) == 0);
	must(is_equal(&m, &again));
	out[n - 1] ^= 1;
	must(disco_open(&b, out, n, &again) == -EBADMSG);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	if (!n_bytes)
		return 0;
	uint8_t *copy = malloc(n_bytes - 1 + (n_bytes == 1)); /* so that a read past it is seen */
	must(copy);
	memcpy(copy, data + 1, n_bytes - 1);
	if (data[0] & 1)
		datagram(copy, n_bytes - 1);
	else
		plaintext(copy, n_bytes - 1);
	free(copy);
	return 0;
}
