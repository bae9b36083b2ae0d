/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connection as bytes: a recorded one of headscale replayed in pieces of any size, HTTP heads
 * as rows, and what is to be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/channel.h"
#include "source/headscale/control_key.h"
#include "source/headscale/http1.h"
#include "source/headscale/server_url.h"
#include "unit/source/recording.h"

static struct key
recorded_key(const json_t *v, const char *name)
{
	struct key k;
	assert_int_equal(key_from_hex(&k, json_string_value(json_object_get(v, name))), 0);
	return k;
}

/* All that the server sent, as one piece. */
static void
all_records(const json_t *list, const char *member, struct text *out)
{
	text_init(out);
	for (size_t i = 0; i < json_array_size(list); i++) {
		size_t n;
		uint8_t *bytes = recorded_bytes(json_array_get(list, i), member, &n);
		text_add_bytes(out, bytes, n);
		free(bytes);
	}
}

static struct channel
open_channel(const json_t *v)
{
	struct channel ch = {.state = CHANNEL_EARLY};
	memcpy(ch.receive.key, recorded_key(v, "k_server_to_client").bytes, KEY_BYTES);
	memcpy(ch.send.key, recorded_key(v, "k_client_to_server").bytes, KEY_BYTES);
	return ch;
}

static void
replay_in_pieces(const json_t *v, size_t piece)
{
	struct text in, expected, plain;
	struct err err = {0};
	struct channel ch = open_channel(v);
	const json_t *records = json_object_get(v, "server_records");
	all_records(records, "record", &in);
	all_records(records, "plain", &expected);
	text_init(&plain);
	for (size_t at = 0; at < in.n_bytes; at += piece)
		assert_int_equal(channel_feed(&ch, in.data + at, MIN_OF(piece, in.n_bytes - at),
			&plain, &err), 0);
	size_t n_early = 9 + load_be32(expected.data + 5);
	assert_int_equal(ch.state, CHANNEL_OPEN);
	assert_int_equal(plain.n_bytes, expected.n_bytes - n_early);
	assert_memory_equal(plain.data, expected.data + n_early, plain.n_bytes);
	channel_fini(&ch);
	text_fini(&in);
	text_fini(&expected);
	text_fini(&plain);
}

static void
replay(void **state)
{
	json_t *v = recording("wire-noise-records");
	static const size_t pieces[] = {1, 2, 3, 7, 100, 4096, 1 << 20};
	for (size_t i = 0; i < ARRAY_COUNT(pieces); i++)
		replay_in_pieces(v, pieces[i]);
	json_decref(v);
}

/* What we would have sent is what was sent. */
static void
sealing(void **state)
{
	json_t *v = recording("wire-noise-records");
	const json_t *records = json_object_get(v, "client_records");
	struct channel ch = open_channel(v);
	struct text out, expected;
	text_init(&out);
	all_records(records, "record", &expected);
	for (size_t i = 0; i < json_array_size(records); i++) {
		size_t n;
		uint8_t *plain = recorded_bytes(json_array_get(records, i), "plain", &n);
		assert_int_equal(channel_seal(&ch, plain, n, &out), 0);
		free(plain);
	}
	assert_int_equal(out.n_bytes, expected.n_bytes);
	assert_memory_equal(out.data, expected.data, out.n_bytes);
	channel_fini(&ch);
	text_fini(&out);
	text_fini(&expected);
	json_decref(v);
}

static void
refusals(void **state)
{
	static const struct {
		const char *said;
		int rc;
		const char *why;
	} table[] = {
		{"HTTP/1.1 404 Not Found\r\n\r\n", -EPROTO, "is it a Headscale server"},
		{"HTTP/1.1 500 Internal error\r\n\r\n", -EPROTO, "Upgrade header"},
		{"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n", -EPROTO, "else"},
		{"SSH-2.0-OpenSSH\r\n\r\n", -EPROTO, "does not speak HTTP"},
		{"HTTP/1.1 101 S\r\nupgrade: Tailscale-Control-Protocol\r\n\r\n\3\0\0", 0, ""},
		{"HTTP/1.1 101 S\r\nupgrade: tailscale-control-protocol\r\n\r\n\3\0\5nope!",
			-EBADMSG, "nope!"},
		{"HTTP/1.1 101 S\r\nupgrade: tailscale-control-protocol\r\n\r\n\4\0\60xx", -EPROTO,
			"none of this protocol"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct text out, plain;
		struct channel ch;
		struct err err = {0};
		struct ts2021_identity who = {131, {{9}}, {{1}}};
		/* The rows with zero bytes in them end 3 and 8 bytes behind the head. */
		size_t n = strlen(table[i].said);
		const char *head_end = strstr(table[i].said, "\r\n\r\n");
		if (head_end && (head_end[4] == 3 || head_end[4] == 4))
			n = (size_t)(head_end - table[i].said) + 4 + (table[i].rc ? 8 : 2);
		if (head_end && head_end[4] == 4)
			n = (size_t)(head_end - table[i].said) + 4 + 5;
		text_init(&out);
		text_init(&plain);
		assert_int_equal(channel_begin(&ch, &who, "h", &out, &err), 0);
		assert_non_null(strstr(out.data, "X-Tailscale-Handshake: AIMBAG"));
		assert_int_equal(channel_feed(&ch, table[i].said, n, &plain, &err), table[i].rc);
		assert_non_null(strstr(err.text, table[i].why));
		channel_fini(&ch);
		text_fini(&out);
		text_fini(&plain);
	}
}

static void
heads(void **state)
{
	static const struct {
		const char *text;
		int rc, status;
		int64_t body_bytes;
		const char *upgrade;
	} table[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nabc", 1, 200, 17, ""},
		{"HTTP/1.0 404\nupgrade:  x \n\n", 1, 404, -1, "x"},
		{"HTTP/1.1 200 OK\r\n", 0, 200, -1, ""},
		{"", 0, 0, -1, ""},
		{"HTTP/2 200 OK\r\n\r\n", -EBADMSG, 0, -1, ""},
		{"HTTP/1.1 abc\r\n\r\n", -EBADMSG, 0, -1, ""},
		{"HTTP/1.1 099 x\r\n\r\n", -EBADMSG, 0, -1, ""},
		{"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", -EBADMSG, 0, -1, ""},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", -EBADMSG, 0, -1, ""},
		{"\r\n", -EBADMSG, 0, -1, ""},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct http1_head h;
		size_t n = strlen(table[i].text);
		assert_int_equal(http1_parse_head(table[i].text, n, &h), table[i].rc);
		if (table[i].rc != 1)
			continue;
		assert_int_equal(h.status, table[i].status);
		assert_int_equal(h.body_bytes, table[i].body_bytes);
		assert_string_equal(h.upgrade, table[i].upgrade);
	}
}

static void
urls(void **state)
{
	static const struct {
		const char *text, *host, *authority, *path;
		unsigned port;
		bool is_tls;
	} table[] = {
		{"https://h.example", "h.example", "h.example", "/", 443, true},
		{"http://10.0.0.1:8080/", "10.0.0.1", "10.0.0.1:8080", "/", 8080, false},
		{"https://[2001:db8::1]:8443/x?id=1", "2001:db8::1", "[2001:db8::1]:8443",
			"/x?id=1", 8443, true},
		{"http://h?a=b", "h", "h", "/?a=b", 80, false},
		{"ftp://h", NULL, NULL, NULL, 0, false},
		{"https://", NULL, NULL, NULL, 0, false},
		{"https://u@h", NULL, NULL, NULL, 0, false},
		{"https://h:0", NULL, NULL, NULL, 0, false},
		{"https://h:70000", NULL, NULL, NULL, 0, false},
		{"https://h:8x", NULL, NULL, NULL, 0, false},
		{"https://[::1", NULL, NULL, NULL, 0, false},
		{"https://h\r\nX: y", NULL, NULL, NULL, 0, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct server_url u;
		int rc = server_url_parse(table[i].text, &u);
		assert_int_equal(rc, table[i].host ? 0 : -EINVAL);
		if (rc)
			continue;
		assert_string_equal(u.host, table[i].host);
		assert_string_equal(u.authority, table[i].authority);
		assert_string_equal(u.path, table[i].path);
		assert_int_equal(u.port, table[i].port);
		assert_int_equal(u.is_tls, table[i].is_tls);
	}
}

static void
server_keys(void **state)
{
#define K "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
#define Z "0000000000000000000000000000000000000000000000000000000000000000"
	static const struct {
		const char *body;
		int rc;
	} table[] = {
		{"{\"legacyPublicKey\":\"mkey:" Z "\",\"publicKey\":\"mkey:" K "\"}", 0},
		{"{\"publicKey\":\"mkey:" Z "\"}", -EBADMSG},
		{"{\"publicKey\":\"nodekey:" K "\"}", -EBADMSG},
		{"{\"publicKey\":\"mkey:07\"}", -EBADMSG},
		{"{\"publicKey\":7}", -EBADMSG},
		{"[]", -EBADMSG},
		{"", -EBADMSG},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct key k;
		struct err err;
		assert_int_equal(control_key_parse(table[i].body, strlen(table[i].body), &k, &err),
			table[i].rc);
		assert_int_equal(key_is_zero(&k), table[i].rc != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay),
		cmocka_unit_test(sealing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(heads),
		cmocka_unit_test(urls),
		cmocka_unit_test(server_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
