/* SPDX-License-Identifier: BSD-3-Clause */
/* [Peer]: wg's own section and keys. A peer joins its interface at the section's end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "intent/array.h"
#include "source/config_reader.h"

static int
peer_begin(struct config_reader *r, const char *argument)
{
	r->peer.origin = config_here(r);
	return config_interface(r);
}

static int
read_public_key(struct config_reader *r, char *value)
{
	int rc = key_from_base64(&r->peer.public_key, value);
	if (rc == 0 && key_is_zero(&r->peer.public_key))
		rc = -EINVAL;
	r->has_peer_key = rc == 0;
	return rc;
}

static int
read_psk(struct config_reader *r, char *value)
{
	struct key k;
	if (key_from_base64(&k, value) < 0)
		return -EINVAL;
	peer_set_psk(&r->peer, &k);
	secret_wipe(&k, sizeof(k));
	r->holds_keys = true;
	return 0;
}

static int
read_allowed_item(struct config_reader *r, char *item)
{
	struct prefix p;
	if (prefix_parse(item, &p) < 0)
		return -EINVAL;
	struct allowed_line *all = array_grow(r->allowed, r->n_allowed, sizeof(*all));
	if (!all)
		return -ENOMEM;
	r->allowed = all;
	all[r->n_allowed++] = (struct allowed_line){p, r->line};
	return 0;
}

static int
read_allowed(struct config_reader *r, char *value)
{
	return value_list(r, value, read_allowed_item);
}

/* A name that looks like no mistyped address: some letter, and only what DNS names have. */
static bool
host_is_plausible(const char *host)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-";
	size_t n = strlen(host);
	return n > 0 && n < HOST_TEXT_BYTES && strspn(host, plain) == n &&
	       strspn(host, "0123456789.") < n && host[0] != '-';
}

static int
read_endpoint(struct config_reader *r, char *value)
{
	struct endpoint_intent e = {0};
	uint32_t port;
	if (endpoint_parse(value, &e.addr) == 0)
		return e.addr.port ? peer_set_endpoint(&r->peer, &e) : -EINVAL;
	char *colon = strrchr(value, ':');
	if (!colon || value_number(colon + 1, UINT16_MAX, &port) < 0 || port == 0)
		return -EINVAL;
	*colon = 0;
	bool is_plausible = host_is_plausible(value);
	e = (struct endpoint_intent){.host = value, .host_port = (uint16_t)port};
	int rc = is_plausible ? peer_set_endpoint(&r->peer, &e) : -EINVAL;
	*colon = ':';
	return rc;
}

static int
read_keepalive(struct config_reader *r, char *value)
{
	uint32_t seconds = 0;
	if (strcasecmp(value, "off") != 0 && value_number(value, UINT16_MAX, &seconds) < 0)
		return -EINVAL;
	r->peer.keepalive_s = (uint16_t)seconds;
	return 0;
}

static int
read_name(struct config_reader *r, char *value)
{
	return value_text(value, r->peer.name, sizeof(r->peer.name));
}

/* Tells of a prefix that two peers have: the last one keeps it, as with `wg`. */
static void
warn_moved(struct config_reader *r, const struct allowed_line *a, const struct peer_intent *p)
{
	const struct allowed_intent *was = allowed_find(&r->interface->peers, &a->prefix);
	char here[INTENT_WHERE_BYTES], there[INTENT_WHERE_BYTES];
	char text[PREFIX_TEXT_BYTES], key[KEY_SHORT_BYTES];
	if (!was || was->owner == p || r->it->n_warnings == INTENT_MAX_WARNINGS)
		return;
	intent_warn(r->it, "%s: AllowedIPs %s was given to peer %s at %s: it is this peer's now",
		intent_where(r->it, (struct origin){r->file_id, a->line}, here),
		prefix_format(&was->prefix, text), key_short(&was->owner->public_key, key),
		intent_where(r->it, was->origin, there));
}

/* The section's first line tells best where a peer is wrong as a whole. */
static int
peer_error(struct config_reader *r, const char *what, struct origin other)
{
	char where[INTENT_WHERE_BYTES];
	r->line = r->peer.origin.line;
	return config_error(
		r, "%s%s", what, other.file_id ? intent_where(r->it, other, where) : "");
}

static int
fill_peer(struct config_reader *r, struct peer_intent *p)
{
	memcpy(p->name, r->peer.name, sizeof(p->name));
	p->origin = r->peer.origin;
	p->keepalive_s = r->peer.keepalive_s;
	peer_set_psk(p, &r->peer.psk);
	int rc = peer_set_endpoint(p, &r->peer.endpoint);
	for (size_t i = 0; i < r->n_allowed && rc == 0; i++) {
		const struct allowed_line *a = &r->allowed[i];
		warn_moved(r, a, p);
		rc = allowed_add(
			&r->interface->peers, p, &a->prefix, (struct origin){r->file_id, a->line});
	}
	return rc;
}

void
config_peer_clear(struct config_reader *r)
{
	free(r->peer.endpoint.host);
	secret_wipe(&r->peer, sizeof(r->peer));
	r->has_peer_key = false;
	array_free(r->allowed, r->n_allowed, sizeof(*r->allowed));
	r->allowed = NULL;
	r->n_allowed = 0;
}

static int
peer_end(struct config_reader *r)
{
	static const struct origin nowhere;
	if (!r->has_peer_key)
		return peer_error(r, "this [Peer] has no PublicKey", nowhere);
	struct peer_set *s = &r->interface->peers;
	const struct peer_intent *was = peer_set_find(s, &r->peer.public_key);
	if (was)
		return peer_error(r, "this peer is given twice: the first is at ", was->origin);
	struct peer_intent *p = peer_set_add(s, &r->peer.public_key);
	int rc = p ? fill_peer(r, p) : -ENOMEM;
	config_peer_clear(r);
	return rc;
}

static const struct config_key peer_keys[] = {
	{"PublicKey", read_public_key, "a key of 44 base64 characters, from `wg pubkey`",
		"(the output of `wg pubkey`)", "the other side's key"},
	{"PresharedKey", read_psk, "a key of 44 base64 characters, from `wg genpsk`",
		"(the output of `wg genpsk`)", "a secret that both sides share", .is_secret = true},
	{"AllowedIPs", read_allowed, "IP prefixes with commas between",
		"10.0.0.2/32, 192.168.20.0/24",
		"what this peer may send from and is sent to; may be repeated"},
	{"Endpoint", read_endpoint, "HOST:PORT", "198.51.100.7:51820",
		"where to reach it: an address or a name; IPv6 as [2001:db8::7]:51820"},
	{"PersistentKeepalive", read_keepalive, "off, or 0 to 65535 seconds", "25",
		"seconds between keepalives, to hold a NAT open"},
	{"Name", read_name, "1 to 63 printable ASCII characters", "site-b",
		"what headgate calls it in tables and logs"},
};

const struct config_section config_section_peer = {
	.name = "Peer",
	.begin = peer_begin,
	.end = peer_end,
	.keys = peer_keys,
	.n_keys = ARRAY_COUNT(peer_keys),
	.help = "a WireGuard peer, as in a wg-quick file",
};
