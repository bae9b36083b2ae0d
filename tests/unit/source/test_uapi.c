/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The UAPI as transcripts: a request and what it is answered, as `wg` and wireguard-go speak it;
 * and for sets, which changes come of them. Keys are written as one letter in angle brackets:
 * <b> stands for 64 hex digits. Each request goes through whole and byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "source/uapi.h"

static const struct origin nowhere;

static struct key
key_of(char letter)
{
	struct key k;
	memset(k.bytes, letter, sizeof(k.bytes));
	return k;
}

/* The text with <b> and the like written out; the caller frees it. */
static char *
spelled(const char *text)
{
	char *out = NULL, hex[KEY_HEX_BYTES];
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);
	for (const char *c = text; *c; c++) {
		if (c[0] == '<' && c[1] && c[2] == '>') {
			struct key k = c[1] == '0' ? (struct key){{0}} : key_of(c[1]);
			key_to_hex(&k, hex);
			fputs(hex, f);
			c += 2;
		} else {
			fputc(*c, f);
		}
	}
	fclose(f);
	return out;
}

/* hg0 with the key <k> and the peers <b> (10.0.0.0/8, fd00::/64) and <c> (10.1.0.0/16). */
static struct intent *
some_intent(void)
{
	static const struct {
		char peer;
		const char *prefix;
	} allowed[] = {{'b', "10.0.0.0/8"}, {'b', "fd00::/64"}, {'c', "10.1.0.0/16"}};
	struct intent *it = intent_create();
	struct interface_intent *i = intent_interface_add(it, "hg0");
	struct key k = key_of('k');
	interface_set_key(i, &k);
	i->listen_port = 51820;
	for (size_t n = 0; n < ARRAY_COUNT(allowed); n++) {
		struct prefix prefix;
		k = key_of(allowed[n].peer);
		struct peer_intent *p = peer_set_find(&i->peers, &k);
		if (!p)
			p = peer_set_add(&i->peers, &k);
		assert_int_equal(prefix_parse(allowed[n].prefix, &prefix), 0);
		assert_int_equal(allowed_add(&i->peers, p, &prefix, nowhere), 0);
	}
	return it;
}

/* "PEER_ADD d;ALLOWED_ADD d 10.0.0.0/8;" */
static char *
changes_text(const struct change_list *l)
{
	char *out = NULL, one[512];
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);
	for (size_t i = 0; i < l->n; i++) {
		const struct change *c = &l->items[i];
		const char *text = change_format(c, one) + strlen("hg0 ");
		const char *value = strrchr(text, ' ');
		bool has_value =
			value && (c->kind < CHANGE_PEER_ADD || c->kind > CHANGE_PEER_REMOVE);
		fprintf(f, "%s", change_name(c->kind));
		if (c->kind >= CHANGE_PEER_ADD)
			fprintf(f, " %c", c->peer.bytes[0]);
		fprintf(f, "%s;", has_value ? value : "");
	}
	fclose(f);
	return out;
}

/* Feeds all of a text in pieces of `step` bytes; the last event. */
static enum uapi_event
feed(struct uapi_parser *p, const char *text, size_t step)
{
	enum uapi_event event = UAPI_MORE;
	size_t n = strlen(text), n_used;
	for (size_t at = 0; at < n && event == UAPI_MORE; at += n_used)
		event = uapi_feed(p, text + at, MIN_OF(step, n - at), &n_used);
	return event;
}

static const struct {
	const char *request; /* without its end */
	const char *changes; /* NULL: refused */
	int code;
} sets[] = {
	{"", "", 0},
	/* wg set hg0 peer … allowed-ips … endpoint … */
	{"public_key=<d>\nendpoint=127.0.0.1:9\npersistent_keepalive_interval=25\n"
	 "replace_allowed_ips=true\nallowed_ip=10.9.0.0/16\n",
		"PEER_ADD d;PEER_SET_ENDPOINT d 127.0.0.1:9;PEER_SET_KEEPALIVE d 25;"
		"ALLOWED_ADD d 10.9.0.0/16;",
		0},
	{"public_key=<b>\nendpoint=[::1]:5555\n", "PEER_SET_ENDPOINT b [::1]:5555;", 0},
	{"public_key=<b>\nprotocol_version=1\n", "", 0},
	/* wg set hg0 private-key … listen-port … fwmark … */
	{"private_key=<x>\nlisten_port=1\nfwmark=16\n",
		"INTERFACE_SET_KEY (hidden);INTERFACE_SET_LISTEN_PORT 1;INTERFACE_SET_FWMARK 16;",
		0},
	{"private_key=<0>\n", "INTERFACE_SET_KEY (none);", 0},
	{"private_key=<k>\nlisten_port=51820\nfwmark=0\n", "", 0}, /* it is so already */
	/* wg syncconf: a peer gets back what it had */
	{"public_key=<b>\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n",
		"", 0},
	{"public_key=<b>\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n",
		"ALLOWED_REMOVE b fd00::/64;", 0},
	{"public_key=<b>\nreplace_allowed_ips=true\npublic_key=<c>\nallowed_ip=fd00::/64\n",
		"ALLOWED_ADD c fd00::/64;ALLOWED_REMOVE b 10.0.0.0/8;", 0},
	/* wg setconf */
	{"replace_peers=true\npublic_key=<b>\nreplace_allowed_ips=true\nallowed_ip=::/0\n",
		"PEER_REMOVE b;PEER_REMOVE c;PEER_ADD b;ALLOWED_ADD b ::/0;", 0},
	{"public_key=<d>\nreplace_allowed_ips=true\n", "PEER_ADD d;", 0},
	/* wg set hg0 peer … preshared-key */
	{"public_key=<b>\npreshared_key=<s>\n", "PEER_SET_PSK b (hidden);", 0},
	{"public_key=<b>\npreshared_key=<0>\n", "PEER_SET_PSK b (none);", 0},
	/* peers come and go */
	{"public_key=<b>\nremove=true\n", "PEER_REMOVE b;", 0},
	{"public_key=<d>\nremove=true\n", "", 0},
	{"public_key=<b>\nremove=true\nallowed_ip=::/0\n", "PEER_REMOVE b;", 0},
	{"public_key=<b>\nremove=true\npublic_key=<b>\nallowed_ip=::/0\n",
		"PEER_REMOVE b;PEER_ADD b;ALLOWED_ADD b ::/0;", 0},
	{"public_key=<b>\nremove=true\npublic_key=<b>\nremove=true\n", "PEER_REMOVE b;", 0},
	{"public_key=<d>\nupdate_only=true\nallowed_ip=::/0\n", "", 0},
	{"public_key=<b>\nupdate_only=true\nallowed_ip=::/0\n", "ALLOWED_ADD b ::/0;", 0},
	{"replace_peers=true\npublic_key=<b>\nupdate_only=true\nallowed_ip=::/0\n",
		"PEER_REMOVE b;PEER_REMOVE c;", 0},
	/* prefixes move, and are taken away in the newer form */
	{"public_key=<c>\nallowed_ip=10.7.7.7/8\n", "ALLOWED_ADD c 10.0.0.0/8;", 0},
	{"public_key=<b>\nallowed_ip=-10.0.0.0/8\n", "ALLOWED_REMOVE b 10.0.0.0/8;", 0},
	{"public_key=<c>\nallowed_ip=-10.0.0.0/8\n", "", 0},
	{"public_key=<c>\nallowed_ip=10.0.0.0/8\nallowed_ip=-10.0.0.0/8\npublic_key=<b>\n"
	 "allowed_ip=10.0.0.0/8\n",
		"ALLOWED_ADD c 10.0.0.0/8;ALLOWED_REMOVE c 10.0.0.0/8;ALLOWED_ADD b 10.0.0.0/8;",
		0},
	/* refused as a whole, good lines and all */
	{"private_key=zz\n", NULL, -EINVAL},
	{"listen_port=1\nnonsense\n", NULL, -EPROTO},
	{"listen_port=1\ncolour=red\nlisten_port=2\n", NULL, -EINVAL},
	{"listen_port=65536\n", NULL, -EINVAL},
	{"listen_port=-1\n", NULL, -EINVAL},
	{"listen_port=\n", NULL, -EINVAL},
	{"fwmark=4294967296\n", NULL, -EINVAL},
	{"fwmark=\n", NULL, -EINVAL},
	{"replace_peers=false\n", NULL, -EINVAL},
	{"endpoint=127.0.0.1:9\n", NULL, -EINVAL}, /* of no peer */
	{"public_key=<b>\nlisten_port=1\n", NULL, -EINVAL},
	{"public_key=<0>\n", NULL, -EINVAL},
	{"public_key=<b>0\n", NULL, -EINVAL},
	{"public_key=<b>\nendpoint=host.example:9\n", NULL, -EINVAL},
	{"public_key=<b>\nallowed_ip=10.0.0.0/33\n", NULL, -EINVAL},
	{"public_key=<b>\nallowed_ip=--10.0.0.0/8\n", NULL, -EINVAL},
	{"public_key=<b>\nallowed_ip=\n", NULL, -EINVAL},
	{"public_key=<b>\npersistent_keepalive_interval=65536\n", NULL, -EINVAL},
	{"public_key=<b>\nprotocol_version=2\n", NULL, -EINVAL},
	{"public_key=<b>\nremove=1\n", NULL, -EINVAL},
};

static void
check_set(const char *request, const char *changes, int code, size_t step)
{
	struct intent *it = some_intent();
	struct uapi_parser p;
	struct change_list l;
	char whole[2048];
	char *text = spelled(request);
	snprintf(whole, sizeof(whole), "set=1\n%s\n", text);
	free(text);
	uapi_parser_init(&p);
	change_list_init(&l);
	assert_int_equal(feed(&p, whole, step), changes ? UAPI_SET : UAPI_BAD);
	assert_int_equal(p.code, code);
	assert_int_equal(uapi_changes(&p, it->interfaces[0], &l), code);
	text = changes_text(&l);
	assert_string_equal(text, changes ? changes : "");
	free(text);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(intent_apply(it, &l.items[i]), 0);
	change_list_fini(&l);
	uapi_parser_fini(&p);
	intent_destroy(it);
}

static void
test_sets(void **state)
{
	for (size_t r = 0; r < ARRAY_COUNT(sets); r++) {
		check_set(sets[r].request, sets[r].changes, sets[r].code, 4096);
		check_set(sets[r].request, sets[r].changes, sets[r].code, 1);
	}
}

/* A peer with the interface's own key is passed over, and removed when the key comes later. */
static void
test_own_key(void **state)
{
	struct intent *it = some_intent();
	struct interface_intent *i = it->interfaces[0];
	struct key own = interface_public_key(i);
	struct uapi_parser p;
	struct change_list l;
	char hex[KEY_HEX_BYTES], whole[512];
	key_to_hex(&own, hex);
	snprintf(whole, sizeof(whole), "set=1\npublic_key=%s\nallowed_ip=::/0\n\n", hex);
	uapi_parser_init(&p);
	change_list_init(&l);
	assert_int_equal(feed(&p, whole, 100), UAPI_SET);
	assert_int_equal(uapi_changes(&p, i, &l), 0);
	assert_int_equal(l.n, 0);

	struct key private_key = i->private_key;
	interface_set_key(i, &(struct key){{0}});
	assert_non_null(peer_set_add(&i->peers, &own));
	key_to_hex(&private_key, hex);
	snprintf(whole, sizeof(whole), "set=1\nprivate_key=%s\n\n", hex);
	assert_int_equal(feed(&p, whole, 100), UAPI_SET);
	assert_int_equal(uapi_changes(&p, i, &l), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].kind, CHANGE_PEER_REMOVE);
	assert_int_equal(l.items[1].kind, CHANGE_INTERFACE_SET_KEY);
	change_list_fini(&l);
	uapi_parser_fini(&p);
	intent_destroy(it);
}

static void
test_requests(void **state)
{
	static const struct {
		const char *text;
		enum uapi_event event;
		size_t n_used; /* 0: all */
	} rows[] = {
		{"get=1\n\n", UAPI_GET, 0},
		{"get=1\n\nget=1\n\n", UAPI_GET, 7},
		{"get=1\n", UAPI_MORE, 0},
		{"get=1\nx=1\n\n", UAPI_BAD, 0},
		{"get=2\n", UAPI_CLOSE, 0},
		{"\n", UAPI_CLOSE, 0},
		{"GET / HTTP/1.1\r\n", UAPI_CLOSE, 0},
		{"set=1\n", UAPI_MORE, 0},
		{"set=1\n\nset=1\n", UAPI_SET, 7},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct uapi_parser p;
		size_t n = strlen(rows[r].text), n_used;
		uapi_parser_init(&p);
		assert_int_equal(uapi_feed(&p, rows[r].text, n, &n_used), rows[r].event);
		assert_int_equal(n_used, rows[r].n_used ? rows[r].n_used : n);
		uapi_parser_fini(&p);
	}
}

static void
test_long_lines(void **state)
{
	char text[4096];
	struct uapi_parser p;
	uapi_parser_init(&p);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(feed(&p, text, 100), UAPI_CLOSE); /* never a newline: not kept for ever */
	uapi_parser_fini(&p);

	memcpy(text, "set=1\n", 6);
	assert_int_equal(feed(&p, text, 100), UAPI_MORE);
	assert_int_equal(feed(&p, "\nlisten_port=1\n\n", 100), UAPI_BAD);
	assert_int_equal(p.code, -EINVAL);
	/* The next request of the connection stands on its own. */
	assert_int_equal(feed(&p, "set=1\nlisten_port=1\n\n", 100), UAPI_SET);
	assert_int_equal(p.code, 0);
	uapi_parser_fini(&p);
}

static void
test_get(void **state)
{
	struct status_interface i = {
		.name = "hg0", .private_key = key_of('k'), .listen_port = 51999, .fwmark = 16};
	struct text out;
	struct prefix prefix;
	struct status_peer *p = status_add_peer(&i);
	p->public_key = key_of('b');
	p->psk = key_of('s');
	p->has_psk = true;
	p->keepalive_s = 25;
	p->last_handshake = (struct wall_time){1700000000, 5};
	p->rx_bytes = 92;
	p->tx_bytes = 148;
	assert_int_equal(endpoint_parse("[::1]:5555", &p->endpoint), 0);
	assert_int_equal(prefix_parse("10.0.0.1/32", &prefix), 0);
	assert_int_equal(status_add_allowed(p, &prefix), 0);
	status_add_peer(&i)->public_key = key_of('c');

	char *expect = spelled("private_key=<k>\nlisten_port=51999\nfwmark=16\n"
			       "public_key=<b>\npreshared_key=<s>\nprotocol_version=1\n"
			       "endpoint=[::1]:5555\nlast_handshake_time_sec=1700000000\n"
			       "last_handshake_time_nsec=5\ntx_bytes=148\nrx_bytes=92\n"
			       "persistent_keepalive_interval=25\nallowed_ip=10.0.0.1/32\n"
			       "public_key=<c>\npreshared_key=<0>\nprotocol_version=1\n"
			       "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
			       "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
			       "errno=0\n\n");
	text_init(&out);
	uapi_get(&i, &out);
	assert_false(out.failed);
	assert_string_equal(out.data, expect);
	assert_int_equal(out.n_bytes, strlen(expect));
	text_fini(&out);
	status_interface_fini(&i);
	free(expect);

	text_init(&out);
	uapi_get(&i, &out); /* nothing set */
	uapi_answer(-EINVAL, &out);
	assert_string_equal(out.data, "errno=0\n\nerrno=-22\n\n");
	text_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_own_key),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_get),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
