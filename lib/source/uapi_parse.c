/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The UAPI's requests: bytes → lines → wishes. The first line is get=1 or set=1; a blank line ends
 * the request; in between, a set's lines each are a row of the table below. After a bad line the
 * rest of the request is skipped, so that the answer comes where the client waits for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "intent/array.h"
#include "source/uapi.h"
#include "source/uapi_wish.h"

void
uapi_parser_init(struct uapi_parser *p)
{
	*p = (struct uapi_parser){0};
}

void
uapi_parser_fini(struct uapi_parser *p)
{
	array_free(p->wishes, p->n_wishes, sizeof(*p->wishes));
	secret_wipe(p, sizeof(*p));
}

static int
add_wish(struct uapi_parser *p, enum uapi_wish_kind kind, const struct change *change)
{
	if (p->n_wishes == UAPI_MAX_WISHES)
		return -E2BIG;
	struct uapi_wish *all = array_grow(p->wishes, p->n_wishes, sizeof(*all));
	if (!all)
		return -ENOMEM;
	p->wishes = all;
	struct uapi_wish *w = &all[p->n_wishes++];
	w->kind = kind;
	if (change)
		w->change = *change;
	w->change.peer = p->peer;
	return 0;
}

/* A decimal number of at most max. */
static int
number_parse(const char *text, uint64_t max, int64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > max)
		return -EINVAL;
	*out = (int64_t)v;
	return 0;
}

static int
wish_key(struct uapi_parser *p, enum change_kind kind, const char *value)
{
	struct change c = {.kind = kind};
	int rc = key_from_hex(&c.key, value);
	if (rc == 0)
		rc = add_wish(p, WISH_CHANGE, &c);
	secret_wipe(&c, sizeof(c));
	return rc;
}

static int
wish_number(struct uapi_parser *p, enum change_kind kind, const char *value, uint64_t max)
{
	struct change c = {.kind = kind};
	int rc = number_parse(value, max, &c.number);
	return rc ? rc : add_wish(p, WISH_CHANGE, &c);
}

static int
read_private_key(struct uapi_parser *p, const char *value)
{
	return wish_key(p, CHANGE_INTERFACE_SET_KEY, value);
}

static int
read_listen_port(struct uapi_parser *p, const char *value)
{
	return wish_number(p, CHANGE_INTERFACE_SET_LISTEN_PORT, value, UINT16_MAX);
}

static int
read_fwmark(struct uapi_parser *p, const char *value)
{
	return wish_number(p, CHANGE_INTERFACE_SET_FWMARK, value, UINT32_MAX);
}

static int
check_true(const char *value)
{
	return strcmp(value, "true") == 0 ? 0 : -EINVAL;
}

static int
read_replace_peers(struct uapi_parser *p, const char *value)
{
	int rc = check_true(value);
	return rc ? rc : add_wish(p, WISH_CLEAR_PEERS, NULL);
}

static int
read_public_key(struct uapi_parser *p, const char *value)
{
	int rc = key_from_hex(&p->peer, value);
	if (rc < 0 || key_is_zero(&p->peer))
		return -EINVAL;
	p->has_peer = true;
	p->peer_wish = p->n_wishes;
	return add_wish(p, WISH_PEER, NULL);
}

static int
read_update_only(struct uapi_parser *p, const char *value)
{
	int rc = check_true(value);
	if (rc == 0)
		p->wishes[p->peer_wish].kind = WISH_PEER_IF_THERE;
	return rc;
}

static int
read_remove(struct uapi_parser *p, const char *value)
{
	int rc = read_update_only(p, value);
	return rc ? rc : add_wish(p, WISH_REMOVE_PEER, NULL);
}

static int
read_psk(struct uapi_parser *p, const char *value)
{
	return wish_key(p, CHANGE_PEER_SET_PSK, value);
}

static int
read_endpoint(struct uapi_parser *p, const char *value)
{
	struct change c = {.kind = CHANGE_PEER_SET_ENDPOINT};
	int rc = endpoint_parse(value, &c.endpoint.addr);
	return rc ? rc : add_wish(p, WISH_CHANGE, &c);
}

static int
read_keepalive(struct uapi_parser *p, const char *value)
{
	return wish_number(p, CHANGE_PEER_SET_KEEPALIVE, value, UINT16_MAX);
}

static int
read_replace_allowed(struct uapi_parser *p, const char *value)
{
	int rc = check_true(value);
	return rc ? rc : add_wish(p, WISH_CLEAR_ALLOWED, NULL);
}

/* "10.0.0.0/8" adds, "-10.0.0.0/8" removes. */
static int
read_allowed(struct uapi_parser *p, const char *value)
{
	bool removes = *value == '-';
	struct change c = {.kind = removes ? CHANGE_ALLOWED_REMOVE : CHANGE_ALLOWED_ADD};
	int rc = prefix_parse(value + removes, &c.prefix);
	return rc ? rc : add_wish(p, WISH_CHANGE, &c);
}

static int
read_protocol_version(struct uapi_parser *p, const char *value)
{
	return strcmp(value, "1") == 0 ? 0 : -EINVAL;
}

static const struct {
	const char *name;
	bool is_peer;
	int (*read)(struct uapi_parser *p, const char *value);
} keys[] = {
	{"private_key", false, read_private_key},
	{"listen_port", false, read_listen_port},
	{"fwmark", false, read_fwmark},
	{"replace_peers", false, read_replace_peers},
	{"public_key", false, read_public_key},
	{"public_key", true, read_public_key},
	{"update_only", true, read_update_only},
	{"remove", true, read_remove},
	{"preshared_key", true, read_psk},
	{"endpoint", true, read_endpoint},
	{"persistent_keepalive_interval", true, read_keepalive},
	{"replace_allowed_ips", true, read_replace_allowed},
	{"allowed_ip", true, read_allowed},
	{"protocol_version", true, read_protocol_version},
};

static int
read_pair(struct uapi_parser *p, char *line)
{
	char *value = strchr(line, '=');
	if (!value)
		return -EPROTO;
	*value++ = 0;
	for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
		if (keys[i].is_peer == p->has_peer && strcmp(keys[i].name, line) == 0)
			return keys[i].read(p, value);
	}
	return -EINVAL;
}

/* The blank line. */
static enum uapi_event
end_request(struct uapi_parser *p)
{
	p->is_done = true;
	if (!p->request)
		return UAPI_CLOSE;
	if (p->code)
		return UAPI_BAD;
	return p->request == 'g' ? UAPI_GET : UAPI_SET;
}

static enum uapi_event
read_line(struct uapi_parser *p)
{
	p->line[p->n_line_bytes] = 0;
	if (!p->n_line_bytes && !p->line_is_long)
		return end_request(p);
	if (!p->request) {
		p->request = strcmp(p->line, "get=1") == 0   ? 'g'
			     : strcmp(p->line, "set=1") == 0 ? 's'
							     : 0;
		return p->request ? UAPI_MORE : UAPI_CLOSE;
	}
	if (p->code)
		return UAPI_MORE;
	bool is_text = !p->line_is_long && strlen(p->line) == p->n_line_bytes;
	/* Nothing follows get=1. */
	p->code = is_text && p->request == 's' ? read_pair(p, p->line) : -EINVAL;
	return UAPI_MORE;
}

static enum uapi_event
take_byte(struct uapi_parser *p, char c)
{
	if (c != '\n') {
		if (p->n_line_bytes < sizeof(p->line) - 1)
			p->line[p->n_line_bytes++] = c;
		else
			p->line_is_long = true;
		return UAPI_MORE;
	}
	enum uapi_event event = read_line(p);
	secret_wipe(p->line, p->n_line_bytes);
	p->n_line_bytes = 0;
	p->line_is_long = false;
	return event;
}

enum uapi_event
uapi_feed(struct uapi_parser *p, const char *data, size_t n_bytes, size_t *n_used)
{
	enum uapi_event event = UAPI_MORE;
	if (p->is_done)
		uapi_parser_fini(p); /* …which leaves it as init does */
	*n_used = 0;
	while (*n_used < n_bytes && event == UAPI_MORE) {
		event = take_byte(p, data[(*n_used)++]);
		/* What is no UAPI at all may never send a newline. */
		if (p->line_is_long && !p->request)
			event = UAPI_CLOSE;
	}
	return event;
}
