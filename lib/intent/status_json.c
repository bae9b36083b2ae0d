/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/status_json.h"

#include "intent/status_tailnet.h"

static json_t *
number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

/* An array of n items made by make(item); NULL when any of it failed. */
static json_t *
list(const void *items, size_t n, size_t item_bytes, json_t *(*make)(const void *))
{
	json_t *array = json_array();
	for (size_t i = 0; array && i < n; i++) {
		/* json_array_append_new takes NULL for an error too. */
		if (json_array_append_new(array, make((const char *)items + i * item_bytes)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *
prefix_json(const void *item)
{
	char text[PREFIX_TEXT_BYTES];
	return json_string(prefix_format(item, text));
}

static json_t *
prefixes_json(const struct prefix *items, size_t n)
{
	return list(items, n, sizeof(*items), prefix_json);
}

static json_t *
key_json(const struct key *public_key)
{
	char text[KEY_BASE64_BYTES];
	key_to_base64(public_key, text);
	return json_string(text);
}

static json_t *
worker_json(const void *item)
{
	const struct status_worker *w = item;
	return json_pack("{s:o, s:o, s:o, s:o, s:f}", "core", number(w->core), "packets",
		number(w->n_pkts), "icmp_errors_sent", number(w->n_errors_sent),
		"icmp_errors_unsent", number(w->n_errors_unsent), "idle", w->idle);
}

static json_t *
port_json(const void *item)
{
	const struct status_port *p = item;
	char mac[MAC_TEXT_BYTES];
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
		"name", p->name, "device", p->device, "driver", p->driver, "profile", p->profile,
		"note", p->note, "mac", mac_format(&p->mac, mac),
		"link_up", p->link_is_up, "mtu", p->mtu, "addresses",
		prefixes_json(p->addresses.items, p->addresses.n), "rx_packets", number(p->rx_pkts),
		"rx_bytes", number(p->rx_bytes), "tx_packets", number(p->tx_pkts), "tx_bytes",
		number(p->tx_bytes), "drops", number(p->n_drops));
}

static json_t *
drop_json(const void *item)
{
	const struct status_drop *d = item;
	return json_pack("{s:s, s:o, s:f, s:f, s:s}", "name", d->name, "count", number(d->n_pkts),
		"per_second", d->per_s, "per_second_10s", d->per_s_10, "text", d->text);
}

static json_t *
drop_by_port_json(const void *item)
{
	const struct status_drop_part *d = item;
	return json_pack("{s:s, s:s, s:o, s:f, s:f}", "port", d->owner, "name", d->drop.name,
		"count", number(d->drop.n_pkts), "per_second", d->drop.per_s, "per_second_10s",
		d->drop.per_s_10);
}

static json_t *
drop_by_peer_json(const void *item)
{
	const struct status_drop_part *d = item;
	bool is_peer = !key_is_zero(&d->public_key);
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:f, s:f}", "interface", d->owner,
		"public_key", is_peer ? key_json(&d->public_key) : json_null(), "peer",
		d->peer_name, "name", d->drop.name, "count", number(d->drop.n_pkts), "per_second",
		d->drop.per_s, "per_second_10s", d->drop.per_s_10);
}

static json_t *
endpoint_json(const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_BYTES];
	return endpoint_is_known(e) ? json_string(endpoint_format(e, text)) : json_null();
}

/* The names are those of `tailscale status --json`, where that has them. */
static void
add_path(json_t *peer, const struct status_path *path)
{
	char text[ENDPOINT_TEXT_BYTES] = "";
	if (!peer || !path->is_node)
		return;
	if (endpoint_is_known(&path->cur_addr))
		endpoint_format(&path->cur_addr, text);
	json_object_set_new(peer, "Active", json_boolean(path->is_active));
	json_object_set_new(peer, "CurAddr", json_string(text));
	json_object_set_new(peer, "latency_ms",
		json_real((double)path->latency_ns / NS_IN_MS));
	json_object_set_new(peer, "why_not_direct", json_string(path->why));
}

static json_t *
peer_json(const void *item)
{
	const struct status_peer *p = item;
	json_t *j = json_pack("{s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:o}",
		"public_key", key_json(&p->public_key), "name", p->name, "has_psk", p->has_psk,
		"endpoint", endpoint_json(&p->endpoint), "last_handshake_s",
		p->last_handshake.s ? number(p->last_handshake.s) : json_null(), "session_age_s",
		p->has_session ? number(p->session_age_s) : json_null(), "rx_bytes",
		number(p->rx_bytes), "tx_bytes", number(p->tx_bytes), "keepalive_s", p->keepalive_s,
		"parked", p->parked, "allowed_ips",
		prefixes_json(p->allowed_ips, p->n_allowed_ips));
	add_path(j, &p->path);
	return j;
}

static json_t *
interface_json(const void *item)
{
	const struct status_interface *i = item;
	return json_pack("{s:s, s:o, s:i, s:o, s:i, s:o, s:o}", "name", i->name, "public_key",
		key_json(&i->public_key), "listen_port", i->listen_port, "fwmark",
		number(i->fwmark), "mtu", i->mtu, "addresses",
		prefixes_json(i->addresses.items, i->addresses.n), "peers",
		list(i->peers, i->n_peers, sizeof(*i->peers), peer_json));
}

static json_t *
crypto_json(const struct status_crypto *c)
{
	const char *second = c->second_backend[0] ? c->second_backend : NULL;
	return json_pack("{s:s, s:s, s:s?, s:s}", "backend", c->backend, "why", c->why,
		"second_backend", second, "second_why", c->second_why);
}

static json_t *
filter_rule_json(const void *item)
{
	const struct status_filter_rule *r = item;
	return json_pack("{s:s, s:o}", "rule", r->text, "hits", number(r->n_hits));
}

static json_t *
filter_local_json(const void *item)
{
	return json_string(((const struct status_filter_local *)item)->text);
}

static json_t *
filter_json(const struct status_filter *f)
{
	if (!f->is_on)
		return json_pack("{s:b}", "on", 0);
	return json_pack("{s:b, s:b, s:o, s:o, s:o, s:o}", "on", 1, "strict_tcp",
		f->is_strict_tcp, "flows", number(f->n_flows), "max_flows", number(f->max_flows),
		"rules", list(f->rules, f->n_rules, sizeof(*f->rules), filter_rule_json),
		"local", list(f->local, f->n_local, sizeof(*f->local), filter_local_json));
}

static json_t *
nat_network_json(const void *item)
{
	const struct status_nat_network *n = item;
	char text[PREFIX_TEXT_BYTES];
	return json_pack("{s:s, s:s}", "interface", n->on, "network",
		prefix_format(&n->prefix, text));
}

static json_t *
nat_json(const struct status_nat *n)
{
	if (!n->is_on)
		return json_pack("{s:b}", "on", 0);
	return json_pack("{s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "on", 1, "first_port",
		n->first_port, "last_port", n->last_port, "tcp", number(n->n_tcp), "udp",
		number(n->n_udp), "icmp", number(n->n_icmp), "max_flows", number(n->max_flows),
		"networks", list(n->networks, n->n_networks, sizeof(*n->networks),
			nat_network_json));
}

static json_t *
tailnet_json(const struct status_tailnet *t)
{
	if (!t->on[0])
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "interface", t->on,
		"server", t->server, "state", t->phase, "trouble", t->trouble, "auth_url",
		t->auth_url, "login", t->login, "name", t->name, "since_s", number(t->since_s),
		"key_expiry_s", t->key_expiry_s ? number(t->key_expiry_s) : json_null(), "peers",
		number(t->n_peers));
}

json_t *
status_to_json(const struct status *s)
{
	json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", s->version, "uptime_s", number(s->uptime_s), "now_s",
		number(s->now_s), "crypto", crypto_json(&s->crypto), "tailnet",
		tailnet_json(&s->tailnet), "workers",
		list(s->workers, s->n_workers, sizeof(*s->workers), worker_json), "ports",
		list(s->ports, s->n_ports, sizeof(*s->ports), port_json), "drops",
		list(s->drops, s->n_drops, sizeof(*s->drops), drop_json), "drops_by_port",
		list(s->drops_by_port, s->n_drops_by_port, sizeof(*s->drops_by_port),
			drop_by_port_json),
		"drops_by_peer",
		list(s->drops_by_peer, s->n_drops_by_peer, sizeof(*s->drops_by_peer),
			drop_by_peer_json),
		"interfaces",
		list(s->interfaces, s->n_interfaces, sizeof(*s->interfaces), interface_json),
		"filter", filter_json(&s->filter), "nat", nat_json(&s->nat));
	status_tailnet_add(j, s);
	return j;
}
