/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/status_tailnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

enum {
	KEY_NAME_BYTES = 8 + 2 * KEY_BYTES + 1,
	EXPIRY_SOON_S = 14 * 24 * 3600,
	HOUR_S = 3600,
	SENTENCE_BYTES = 768,
};

/* ---- Values ---- */

static const char *
key_name(const struct key *k, char out[KEY_NAME_BYTES])
{
	strcpy(out, "nodekey:");
	for (size_t i = 0; i < KEY_BYTES; i++)
		snprintf(out + 8 + 2 * i, 3, "%02x", k->bytes[i]);
	return out;
}

static json_t *
time_json(int64_t s)
{
	char text[32] = "0001-01-01T00:00:00Z"; /* Go's never */
	struct tm tm;
	time_t t = (time_t)s;
	if (s > 0 && gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *
addresses_json(const struct status_node *n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n->n_addresses; i++) {
		char text[ADDR_TEXT_BYTES];
		json_array_append_new(list, json_string(addr_format(&n->addresses[i], text)));
	}
	return list;
}

/* "tag:a,tag:b" */
static json_t *
tags_json(const char *tags)
{
	json_t *list = json_array();
	while (*tags) {
		size_t n = strcspn(tags, ",");
		json_array_append_new(list, json_stringn(tags, n));
		tags += n + (tags[n] == ',');
	}
	return list;
}

/* ---- Nodes ---- */

static json_t *
node_json(const struct status_node *n)
{
	char key[KEY_NAME_BYTES], name[sizeof(n->name) + 1];
	size_t n_host = strcspn(n->name, ".");
	snprintf(name, sizeof(name), "%s%s", n->name, n->name[0] ? "." : "");
	json_t *j = json_pack("{s:s, s:s, s:s%, s:o, s:b, s:b, s:b, s:o}", "PublicKey",
		key_name(&n->key, key), "DNSName", name, "HostName", n->name, n_host,
		"TailscaleIPs", addresses_json(n), "Online", n->is_online, "ExitNode",
		n->is_exit, "ExitNodeOption", n->offers_exit, "KeyExpiry",
		time_json(n->key_expiry_s));
	if (n->tags[0])
		json_object_set_new(j, "Tags", tags_json(n->tags));
	if (n->last_seen_s)
		json_object_set_new(j, "LastSeen", time_json(n->last_seen_s));
	return j;
}

/* What the interface knows of the peer beside what the server said. */
static void
add_traffic(json_t *node, const struct status_peer *p)
{
	char text[ENDPOINT_TEXT_BYTES] = "", prefix[PREFIX_TEXT_BYTES];
	json_t *allowed = json_array();
	for (size_t i = 0; i < p->n_allowed_ips; i++)
		json_array_append_new(allowed,
			json_string(prefix_format(&p->allowed_ips[i], prefix)));
	if (endpoint_is_known(&p->path.cur_addr))
		endpoint_format(&p->path.cur_addr, text);
	json_object_set_new(node, "AllowedIPs", allowed);
	json_object_set_new(node, "CurAddr", json_string(text));
	json_object_set_new(node, "Active", json_boolean(p->path.is_active));
	json_object_set_new(node, "RxBytes", json_integer((json_int_t)p->rx_bytes));
	json_object_set_new(node, "TxBytes", json_integer((json_int_t)p->tx_bytes));
	json_object_set_new(node, "LastHandshake", time_json((int64_t)p->last_handshake.s));
}

static json_t *
peers_json(const struct status *s)
{
	char key[KEY_NAME_BYTES];
	const struct status_tailnet *t = &s->tailnet;
	json_t *map = json_object();
	for (size_t i = 0; i < t->n_nodes; i++)
		json_object_set_new(map, key_name(&t->nodes[i].key, key),
			node_json(&t->nodes[i]));
	for (size_t i = 0; i < s->n_interfaces; i++) {
		const struct status_interface *iface = &s->interfaces[i];
		for (size_t k = 0; k < iface->n_peers && strcmp(iface->name, t->on) == 0; k++) {
			const struct status_peer *p = &iface->peers[k];
			json_t *node = json_object_get(map, key_name(&p->public_key, key));
			if (node)
				add_traffic(node, p);
		}
	}
	return map;
}

/* ---- What is wrong ---- */

static const char *
age(uint64_t s, char out[32])
{
	if (s < 120)
		snprintf(out, 32, "%llu s", (unsigned long long)s);
	else if (s < 2 * HOUR_S)
		snprintf(out, 32, "%llu min", (unsigned long long)s / 60);
	else if (s < 48 * HOUR_S)
		snprintf(out, 32, "%llu h", (unsigned long long)s / HOUR_S);
	else
		snprintf(out, 32, "%llu days", (unsigned long long)s / (24 * HOUR_S));
	return out;
}

static void
add_trouble(json_t *list, const struct status_tailnet *t, uint64_t now_s)
{
	char text[SENTENCE_BYTES], since[32];
	bool is_away = strcmp(t->phase, "connecting") == 0 && now_s >= t->since_s;
	if (!t->trouble[0])
		return;
	snprintf(text, sizeof(text), "%s%s%s%s", is_away ? "the server is out of reach for " : "",
		is_away ? age(now_s - t->since_s, since) : "", is_away ? ": " : "", t->trouble);
	json_array_append_new(list, json_string(text));
}

/* Something else may have gone wrong since it was said. */
static void
add_login(json_t *list, const struct status_tailnet *t)
{
	char text[SENTENCE_BYTES];
	if (strcmp(t->phase, "needs login") != 0 || !t->auth_url[0] ||
		strstr(t->trouble, t->auth_url))
		return;
	snprintf(text, sizeof(text), "to let this node in, open %s", t->auth_url);
	json_array_append_new(list, json_string(text));
}

static void
add_expiry(json_t *list, const struct status_tailnet *t, uint64_t now_s)
{
	char text[SENTENCE_BYTES], left[32];
	if (!t->key_expiry_s || t->key_expiry_s > now_s + EXPIRY_SOON_S)
		return;
	if (t->key_expiry_s <= now_s)
		snprintf(text, sizeof(text), "this node's key has expired");
	else
		snprintf(text, sizeof(text), "this node's key expires in %s: disable its expiry at "
			"the server, or be ready to let it in anew",
			age(t->key_expiry_s - now_s, left));
	json_array_append_new(list, json_string(text));
}

static json_t *
health_json(const struct status_tailnet *t, uint64_t now_s)
{
	char text[SENTENCE_BYTES], much[32];
	json_t *list = json_array();
	add_trouble(list, t, now_s);
	add_login(list, t);
	add_expiry(list, t, now_s);
	if (t->exit_trouble[0])
		json_array_append_new(list, json_string(t->exit_trouble));
	if (t->unapproved[0]) {
		snprintf(text, sizeof(text), "not approved by the server's last word, which it "
			"gives when the node connects: %s (headscale nodes approve-routes)",
			t->unapproved);
		json_array_append_new(list, json_string(text));
	}
	if (t->skew_s) {
		uint64_t s = (uint64_t)(t->skew_s > 0 ? t->skew_s : -t->skew_s);
		snprintf(text, sizeof(text), "this machine's clock is %s %s the server's",
			age(s, much), t->skew_s > 0 ? "behind" : "ahead of");
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static const char *
backend_state(const struct status_tailnet *t)
{
	static const struct {
		const char *phase, *state;
	} table[] = {
		{"running", "Running"}, {"needs login", "NeedsLogin"}, {"refused", "NeedsLogin"},
		{"logged out", "NeedsLogin"}, {"down", "Stopped"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (strcmp(t->phase, table[i].phase) == 0)
			return table[i].state;
	}
	/* The last good map stands while the server is away. */
	return t->has_self ? "Running" : "Starting";
}

void
status_tailnet_add(json_t *status, const struct status *s)
{
	const struct status_tailnet *t = &s->tailnet;
	if (!status || !t->on[0])
		return;
	const char *suffix = t->has_self ? strchr(t->self.name, '.') : NULL;
	json_object_set_new(status, "BackendState", json_string(backend_state(t)));
	json_object_set_new(status, "AuthURL", json_string(t->auth_url));
	json_object_set_new(status, "TailscaleIPs", addresses_json(&t->self));
	json_object_set_new(status, "Self", t->has_self ? node_json(&t->self) : json_null());
	json_object_set_new(status, "Health", health_json(t, s->now_s));
	json_object_set_new(status, "CurrentTailnet", json_pack("{s:s, s:s}", "Name", t->login,
		"MagicDNSSuffix", suffix ? suffix + 1 : ""));
	json_object_set_new(status, "Peer", peers_json(s));
}
