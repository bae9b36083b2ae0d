/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "source/headscale/key_text.h"

/* ---- Life ---- */

static void *
copy_array(const void *from, size_t n, size_t item_bytes)
{
	void *to = n ? malloc(n * item_bytes) : NULL;
	if (to)
		memcpy(to, from, n * item_bytes);
	return to;
}

struct tailnet_node *
node_copy(const struct tailnet_node *n)
{
	struct tailnet_node *c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	*c = *n;
	c->n_refs = 1;
	c->addresses = copy_array(n->addresses, n->n_addresses, sizeof(*n->addresses));
	c->allowed = copy_array(n->allowed, n->n_allowed, sizeof(*n->allowed));
	c->endpoints = copy_array(n->endpoints, n->n_endpoints, sizeof(*n->endpoints));
	if ((n->n_addresses && !c->addresses) || (n->n_allowed && !c->allowed) ||
		(n->n_endpoints && !c->endpoints)) {
		node_put(c);
		return NULL;
	}
	return c;
}

struct tailnet_node *
node_get(struct tailnet_node *n)
{
	__atomic_add_fetch(&n->n_refs, 1, __ATOMIC_RELAXED);
	return n;
}

void
node_put(struct tailnet_node *n)
{
	if (!n || __atomic_sub_fetch(&n->n_refs, 1, __ATOMIC_ACQ_REL))
		return;
	free(n->addresses);
	free(n->allowed);
	free(n->endpoints);
	free(n);
}

static bool
has_same_prefixes(const struct prefix *a, const struct prefix *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!prefix_is_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

static bool
has_same_endpoints(const struct tailnet_node *a, const struct tailnet_node *b)
{
	for (size_t i = 0; i < a->n_endpoints; i++) {
		if (!endpoint_is_equal(&a->endpoints[i], &b->endpoints[i]))
			return false;
	}
	return true;
}

bool
node_is_equal(const struct tailnet_node *a, const struct tailnet_node *b)
{
	return a->id == b->id && a->user == b->user && strcmp(a->name, b->name) == 0 &&
		strcmp(a->tags, b->tags) == 0 && key_is_equal(&a->key, &b->key) &&
		key_is_equal(&a->disco, &b->disco) && a->key_expiry_s == b->key_expiry_s &&
		a->last_seen_s == b->last_seen_s && a->home_derp == b->home_derp &&
		a->is_online == b->is_online && a->is_expired == b->is_expired &&
		a->is_jailed == b->is_jailed && a->is_wireguard_only == b->is_wireguard_only &&
		a->has_peer_api_only == b->has_peer_api_only &&
		a->n_addresses == b->n_addresses && a->n_allowed == b->n_allowed &&
		a->n_endpoints == b->n_endpoints &&
		has_same_prefixes(a->addresses, b->addresses, a->n_addresses) &&
		has_same_prefixes(a->allowed, b->allowed, a->n_allowed) &&
		has_same_endpoints(a, b);
}

/* ---- Prefixes ---- */

static int
compare_prefixes(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	int order = memcmp(x->addr.bytes, y->addr.bytes, addr_bits(x->addr.family) / 8);
	return order ? order : (int)x->len - (int)y->len;
}

bool
node_has_prefix(const struct tailnet_node *n, const struct prefix *p)
{
	return n->n_allowed &&
		bsearch(p, n->allowed, n->n_allowed, sizeof(*n->allowed), compare_prefixes);
}

bool
node_is_at(const struct tailnet_node *n, const struct prefix *p)
{
	for (size_t i = 0; i < n->n_addresses && p->len == addr_bits(p->addr.family); i++) {
		if (prefix_is_equal(&n->addresses[i], p))
			return true;
	}
	return false;
}

static void
sort_allowed(struct tailnet_node *n)
{
	size_t n_kept = 0;
	if (n->n_allowed)
		qsort(n->allowed, n->n_allowed, sizeof(*n->allowed), compare_prefixes);
	for (size_t i = 0; i < n->n_allowed; i++) {
		if (n_kept && prefix_is_equal(&n->allowed[n_kept - 1], &n->allowed[i]))
			continue;
		n->allowed[n_kept++] = n->allowed[i];
	}
	n->n_allowed = n_kept;
}

/* ---- Times ---- */

static bool
two_digits(const char *at, int *out)
{
	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return false;
	*out = (at[0] - '0') * 10 + at[1] - '0';
	return true;
}

/* "Z" or "+02:00": seconds ahead of UTC. */
static bool
zone_parse(const char *text, int64_t *out)
{
	int hours, minutes;
	if (strcmp(text, "Z") == 0) {
		*out = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':' ||
		!two_digits(text + 1, &hours) || !two_digits(text + 4, &minutes))
		return false;
	*out = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
	return true;
}

int
time_parse(const char *text, int64_t *out_s)
{
	struct tm t = {0};
	int century, year;
	int64_t zone;
	*out_s = 0;
	if (!*text)
		return 0;
	if (strlen(text) < 20 || !two_digits(text, &century) || !two_digits(text + 2, &year) ||
		!two_digits(text + 5, &t.tm_mon) || !two_digits(text + 8, &t.tm_mday) ||
		!two_digits(text + 11, &t.tm_hour) || !two_digits(text + 14, &t.tm_min) ||
		!two_digits(text + 17, &t.tm_sec) || text[4] != '-' || text[10] != 'T')
		return -EINVAL;
	text += 19;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (!zone_parse(text, &zone))
		return -EINVAL;
	t.tm_year = century * 100 + year - 1900;
	t.tm_mon--;
	if (t.tm_year > -1899) /* the year 1 is Go's way to say never */
		*out_s = timegm(&t) - zone;
	return 0;
}

/* ---- Members ---- */

static void
copy_printable(char *out, size_t room, const char *text)
{
	size_t n = MIN_OF(strlen(text), room - 1);
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] > 0x20 && text[i] < 0x7f ? text[i] : '?';
	out[n] = 0;
}

static void
read_key(struct json_reader *r, const char *name, const char *kind, struct key *out)
{
	const char *text = json_text(r, name);
	*out = (struct key){{0}};
	if (*text && key_text_parse(kind, text, out) && !r->failed)
		r->failed = name;
}

static void
read_time(struct json_reader *r, const char *name, int64_t *out)
{
	if (time_parse(json_text(r, name), out) && !r->failed)
		r->failed = name;
}

/* False: that is no list of prefixes, or too long. The old one is freed. */
static bool
read_prefixes(const json_t *list, struct prefix **out, size_t *n_out)
{
	size_t n = json_array_size(list);
	if (n > NODE_MAX_PREFIXES)
		return false;
	struct prefix *items = n ? calloc(n, sizeof(*items)) : NULL;
	if (n && !items)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text || prefix_parse(text, &items[i])) {
			free(items);
			return false;
		}
		items[i] = prefix_masked(&items[i]);
	}
	free(*out);
	*out = items;
	*n_out = n;
	return true;
}

/* Those that cannot be endpoints are left out, as are the ones past the limit. */
static bool
read_endpoints(const json_t *list, struct tailnet_node *n)
{
	size_t n_most = MIN_OF(json_array_size(list), NODE_MAX_ENDPOINTS), n_good = 0;
	struct endpoint *items = n_most ? calloc(n_most, sizeof(*items)) : NULL;
	if (n_most && !items)
		return false;
	for (size_t i = 0; i < n_most; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text && endpoint_parse(text, &items[n_good]) == 0 && items[n_good].port &&
			!addr_is_nobodys(&items[n_good].addr) &&
			!addr_is_multicast(&items[n_good].addr))
			n_good++;
	}
	free(n->endpoints);
	n->endpoints = items;
	n->n_endpoints = n_good;
	return true;
}

static void
read_tags(struct json_reader *r, struct tailnet_node *n)
{
	const json_t *list = json_list(r, "Tags");
	size_t used = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		size_t bytes = text ? strlen(text) : 0;
		if (!bytes || used + bytes + 2 > sizeof(n->tags))
			continue;
		if (used)
			n->tags[used++] = ',';
		copy_printable(n->tags + used, sizeof(n->tags) - used, text);
		used += bytes;
	}
}

/* "127.3.3.40:9" of older servers means region 9. */
static int32_t
read_home(struct json_reader *r)
{
	int64_t region = json_integer_of(r, "HomeDERP");
	const char *old = json_text(r, "DERP");
	if (!region && strncmp(old, "127.3.3.40:", 11) == 0)
		region = strtol(old + 11, NULL, 10);
	return region > 0 && region <= INT32_MAX ? (int32_t)region : 0;
}

static void
read_flags(struct json_reader *r, struct tailnet_node *n)
{
	n->is_online = json_bool(r, "Online");
	n->is_expired = json_bool(r, "Expired");
	n->is_jailed = json_bool(r, "IsJailed");
	n->is_wireguard_only = json_bool(r, "IsWireGuardOnly");
	n->has_peer_api_only = json_bool(r, "UnsignedPeerAPIOnly");
}

static void
read_lists(struct json_reader *r, struct tailnet_node *n)
{
	const json_t *allowed = json_list(r, "AllowedIPs"), *endpoints;
	const json_t *addresses = json_list(r, "Addresses");
	if (!r->failed && !read_prefixes(addresses, &n->addresses, &n->n_addresses))
		r->failed = "Addresses";
	if (!allowed || n->has_peer_api_only)
		allowed = addresses;
	if (!r->failed && !read_prefixes(allowed, &n->allowed, &n->n_allowed))
		r->failed = "AllowedIPs";
	sort_allowed(n);
	endpoints = json_list(r, "Endpoints");
	if (!r->failed && !read_endpoints(endpoints, n))
		r->failed = "Endpoints";
}

static struct tailnet_node *
finish(struct tailnet_node *n, struct json_reader *r, struct err *err)
{
	if (!r->failed && key_is_zero(&n->key))
		r->failed = "Key";
	if (!r->failed)
		return n;
	err_set(err, -EBADMSG, "node %lld of the server's map has a wrong %s", (long long)n->id,
		r->failed);
	node_put(n);
	return NULL;
}

struct tailnet_node *
node_parse(const json_t *v, struct err *err)
{
	struct json_reader r = json_reader_of(v, "shape");
	struct tailnet_node *n = calloc(1, sizeof(*n));
	if (!n) {
		err_set(err, -ENOMEM, "no memory for a node");
		return NULL;
	}
	n->n_refs = 1;
	n->id = json_integer_of(&r, "ID");
	n->user = json_integer_of(&r, "User");
	copy_printable(n->name, sizeof(n->name), json_text(&r, "Name"));
	size_t length = strlen(n->name);
	if (length && n->name[length - 1] == '.')
		n->name[length - 1] = 0;
	read_key(&r, "Key", KEY_TEXT_NODE, &n->key);
	read_key(&r, "DiscoKey", KEY_TEXT_DISCO, &n->disco);
	read_time(&r, "KeyExpiry", &n->key_expiry_s);
	read_time(&r, "LastSeen", &n->last_seen_s);
	n->home_derp = read_home(&r);
	read_flags(&r, n);
	read_tags(&r, n);
	read_lists(&r, n);
	return finish(n, &r, err);
}

struct tailnet_node *
node_patch(const struct tailnet_node *was, const json_t *patch, struct err *err)
{
	struct json_reader r = json_reader_of(patch, "shape");
	struct tailnet_node *n = node_copy(was);
	if (!n) {
		err_set(err, -ENOMEM, "no memory for a node");
		return NULL;
	}
	int64_t region = json_integer_of(&r, "DERPRegion");
	if (region > 0 && region <= INT32_MAX)
		n->home_derp = (int32_t)region;
	if (json_member(&r, "Key"))
		read_key(&r, "Key", KEY_TEXT_NODE, &n->key);
	if (json_member(&r, "DiscoKey"))
		read_key(&r, "DiscoKey", KEY_TEXT_DISCO, &n->disco);
	if (json_member(&r, "KeyExpiry"))
		read_time(&r, "KeyExpiry", &n->key_expiry_s);
	if (json_member(&r, "LastSeen"))
		read_time(&r, "LastSeen", &n->last_seen_s);
	if (json_member(&r, "Online"))
		n->is_online = json_bool(&r, "Online");
	const json_t *endpoints = json_list(&r, "Endpoints");
	if (!r.failed && endpoints && !read_endpoints(endpoints, n))
		r.failed = "Endpoints";
	return finish(n, &r, err);
}
