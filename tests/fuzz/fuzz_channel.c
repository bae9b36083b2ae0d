/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server that says anything once we have connected. The first byte chooses: what follows comes
 * as it is, from the HTTP head on; or as records that are sealed with the right key, up into
 * HTTP/2. Its upper bits say in pieces of what size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "source/headscale/channel.h"
#include "source/headscale/http2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
on_status(void *ctx, int32_t stream, int status)
{
	must(stream > 0);
}

static bool
on_data(void *ctx, int32_t stream, const uint8_t *data, size_t n_bytes)
{
	size_t *n_heard = ctx;
	*n_heard += n_bytes;
	must(stream > 0);
	return true;
}

static void
on_end(void *ctx, int32_t stream, bool is_whole)
{
	must(stream > 0);
}

static void
feed_raw(const uint8_t *data, size_t n_bytes, size_t piece)
{
	const struct ts2021_identity who = {131, {{9}}, {{1}}};
	struct text out, plain;
	struct channel ch;
	struct err err;
	int rc;
	text_init(&out);
	text_init(&plain);
	must(channel_begin(&ch, &who, "server", &out, &err) == 0);
	do {
		size_t n = MIN_OF(piece, n_bytes);
		rc = channel_feed(&ch, data, n, &plain, &err);
		data += n;
		n_bytes -= n;
	} while (!rc && n_bytes);
	must(!plain.n_bytes); /* nobody has the key */
	must(rc || !channel_is_ready(&ch));
	channel_fini(&ch);
	text_fini(&out);
	text_fini(&plain);
}

static void
answer(struct http2 *h, const struct text *plain)
{
	struct err err;
	struct text out, body;
	text_init(&out);
	text_init(&body);
	text_add(&body, "{}");
	must(http2_post(h, "server", "/machine/register", &body) == 1);
	must(http2_post(h, "server", "/machine/map", &body) == 3);
	must(http2_pull(h, &out) == 0);
	(void)http2_feed(h, plain->data ? plain->data : "", plain->n_bytes, &err);
	(void)http2_pull(h, &out);
	text_fini(&out);
	text_fini(&body);
}

static void
feed_sealed(const uint8_t *data, size_t n_bytes, size_t piece)
{
	size_t n_heard = 0;
	const struct http2_events events = {&n_heard, on_status, on_data, on_end, NULL};
	struct http2 *h = http2_create(&events);
	struct channel ch = {.state = CHANNEL_EARLY};
	struct ts2021_way server = {{0}, 0};
	struct text plain;
	struct err err;
	int rc = 0;
	text_init(&plain);
	must(h);
	while (n_bytes && !rc) {
		uint8_t record[4096];
		size_t n = MIN_OF(MIN_OF(piece, n_bytes), TS2021_MAX_PLAIN_BYTES);
		size_t n_record = ts2021_seal_record(&server, data, n, record);
		must(n_record);
		rc = channel_feed(&ch, record, n_record, &plain, &err);
		data += n;
		n_bytes -= n;
	}
	answer(h, &plain);
	http2_destroy(h);
	channel_fini(&ch);
	text_fini(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	if (n_bytes < 2)
		return 0;
	size_t piece = 1u + (data[0] >> 1);
	if (data[0] & 1)
		feed_sealed(data + 1, n_bytes - 1, 32 * piece);
	else
		feed_raw(data + 1, n_bytes - 1, piece);
	return 0;
}
