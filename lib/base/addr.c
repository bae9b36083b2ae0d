/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

bool
addr_is_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, addr_n_bytes(a->family)) == 0;
}

bool
addr_is_zero(const struct addr *a)
{
	static const uint8_t zero[16];
	return memcmp(a->bytes, zero, addr_n_bytes(a->family)) == 0;
}

bool
addr_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return (a->bytes[0] & 0xf0) == 0xe0;
	return a->family == ADDR_V6 && a->bytes[0] == 0xff;
}

bool
addr_is_link_local(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->family == ADDR_V6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool
addr_is_nobodys(const struct addr *a)
{
	static const uint8_t zeros[10];
	if (a->family == ADDR_V4)
		return a->bytes[0] == 0 || a->bytes[0] == 127 || a->bytes[0] >= 240;
	return memcmp(a->bytes, zeros, sizeof(zeros)) == 0;
}

struct addr
addr_from_v4(uint32_t host_order)
{
	struct addr a = {.family = ADDR_V4};
	store_be32(a.bytes, host_order);
	return a;
}

struct addr
addr_from_bytes(uint8_t family, const void *bytes)
{
	struct addr a = {.family = family};
	memcpy(a.bytes, bytes, addr_n_bytes(family));
	return a;
}

int
addr_parse(const char *text, struct addr *out)
{
	struct addr a = {0};
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = ADDR_V4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = ADDR_V6;
	else
		return -EINVAL;
	*out = a;
	return 0;
}

const char *
addr_format(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
	int family = a->family == ADDR_V4 ? AF_INET : AF_INET6;
	if (a->family == ADDR_NONE || !inet_ntop(family, a->bytes, out, ADDR_TEXT_BYTES))
		strcpy(out, "none");
	return out;
}

/* A whole decimal number of at most max, without sign or space. -1 when it is none. */
static long
decimal_parse(const char *text, long max)
{
	if (*text < '0' || *text > '9')
		return -1;
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	return *end || errno || v > (unsigned long)max ? -1 : (long)v;
}

int
prefix_parse(const char *text, struct prefix *out)
{
	char host[PREFIX_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = 0;
	struct prefix p = {0};
	if (addr_parse(host, &p.addr))
		return -EINVAL;
	long len = (long)addr_bits(p.addr.family);
	if (slash)
		len = decimal_parse(slash + 1, len);
	if (len < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	*out = p;
	return 0;
}

const char *
prefix_format(const struct prefix *p, char out[PREFIX_TEXT_BYTES])
{
	char a[ADDR_TEXT_BYTES];
	snprintf(out, PREFIX_TEXT_BYTES, "%s/%u", addr_format(&p->addr, a), p->len);
	return out;
}

struct prefix
prefix_masked(const struct prefix *p)
{
	struct prefix m = *p;
	unsigned bits = addr_bits(p->addr.family);
	for (unsigned bit = p->len; bit < bits; bit++)
		m.addr.bytes[bit / 8] &= (uint8_t)~(0x80u >> (bit % 8));
	return m;
}

bool
prefix_is_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_is_equal(&a->addr, &b->addr);
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	if (p->addr.family != a->family)
		return false;
	unsigned whole = p->len / 8, rest = p->len % 8;
	if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	uint8_t mask = (uint8_t)(0xff00u >> rest);
	return !rest || ((p->addr.bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

int
endpoint_parse(const char *text, struct endpoint *out)
{
	char host[ENDPOINT_TEXT_BYTES];
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	size_t n = (size_t)(colon - text);
	bool bracketed = text[0] == '[' && n > 2 && text[n - 1] == ']';
	memcpy(host, text + bracketed, n - 2 * bracketed);
	host[n - 2 * bracketed] = 0;

	struct endpoint e = {0};
	char *percent = strchr(host, '%');
	if (percent) {
		*percent = 0;
		e.scope_id = if_nametoindex(percent + 1);
		if (!e.scope_id)
			return -EINVAL;
	}
	long port = decimal_parse(colon + 1, UINT16_MAX);
	if (port < 0 || addr_parse(host, &e.addr) || bracketed != (e.addr.family == ADDR_V6))
		return -EINVAL;
	if (e.scope_id && e.addr.family != ADDR_V6)
		return -EINVAL; /* a sockaddr_in has no room for it: it would be lost unsaid */
	e.port = (uint16_t)port;
	*out = e;
	return 0;
}

const char *
endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_BYTES])
{
	char a[ADDR_TEXT_BYTES];
	char scope[IF_NAMESIZE + 1] = "", name[IF_NAMESIZE];
	if (e->scope_id && if_indextoname(e->scope_id, name))
		snprintf(scope, sizeof(scope), "%%%s", name);
	bool v6 = e->addr.family == ADDR_V6;
	if (!endpoint_is_known(e))
		strcpy(out, "none");
	else
		snprintf(out, ENDPOINT_TEXT_BYTES, "%s%s%s%s:%u", v6 ? "[" : "",
			addr_format(&e->addr, a), scope, v6 ? "]" : "", e->port);
	return out;
}

bool
endpoint_is_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->scope_id == b->scope_id &&
	       addr_is_equal(&a->addr, &b->addr);
}

socklen_t
endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (e->addr.family == ADDR_V4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(e->port);
		memcpy(&in->sin_addr, e->addr.bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(e->port);
	in6->sin6_scope_id = e->scope_id;
	memcpy(&in6->sin6_addr, e->addr.bytes, 16);
	return sizeof(*in6);
}

int
endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
	struct endpoint e = {0};
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		e.addr = addr_from_bytes(ADDR_V4, &in->sin_addr);
		e.port = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
		e.addr = addr_from_bytes(ADDR_V6, &in6->sin6_addr);
		e.port = ntohs(in6->sin6_port);
		e.scope_id = in6->sin6_scope_id;
	} else {
		return -EAFNOSUPPORT;
	}
	*out = e;
	return 0;
}

int
mac_parse(const char *text, struct mac *out)
{
	unsigned v[6];
	char rest;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		    &rest) != 6)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		out->bytes[i] = (uint8_t)v[i];
	return 0;
}

const char *
mac_format(const struct mac *m, char out[MAC_TEXT_BYTES])
{
	const uint8_t *b = m->bytes;
	snprintf(out, MAC_TEXT_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		b[5]);
	return out;
}
