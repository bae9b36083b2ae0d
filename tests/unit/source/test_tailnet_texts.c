/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node says to its server, to the byte; what it hears of a registration; its state file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/c2n.h"
#include "source/headscale/map_request.h"
#include "source/headscale/proxy.h"
#include "source/headscale/register.h"
#include "source/headscale/state_text.h"

#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define HOSTINFO                                                                                   \
	"{\"IPNVersion\":\"v\",\"OS\":\"linux\",\"Hostname\":\"gw\",\"RoutableIPs\":"              \
	"[\"10.1.0.0/16\",\"0.0.0.0/0\",\"::/0\"],\"RequestTags\":[\"tag:a\",\"tag:b\"],"          \
	"\"NetInfo\":{\"WorkingUDP\":true}}"

static struct prefix route = {{{10, 1, 2, 3}, ADDR_V4}, 16};
static const struct prefix_list routes = {&route, 1};
static const struct hostinfo hostinfo = {"gw", "v", &routes, true, "tag:a,tag:b"};

static struct key
ones(void)
{
	struct key k;
	memset(k.bytes, 1, sizeof(k.bytes));
	return k;
}

static void
says(struct text *t, const char *expected)
{
	assert_string_equal(t->data, expected);
	text_fini(t);
}

static void
registration(void **state)
{
	struct text t = {0};
	struct register_request r = {.version = 131, .node_public = ones(), .hostinfo = &hostinfo};
	register_format(&r, &t);
	says(&t, "{\"Version\":131,\"NodeKey\":\"nodekey:" ONES "\",\"OldNodeKey\":\"nodekey:" ZEROS
		"\",\"Auth\":null,\"Expiry\":\"0001-01-01T00:00:00Z\",\"Hostinfo\":" HOSTINFO "}");
	r.auth_key = "a\"b\\";
	r.followup = "https://h/register/x";
	r.is_logout = true;
	r.is_ephemeral = true;
	register_format(&r, &t);
	says(&t, "{\"Version\":131,\"NodeKey\":\"nodekey:" ONES "\",\"OldNodeKey\":\"nodekey:" ZEROS
		"\",\"Auth\":{\"AuthKey\":\"a\\\"b\\\\\"},\"Expiry\":\"1970-01-01T00:02:03Z\","
		"\"Followup\":\"https://h/register/x\",\"Ephemeral\":true,"
		"\"Hostinfo\":" HOSTINFO "}");
}

static void
map(void **state)
{
	struct text t = {0};
	const struct own_endpoint endpoints[] = {
		{{{{192, 0, 2, 1}, ADDR_V4}, 51820, 0}, OWN_ENDPOINT_STATIC},
		{{{{0x20, 1, [15] = 1}, ADDR_V6}, 1, 0}, OWN_ENDPOINT_STUN},
	};
	struct map_request r = {131, ones(), ones(), endpoints, 2, false, &hostinfo, true};
	map_request_format(&r, &t);
	says(&t, "{\"Version\":131,\"Compress\":\"zstd\",\"KeepAlive\":true,\"NodeKey\":\"nodekey:"
		ONES "\",\"DiscoKey\":\"discokey:" ONES "\",\"Stream\":true,\"Hostinfo\":" HOSTINFO
		",\"Endpoints\":[\"192.0.2.1:51820\",\"[2001::1]:1\"],\"EndpointTypes\":[5,2]}");
	r.is_stream = false;
	r.n_endpoints = 0;
	map_request_format(&r, &t);
	says(&t, "{\"Version\":131,\"Compress\":\"zstd\",\"KeepAlive\":true,\"NodeKey\":\"nodekey:"
		ONES "\",\"DiscoKey\":\"discokey:" ONES "\",\"Stream\":false,\"OmitPeers\":true,"
		"\"Hostinfo\":" HOSTINFO ",\"Endpoints\":[],\"EndpointTypes\":[]}");
	r.keeps_endpoints = true; /* no list is another thing than an empty one */
	map_request_format(&r, &t);
	says(&t, "{\"Version\":131,\"Compress\":\"zstd\",\"KeepAlive\":true,\"NodeKey\":\"nodekey:"
		ONES "\",\"DiscoKey\":\"discokey:" ONES "\",\"Stream\":false,\"OmitPeers\":true,"
		"\"Hostinfo\":" HOSTINFO "}");
}

static void
answers(void **state)
{
	static const struct {
		const char *body;
		int rc;
		enum register_result result;
	} table[] = {
		{"{\"MachineAuthorized\":true}", 0, REGISTER_DONE},
		{"{\"MachineAuthorized\":false}", 0, REGISTER_WAITING},
		{"{\"MachineAuthorized\":true,\"Error\":\"no\\u001b[2J\"}", 0, REGISTER_REFUSED},
		{"{\"AuthURL\":\"https://h/register/x\"}", 0, REGISTER_NEEDS_LOGIN},
		{"{\"MachineAuthorized\":true,\"NodeKeyExpired\":true}", 0, REGISTER_KEY_EXPIRED},
		{"{\"Login\":{\"LoginName\":\"lab\"},\"MachineAuthorized\":true}", 0,
			REGISTER_DONE},
		{"{\"AuthURL\":7}", -EBADMSG, 0},
		{"{\"AuthURL\":\"file:///etc/passwd\"}", -EBADMSG, 0},
		{"{\"AuthURL\":\"javascript:x\"}", -EBADMSG, 0},
		{"\x1b[2J", -EBADMSG, 0},
		{"{\"MachineAuthorized\":1}", -EBADMSG, 0},
		{"[]", -EBADMSG, 0},
		{"", -EBADMSG, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct register_answer a;
		struct err err = {0};
		assert_int_equal(register_parse(table[i].body, strlen(table[i].body), &a, &err),
			table[i].rc);
		assert_null(strchr(a.refusal, 0x1b));
		assert_null(strchr(err.text, 0x1b));
		if (table[i].rc == 0)
			assert_int_equal(a.result, table[i].result);
	}
}

static void
proxies(void **state)
{
	static const struct {
		const char *text, *host, *login;
		uint16_t port;
	} table[] = {
		{"http://p.example:3128", "p.example", "", 3128},
		{"p.example:3128/", "p.example", "", 3128},
		{"HTTP://u:s%40c%3aret@[2001:db8::1]:8080", "2001:db8::1", "u:s@c:ret", 8080},
		{"http://us@er:pw@p", "p", "us@er:pw", 80},
		{"https://p.example:3128", NULL, NULL, 0},
		{"socks5://p.example", NULL, NULL, 0},
		{"http://p.example:3128/path", NULL, NULL, 0},
		{"http://u%0d%0aX:y@p.example", NULL, NULL, 0},
		{"http://u%4@p.example", NULL, NULL, 0},
		{"http://@p.example", NULL, NULL, 0},
		{"http://", NULL, NULL, 0},
		{"", NULL, NULL, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct proxy p;
		int rc = proxy_parse(table[i].text, &p);
		assert_int_equal(rc, table[i].host ? 0 : -EINVAL);
		assert_string_equal(p.url.host, table[i].host ? table[i].host : "");
		assert_string_equal(p.login, table[i].login ? table[i].login : "");
		assert_int_equal(p.url.port, table[i].port);
	}
}

static void
no_proxy(void **state)
{
	static const struct {
		const char *list, *server;
		bool is_left_out;
	} table[] = {
		{"", "https://h.example", false},
		{"*", "https://h.example", true},
		{"a.test, h.example", "https://h.example", true},
		{".example", "https://h.example", true},
		{"example", "https://h.example", true},
		{"ample", "https://h.example", false},
		{"h.example:443", "https://h.example", true},
		{"h.example:444", "https://h.example", false},
		{"192.0.2.0/24", "https://192.0.2.9", true},
		{"192.0.2.8", "https://192.0.2.9", false},
		{"2001:db8::/32", "https://[2001:db8::9]:8080", true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct server_url server;
		assert_int_equal(server_url_parse(table[i].server, &server), 0);
		assert_int_equal(proxy_is_left_out(table[i].list, &server), table[i].is_left_out);
	}
}

/* The config's is preferred; what is wrong is named without its password. */
static void
proxy_of_the_server(void **state)
{
	struct server_url tls, plain, here;
	struct proxy p;
	struct text t = {0};
	struct err err;
	assert_int_equal(server_url_parse("https://h.example", &tls), 0);
	assert_int_equal(server_url_parse("http://[2001:db8::9]:8080", &plain), 0);
	assert_int_equal(server_url_parse("http://127.0.0.1:8080", &here), 0);
	unsetenv("NO_PROXY");
	unsetenv("no_proxy");
	setenv("HTTPS_PROXY", "http://one:1", 1);
	setenv("HTTP_PROXY", "two:2", 1);
	assert_int_equal(proxy_choose("", &tls, &p, &err), 1);
	assert_string_equal(p.url.authority, "one:1");
	assert_int_equal(proxy_choose("", &plain, &p, &err), 1);
	assert_string_equal(p.url.authority, "two:2");
	assert_int_equal(proxy_choose("", &here, &p, &err), 0);
	assert_int_equal(proxy_choose("none", &tls, &p, &err), 0);
	setenv("NO_PROXY", "h.example", 1);
	assert_int_equal(proxy_choose("", &tls, &p, &err), 0);
	assert_int_equal(proxy_choose("http://u:p@three:3", &tls, &p, &err), 1);
	proxy_request(&p, &tls, &t);
	says(&t, "CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n"
		"Proxy-Authorization: Basic dTpw\r\n\r\n");
	p.login[0] = 0;
	proxy_request(&p, &plain, &t);
	says(&t, "CONNECT [2001:db8::9]:8080 HTTP/1.1\r\nHost: [2001:db8::9]:8080\r\n\r\n");
	setenv("HTTP_PROXY", "ftp://u:secret@two", 1);
	assert_int_equal(proxy_choose("", &plain, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "HTTP_PROXY is no URL"));
	assert_null(strstr(err.text, "secret"));
	assert_int_equal(proxy_judge(&p, &tls, 200, &err), 0);
	assert_int_equal(proxy_judge(&p, &tls, 407, &err), -ECONNREFUSED);
	assert_int_equal(proxy_judge(&p, &tls, 403, &err), -ECONNREFUSED);
}

/* Only /echo is there, and only what the request has is given back. */
static void
requests_of_the_server(void **state)
{
	static const struct {
		const char *request, *status, *body;
	} table[] = {
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", "200", "hi"},
		{"GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "200", ""},
		{"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nhi", "400", "400 Bad Request"},
		{"GET /debug/goroutines HTTP/1.1\r\n\r\n", "404", "404 Not Found"},
		{"GET /echo HTTP/1.1\r\nHost", "400", "400 Bad Request"},
		{"GET /echo\r\n\r\n", "400", "400 Bad Request"},
		{"GET  HTTP/1.1\r\n\r\n", "400", "400 Bad Request"},
		{"", "400", "400 Bad Request"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct text t = {0};
		c2n_answer(table[i].request, strlen(table[i].request), &t);
		assert_memory_equal(t.data, "HTTP/1.1 ", 9);
		assert_memory_equal(t.data + 9, table[i].status, 3);
		assert_string_equal(strstr(t.data, "\r\n\r\n") + 4, table[i].body);
		text_fini(&t);
	}
}

static void
state_file(void **state)
{
	const struct tailnet_state s = {ones(), ones(), ones(), "https://h", true};
	struct tailnet_state again;
	struct text t = {0};
	struct err err;
	state_format(&s, &t);
	assert_int_equal(state_parse(t.data, &again, &err), 0);
	assert_memory_equal(&again.machine_private, &s.machine_private, KEY_BYTES);
	assert_memory_equal(&again.node_private, &s.node_private, KEY_BYTES);
	assert_memory_equal(&again.server_public, &s.server_public, KEY_BYTES);
	assert_string_equal(again.server, "https://h");
	assert_true(again.is_registered);
	text_fini(&t);
	static const char *const bad[] = {
		"",
		"MachineKey = privkey:" ONES "\n",
		"MachineKey = privkey:" ONES "\nNodeKey = nodekey:" ONES "\n",
		"MachineKey = privkey:" ONES "\nNodeKey = privkey:" ZEROS "\n",
		"MachineKey = privkey:" ONES "\nNodeKey = privkey:" ONES "\nColour = red\n",
		"MachineKey privkey:" ONES "\n",
	};
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(state_parse(bad[i], &again, &err), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration),
		cmocka_unit_test(map),
		cmocka_unit_test(answers),
		cmocka_unit_test(requests_of_the_server),
		cmocka_unit_test(proxies),
		cmocka_unit_test(no_proxy),
		cmocka_unit_test(proxy_of_the_server),
		cmocka_unit_test(state_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
