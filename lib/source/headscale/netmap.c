/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/netmap.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { FEW = 32 }; /* nodes are put in their places one by one */

void
netmap_init(struct netmap *m)
{
	*m = (struct netmap){.waits_for_first = true};
}

static void
put_all(struct tailnet_node **nodes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		node_put(nodes[i]);
	free(nodes);
}

void
netmap_fini(struct netmap *m)
{
	node_put(m->self);
	put_all(m->peers, m->n_peers);
	derp_map_put(m->derp);
	json_decref(m->filters);
	*m = (struct netmap){0};
}

void
netmap_begin_stream(struct netmap *m)
{
	m->waits_for_first = true;
}

/* ---- The peers, in order ---- */

/* Where the id stands, or would stand. */
static size_t
place_of(const struct netmap *m, int64_t id)
{
	size_t from = 0, to = m->n_peers;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (m->peers[mid]->id < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

struct tailnet_node *
netmap_find(const struct netmap *m, int64_t id)
{
	size_t at = place_of(m, id);
	return at < m->n_peers && m->peers[at]->id == id ? m->peers[at] : NULL;
}

static int
make_room(struct netmap *m)
{
	if (m->n_peers < m->room)
		return 0;
	if (m->n_peers >= NETMAP_MAX_PEERS)
		return -ENOSPC;
	size_t room = m->room ? 2 * m->room : 64;
	struct tailnet_node **bigger = realloc(m->peers, room * sizeof(struct tailnet_node *));
	if (!bigger)
		return -ENOMEM;
	m->peers = bigger;
	m->room = room;
	return 0;
}

/* Takes the reference over. One that differs in nothing leaves the old one where it is. */
static int
put_peer(struct netmap *m, struct tailnet_node *n)
{
	size_t at = place_of(m, n->id);
	if (at < m->n_peers && m->peers[at]->id == n->id) {
		bool is_same = node_is_equal(m->peers[at], n);
		node_put(is_same ? n : m->peers[at]);
		if (!is_same)
			m->peers[at] = n;
		return 0;
	}
	int rc = make_room(m);
	if (rc) {
		node_put(n);
		return rc;
	}
	memmove(&m->peers[at + 1], &m->peers[at], (m->n_peers - at) * sizeof(n));
	m->peers[at] = n;
	m->n_peers++;
	return 0;
}

static void
remove_peer(struct netmap *m, int64_t id)
{
	size_t at = place_of(m, id);
	if (at == m->n_peers || m->peers[at]->id != id)
		return;
	node_put(m->peers[at]);
	m->n_peers--;
	memmove(&m->peers[at], &m->peers[at + 1], (m->n_peers - at) * sizeof(m->peers[0]));
}

/* ---- Members of a message ---- */

/* Nodes as a list has them, whatever its order: putting each in its place costs too much. */
struct arrival {
	struct tailnet_node *node;
	size_t at; /* in the list */
};

static int
compare_arrivals(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	if (x->node->id != y->node->id)
		return x->node->id < y->node->id ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* 0 and *n arrivals, or a negative errno with a sentence; references go with them. */
static int
parse_nodes(const json_t *list, struct arrival *out, size_t *n, struct err *err)
{
	for (*n = 0; *n < json_array_size(list); ++*n) {
		out[*n] = (struct arrival){node_parse(json_array_get(list, *n), err), *n};
		if (!out[*n].node)
			return -EBADMSG;
	}
	return 0;
}

/* Puts the arrivals among the peers, both by ascending id; the last one of an id counts. */
static void
merge(struct netmap *m, const struct arrival *in, size_t n_in, struct tailnet_node **out)
{
	size_t n = 0, at = 0;
	for (size_t i = 0; i < n_in; i++) {
		struct tailnet_node *node = in[i].node;
		if (i + 1 < n_in && in[i + 1].node->id == node->id) {
			node_put(node);
			continue;
		}
		while (at < m->n_peers && m->peers[at]->id < node->id)
			out[n++] = m->peers[at++];
		bool has_old = at < m->n_peers && m->peers[at]->id == node->id;
		bool is_same = has_old && node_is_equal(m->peers[at], node);
		if (has_old)
			node_put(is_same ? node : m->peers[at]);
		out[n++] = is_same ? m->peers[at] : node;
		at += has_old;
	}
	while (at < m->n_peers)
		out[n++] = m->peers[at++];
	free(m->peers);
	m->peers = out;
	m->n_peers = n;
}

static int
put_many(struct netmap *m, const json_t *list, struct err *err)
{
	size_t n_list = json_array_size(list), n = 0, room = m->n_peers + n_list;
	if (n_list > NETMAP_MAX_PEERS || room > 2 * NETMAP_MAX_PEERS)
		return err_set(err, -ENOSPC, "no room for all peers of the server's map");
	struct arrival *in = calloc(n_list, sizeof(*in));
	struct tailnet_node **out = calloc(room, sizeof(struct tailnet_node *));
	int rc = in && out ? parse_nodes(list, in, &n, err) :
		err_set(err, -ENOMEM, "no memory for all peers of the server's map");
	if (!rc) {
		qsort(in, n, sizeof(*in), compare_arrivals);
		merge(m, in, n, out);
		m->room = room;
		out = NULL;
		n = 0;
	}
	for (size_t i = 0; i < n; i++)
		node_put(in[i].node);
	free(in);
	free(out);
	return rc || m->n_peers <= NETMAP_MAX_PEERS ? rc :
		err_set(err, -ENOSPC, "no room for all peers of the server's map");
}

static int
put_peers(struct netmap *m, const json_t *list, struct err *err)
{
	if (json_array_size(list) > FEW)
		return put_many(m, list, err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct tailnet_node *n = node_parse(json_array_get(list, i), err);
		if (!n)
			return -EBADMSG;
		int rc = put_peer(m, n);
		if (rc)
			return err_set(err, rc, "no room for all peers of the server's map");
	}
	return 0;
}

/* The whole list: who is not on it has gone. Nodes that are the same stay the same value. */
static int
replace_peers(struct netmap *m, const json_t *list, struct err *err)
{
	struct netmap fresh = {0};
	int rc = put_peers(&fresh, list, err);
	for (size_t i = 0; i < fresh.n_peers && !rc; i++) {
		struct tailnet_node *was = netmap_find(m, fresh.peers[i]->id);
		if (was && node_is_equal(was, fresh.peers[i])) {
			node_put(fresh.peers[i]);
			fresh.peers[i] = node_get(was);
		}
	}
	if (rc) {
		put_all(fresh.peers, fresh.n_peers);
		return rc;
	}
	put_all(m->peers, m->n_peers);
	m->peers = fresh.peers;
	m->n_peers = fresh.n_peers;
	m->room = fresh.room;
	return 0;
}

static int
compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* ids: ascending. */
static void
remove_many(struct netmap *m, const int64_t *ids, size_t n_ids)
{
	size_t n = 0, at = 0;
	for (size_t i = 0; i < m->n_peers; i++) {
		while (at < n_ids && ids[at] < m->peers[i]->id)
			at++;
		if (at < n_ids && ids[at] == m->peers[i]->id)
			node_put(m->peers[i]);
		else
			m->peers[n++] = m->peers[i];
	}
	m->n_peers = n;
}

static int
remove_peers(struct netmap *m, const json_t *list, struct err *err)
{
	size_t n = json_array_size(list);
	int64_t *ids = n ? calloc(n, sizeof(*ids)) : NULL;
	int rc = n && !ids ? err_set(err, -ENOMEM, "no memory for the server's map") : 0;
	for (size_t i = 0; i < n && !rc; i++) {
		const json_t *id = json_array_get(list, i);
		if (json_is_integer(id))
			ids[i] = json_integer_value(id);
		else
			rc = err_set(err, -EBADMSG, "the server's map removes what is no node");
	}
	if (!rc && n > FEW) {
		qsort(ids, n, sizeof(*ids), compare_ids);
		remove_many(m, ids, n);
	}
	for (size_t i = 0; i < n && n <= FEW && !rc; i++)
		remove_peer(m, ids[i]);
	free(ids);
	return rc;
}

static int
patch_peers(struct netmap *m, const json_t *list, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *patch = json_array_get(list, i);
		struct json_reader r = json_reader_of(patch, "shape");
		struct tailnet_node *was = netmap_find(m, json_integer_of(&r, "NodeID"));
		if (r.failed)
			return err_set(err, -EBADMSG, "a patch of the server's map has a wrong %s",
				r.failed);
		if (!was)
			continue; /* that does occur */
		struct tailnet_node *now = node_patch(was, patch, err);
		if (!now)
			return -EBADMSG;
		(void)put_peer(m, now); /* its place is there */
	}
	return 0;
}

/* OnlineChange and PeerSeenChange: an object of id → bool. */
static int
note_flags(struct netmap *m, const json_t *map, bool is_online, int64_t now_s, struct err *err)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)map, key, v) {
		struct tailnet_node *was = netmap_find(m, strtoll(key, NULL, 10));
		if (!json_is_boolean(v))
			return err_set(err, -EBADMSG, "the server's map says of a node neither yes "
				"nor no");
		struct tailnet_node *now = was ? node_copy(was) : NULL;
		if (was && !now)
			return err_set(err, -ENOMEM, "no memory for a node");
		if (!now)
			continue;
		if (is_online)
			now->is_online = json_is_true(v);
		else
			now->last_seen_s = json_is_true(v) ? now_s : 0;
		(void)put_peer(m, now);
	}
	return 0;
}

static int
change_peers(struct netmap *m, struct json_reader *r, struct netmap_news *news, struct err *err)
{
	const json_t *whole = json_list(r, "Peers");
	if (m->waits_for_first || json_array_size(whole)) {
		news->has_peers = true;
		return replace_peers(m, whole, err);
	}
	const json_t *removed = json_list(r, "PeersRemoved");
	const json_t *changed = json_list(r, "PeersChanged");
	const json_t *seen = json_map(r, "PeerSeenChange");
	const json_t *online = json_map(r, "OnlineChange");
	const json_t *patches = json_list(r, "PeersChangedPatch");
	news->has_peers = removed || changed || seen || online || patches;
	int rc = remove_peers(m, removed, err);
	if (!rc)
		rc = put_peers(m, changed, err);
	if (!rc)
		rc = note_flags(m, seen, false, news->control_time_s, err);
	if (!rc)
		rc = note_flags(m, online, true, 0, err);
	return rc ? rc : patch_peers(m, patches, err);
}

static int
change_self(struct netmap *m, struct json_reader *r, struct netmap_news *news, struct err *err)
{
	const json_t *v = json_map(r, "Node");
	if (!v)
		return m->waits_for_first ? err_set(err, -EBADMSG, "the server's first map does "
			"not say who we are") : 0;
	struct tailnet_node *n = node_parse(v, err);
	if (!n)
		return -EBADMSG;
	node_put(m->self);
	m->self = n;
	news->has_self = true;
	return 0;
}

/* One name of PacketFilters. */
static int
change_filter(struct netmap *m, const char *name, json_t *rules)
{
	if (json_is_null(rules)) {
		json_object_del(m->filters, name);
		return 0;
	}
	return json_is_array(rules) ? json_object_set(m->filters, name, rules) : -1;
}

static int
change_filters(struct netmap *m, struct json_reader *r, struct netmap_news *news, struct err *err)
{
	const json_t *old = json_list(r, "PacketFilter"), *named = json_map(r, "PacketFilters");
	const char *name;
	json_t *rules;
	int rc = 0;
	if (m->waits_for_first || !m->filters || json_object_get(named, "*")) {
		json_decref(m->filters);
		m->filters = json_object();
		m->has_filter = false;
	}
	if (old)
		rc = json_object_set(m->filters, "base", (json_t *)(uintptr_t)old);
	json_object_foreach((json_t *)(uintptr_t)named, name, rules) {
		if (!rc && strcmp(name, "*") != 0)
			rc = change_filter(m, name, rules);
	}
	news->has_filter = m->waits_for_first || old || named;
	m->has_filter = m->has_filter || old || named;
	return rc ? err_set(err, -EBADMSG, "the server's packet filter is wrong") : 0;
}

/* Relays: a stream that says nothing of them has none; later, what is not told stays. */
static int
change_derp(struct netmap *m, struct json_reader *r, struct netmap_news *news, struct err *err)
{
	const json_t *v = json_map(r, "DERPMap");
	const json_t *regions = v ? json_object_get(v, "Regions") : NULL;
	struct derp_map *now = NULL;
	if (regions && !json_is_null(regions) && !(now = derp_map_parse(v, err)))
		return -EBADMSG;
	if (!now && !m->waits_for_first)
		return 0;
	derp_map_put(m->derp);
	m->derp = now;
	news->has_derp = true;
	return 0;
}

/* One that is too long is none; its sender hears nothing. */
static void
read_ping(struct json_reader *r, struct netmap_ping *out)
{
	const json_t *v = json_map(r, "PingRequest");
	struct json_reader ping = json_reader_of(v, "PingRequest");
	if (!v)
		return;
	const char *url = json_text(&ping, "URL"), *types = json_text(&ping, "Types");
	const char *payload = json_text(&ping, "Payload");
	out->is_noise = json_bool(&ping, "URLIsNoise");
	if (ping.failed)
		r->failed = ping.failed;
	else if (strlen(url) < sizeof(out->url) && strlen(types) < sizeof(out->types) &&
		sodium_base642bin(out->payload, sizeof(out->payload), payload, strlen(payload),
			NULL, &out->n_payload_bytes, NULL, sodium_base64_VARIANT_ORIGINAL) == 0) {
		strcpy(out->url, url);
		strcpy(out->types, types);
	}
}

static int
apply(struct netmap *m, const json_t *v, struct netmap_news *news, struct err *err)
{
	struct json_reader r = json_reader_of(v, "shape");
	news->is_keepalive = json_bool(&r, "KeepAlive");
	if (news->is_keepalive && !r.failed)
		return 0;
	if (time_parse(json_text(&r, "ControlTime"), &news->control_time_s))
		r.failed = "ControlTime";
	read_ping(&r, &news->ping);
	int rc = change_self(m, &r, news, err);
	if (!rc)
		rc = change_peers(m, &r, news, err);
	if (!rc)
		rc = change_filters(m, &r, news, err);
	if (!rc)
		rc = change_derp(m, &r, news, err);
	if (!rc && r.failed)
		rc = err_set(err, -EBADMSG, "the server's map has a wrong %s", r.failed);
	if (!rc)
		m->waits_for_first = false;
	return rc;
}

int
netmap_apply(struct netmap *m, const char *json, size_t n_bytes, struct netmap_news *news,
	struct err *err)
{
	memset(news, 0, sizeof(*news));
	json_t *v = json_read(json, n_bytes, err);
	int rc = v ? apply(m, v, news, err) : -EBADMSG;
	json_decref(v);
	return rc;
}
