/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/derp_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { STUN_PORT = 3478 };

struct derp_map *
derp_map_get(struct derp_map *m)
{
	if (m)
		__atomic_add_fetch(&m->n_refs, 1, __ATOMIC_RELAXED);
	return m;
}

void
derp_map_put(struct derp_map *m)
{
	if (m && __atomic_sub_fetch(&m->n_refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(m);
}

/* Cut to length, and without what a terminal would take for an order. */
static void
copy_text(char *out, size_t out_bytes, const char *text)
{
	size_t n = strnlen(text, out_bytes - 1);
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : text[i] == ' ' ? ' ' : '?';
	out[n] = 0;
}

/* Empty: to be looked up. What is no address of that family, as "none": there is none. */
static bool
read_address(const char *text, uint8_t family, struct addr *out)
{
	if (addr_parse(text, out) || out->family != family)
		*out = (struct addr){0};
	return !*text;
}

/* A name that is an address needs no looking up. False: nothing can be asked there. */
static bool
settle_host(struct stun_server *s)
{
	struct addr a;
	if (addr_parse(s->host, &a) == 0) {
		if (a.family == ADDR_V4 && s->asks_v4)
			s->v4 = a;
		if (a.family == ADDR_V6 && s->asks_v6)
			s->v6 = a;
		s->asks_v4 = s->asks_v6 = false;
	}
	if (!s->host[0])
		s->asks_v4 = s->asks_v6 = false;
	return s->asks_v4 || s->asks_v6 || s->v4.family || s->v6.family;
}

static void
add_server(struct derp_region *to, struct json_reader *node)
{
	struct stun_server s = {0};
	const char *host = json_text(node, "HostName");
	int64_t port = json_integer_of(node, "STUNPort");
	copy_text(s.host, sizeof(s.host), strlen(host) < sizeof(s.host) ? host : "");
	s.asks_v4 = read_address(json_text(node, "IPv4"), ADDR_V4, &s.v4);
	s.asks_v6 = read_address(json_text(node, "IPv6"), ADDR_V6, &s.v6);
	port = port ? port : STUN_PORT;
	if (node->failed || port < 0 || port > UINT16_MAX || !settle_host(&s))
		return;
	s.port = (uint16_t)port;
	to->servers[to->n_servers++] = s;
}

static void
read_region(struct json_reader *r, const json_t *v, struct derp_region *out)
{
	struct json_reader region = json_reader_of(v, "DERPMap");
	const json_t *nodes = json_list(&region, "Nodes");
	int64_t id = json_integer_of(&region, "RegionID");
	*out = (struct derp_region){.id = id > 0 && id <= INT32_MAX ? (int32_t)id : 0};
	copy_text(out->code, sizeof(out->code), json_text(&region, "RegionCode"));
	copy_text(out->name, sizeof(out->name), json_text(&region, "RegionName"));
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		struct json_reader node = json_reader_of(json_array_get(nodes, i), "DERPMap");
		if (out->n_servers < DERP_SERVERS_A_REGION)
			add_server(out, &node);
		if (node.failed)
			region.failed = node.failed;
	}
	if (region.failed)
		r->failed = region.failed;
}

static int
by_id(const void *a, const void *b)
{
	const struct derp_region *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

struct derp_map *
derp_map_parse(const json_t *v, struct err *err)
{
	struct json_reader r = json_reader_of(v, "DERPMap");
	json_t *regions = (json_t *)(uintptr_t)json_map(&r, "Regions"), *region;
	const char *key;
	size_t room = MIN_OF(json_object_size(regions), (size_t)DERP_MAX_REGIONS);
	struct derp_map *m = calloc(1, sizeof(*m) + room * sizeof(m->regions[0]));
	if (!m) {
		err_set(err, -ENOMEM, "no memory for the server's relays");
		return NULL;
	}
	m->n_refs = 1;
	json_object_foreach(regions, key, region) {
		if (json_is_null(region) || m->n_regions == room)
			continue;
		read_region(&r, region, &m->regions[m->n_regions]);
		m->n_regions += m->regions[m->n_regions].id != 0;
	}
	if (r.failed) {
		err_set(err, -EBADMSG, "the server's map of relays has a wrong %s", r.failed);
		derp_map_put(m);
		return NULL;
	}
	qsort(m->regions, m->n_regions, sizeof(m->regions[0]), by_id);
	return m;
}
