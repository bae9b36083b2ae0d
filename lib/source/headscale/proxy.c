/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/proxy.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/secret.h"

/* ---- Which ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "us%65r:pass": control characters would end the header that it goes into. */
static int
read_login(const char *text, size_t n, char out[PROXY_LOGIN_BYTES])
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)text[i];
		if (c == '%') {
			int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < n ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -EINVAL;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || used + 1 >= PROXY_LOGIN_BYTES)
			return -EINVAL;
		out[used++] = (char)c;
	}
	out[used] = 0;
	return used ? 0 : -EINVAL;
}

int
proxy_parse(const char *text, struct proxy *out)
{
	char url[SERVER_AUTHORITY_BYTES + 16];
	memset(out, 0, sizeof(*out));
	const char *scheme = strstr(text, "://");
	if (scheme && strncasecmp(text, "http://", 7) != 0)
		return -EINVAL;
	const char *host = scheme ? scheme + 3 : text, *at = strrchr(host, '@');
	int rc = at ? read_login(host, (size_t)(at - host), out->login) : 0;
	if (at)
		host = at + 1;
	if (!rc && snprintf(url, sizeof(url), "http://%s", host) >= (int)sizeof(url))
		rc = -EINVAL;
	if (!rc)
		rc = server_url_parse(url, &out->url);
	if (!rc && strcmp(out->url.path, "/") != 0)
		rc = -EINVAL;
	if (rc)
		secret_wipe(out, sizeof(*out));
	return rc;
}

/* "example.com" and ".example.com" both stand for all that end in it. */
static bool
is_end_of(const char *item, size_t n, const char *host)
{
	if (n && *item == '.') {
		item++;
		n--;
	}
	size_t n_host = strlen(host);
	return n && n_host >= n && strncasecmp(host + n_host - n, item, n) == 0 &&
		(n_host == n || host[n_host - n - 1] == '.');
}

static bool
has_server(char *item, const struct server_url *server)
{
	struct addr host;
	struct prefix p;
	char port[8];
	snprintf(port, sizeof(port), "%u", server->port);
	if (addr_parse(server->host, &host) == 0 && prefix_parse(item, &p) == 0)
		return prefix_has(&p, &host);
	char *colon = strrchr(item, ':');
	if (colon && strchr(item, ':') == colon) {
		if (strcmp(colon + 1, port) != 0)
			return false;
		*colon = 0;
	}
	return strcmp(item, "*") == 0 || is_end_of(item, strlen(item), server->host);
}

bool
proxy_is_left_out(const char *list, const struct server_url *server)
{
	while (*list) {
		char item[SERVER_AUTHORITY_BYTES];
		list += strspn(list, ", \t");
		size_t n = strcspn(list, ", \t");
		if (n && n < sizeof(item)) {
			memcpy(item, list, n);
			item[n] = 0;
			if (has_server(item, server))
				return true;
		}
		list += n;
	}
	return false;
}

static const char *
variable(const char *upper, const char *lower)
{
	const char *value = getenv(upper);
	if (!value || !*value)
		value = getenv(lower);
	return value ? value : "";
}

static bool
is_this_host(const struct server_url *server)
{
	struct addr a;
	return strcasecmp(server->host, "localhost") == 0 ||
		(addr_parse(server->host, &a) == 0 && addr_is_nobodys(&a));
}

int
proxy_choose(const char *config, const struct server_url *server, struct proxy *out,
	struct err *err)
{
	const char *name = server->is_tls ? "HTTPS_PROXY" : "HTTP_PROXY";
	const char *value = config;
	if (!*value) {
		value = server->is_tls ? variable("HTTPS_PROXY", "https_proxy") :
			variable("HTTP_PROXY", "http_proxy");
		if (is_this_host(server) ||
			proxy_is_left_out(variable("NO_PROXY", "no_proxy"), server))
			value = "";
	}
	if (!*value || strcmp(value, "none") == 0)
		return 0;
	return proxy_parse(value, out) ? err_set(err, -EINVAL, "%s is no URL of an HTTP proxy, "
		"like http://proxy.example.com:3128", *config ? "Proxy" : name) : 1;
}

/* ---- Asking it ---- */

void
proxy_request(const struct proxy *p, const struct server_url *server, struct text *out)
{
	char word[sodium_base64_ENCODED_LEN(PROXY_LOGIN_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	char to[SERVER_AUTHORITY_BYTES + 8];
	bool is_v6 = strchr(server->host, ':');
	snprintf(to, sizeof(to), "%s%s%s:%u", is_v6 ? "[" : "", server->host, is_v6 ? "]" : "",
		server->port);
	text_add(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", to, to);
	if (p->login[0]) {
		sodium_bin2base64(word, sizeof(word), (const unsigned char *)p->login,
			strlen(p->login), sodium_base64_VARIANT_ORIGINAL);
		text_add(out, "Proxy-Authorization: Basic %s\r\n", word);
		secret_wipe(word, sizeof(word));
	}
	text_add(out, "\r\n");
}

int
proxy_judge(const struct proxy *p, const struct server_url *server, int status, struct err *err)
{
	const char *proxy = p->url.authority;
	if (status >= 200 && status < 300)
		return 0;
	if (status == 407 || status == 401) /* so says tinyproxy to a wrong password */
		return err_set(err, -ECONNREFUSED, p->login[0] ? "the proxy %s does not take this "
			"user and password" : "the proxy %s wants a user and a password: write "
			"them as Proxy = http://USER:PASSWORD@HOST:PORT", proxy);
	if (status == 403 || status == 405)
		return err_set(err, -ECONNREFUSED, "the proxy %s refuses the way to %s (%d): have "
			"CONNECT to its port %u allowed there", proxy, server->authority, status,
			server->port);
	if (status >= 500 && status < 600)
		return err_set(err, -ECONNREFUSED, "the proxy %s does not reach %s (%d)", proxy,
			server->authority, status);
	return err_set(err, -ECONNREFUSED, "the proxy %s answers %d to CONNECT: is it an HTTP "
		"proxy?", proxy, status);
}
