/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/server_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

static int
parse_port(const char *text, uint16_t *out)
{
	unsigned long v = 0;
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 5 || text[n])
		return -EINVAL;
	v = strtoul(text, NULL, 10);
	if (v == 0 || v > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)v;
	return 0;
}

/* What may stand in a name, a number with dots, or between brackets. */
static bool
is_host(const char *text, size_t n)
{
	return n > 0 && n < SERVER_HOST_BYTES &&
		strspn(text, HOST_CHARS) >= n;
}

static int
parse_authority(struct server_url *out)
{
	const char *at = out->authority;
	bool is_v6 = *at == '[';
	size_t n = strcspn(at + is_v6, is_v6 ? "]" : ":");
	if (!is_host(at + is_v6, n) || (is_v6 && at[n + 1] != ']'))
		return -EINVAL;
	memcpy(out->host, at + is_v6, n);
	at += n + 2u * is_v6;
	return *at == ':' ? parse_port(at + 1, &out->port) : *at ? -EINVAL : 0;
}

static bool
is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f || *text == '#' || *text == '@')
			return false;
	}
	return true;
}

int
server_url_parse(const char *text, struct server_url *out)
{
	memset(out, 0, sizeof(*out));
	out->is_tls = strncasecmp(text, "https://", 8) == 0;
	if ((!out->is_tls && strncasecmp(text, "http://", 7) != 0) || !is_plain(text))
		return -EINVAL;
	text += out->is_tls ? 8 : 7;
	out->port = out->is_tls ? 443 : 80;
	size_t n = strcspn(text, "/?");
	if (n == 0 || n >= sizeof(out->authority) || strlen(text + n) + 2 > sizeof(out->path))
		return -EINVAL;
	memcpy(out->authority, text, n);
	snprintf(out->path, sizeof(out->path), "%s%s", text[n] == '/' ? "" : "/", text + n);
	return parse_authority(out);
}
