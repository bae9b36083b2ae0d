/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/packet_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "source/headscale/json.h"
#include "wire/ip.h"

enum {
	PORT_MAX = 65535,
	DEFAULT_PROTOS = 0,
};

/* Rules of the server's on their way into the plan. */
struct reading {
	const struct filter_ranges *local;
	struct filter_plan *plan;
	size_t n_ranges;   /* in all rules so far: each destination has all sources of its rule */
	const char *wrong; /* the member that is */
};

/* One of them while it is taken apart. */
struct server_rule {
	struct reading *in;
	const json_t *sources, *destinations, *protos;
	struct filter_rule from; /* nothing but the sources */
};

/* ---- One rule ---- */

static int
read_sources(struct server_rule *s)
{
	for (size_t i = 0; i < json_array_size(s->sources); i++) {
		struct filter_range ranges[2];
		const char *text = json_string_value(json_array_get(s->sources, i));
		int n = text ? filter_range_parse(text, ranges) : -EINVAL;
		if (text && strncmp(text, "cap:", 4) == 0)
			continue;
		if (n < 0) {
			s->in->wrong = "SrcIPs";
			return -EBADMSG;
		}
		for (int k = 0; k < n; k++) {
			int rc = filter_rule_add_source(&s->from, &ranges[k]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* Where they would be too many they are not multiplied first. */
static int
add_sources(struct server_rule *s, struct filter_rule *r)
{
	int rc = 0;
	s->in->n_ranges += s->from.n_sources + r->n_destinations;
	if (s->in->n_ranges > FILTER_MAX_RANGES)
		return -ENOSPC;
	for (size_t i = 0; i < s->from.n_sources && !rc; i++)
		rc = filter_rule_add_source(r, &s->from.sources[i]);
	return rc;
}

static int
add_local(const struct server_rule *s, struct filter_rule *r, const struct filter_range *range)
{
	int rc = 0;
	for (size_t i = 0; i < s->in->local->n && !rc; i++) {
		struct filter_range both;
		if (filter_range_common(range, &s->in->local->items[i], &both))
			rc = filter_rule_add_destination(r, &both);
	}
	return rc;
}

static int
add_destination(struct server_rule *s, struct filter_rule *r, const char *text)
{
	struct filter_range ranges[2];
	int n = filter_range_parse(text, ranges), rc = 0;
	if (n < 0) {
		s->in->wrong = "DstPorts";
		return -EBADMSG;
	}
	for (int k = 0; k < n && !rc; k++)
		rc = add_local(s, r, &ranges[k]);
	return rc;
}

/* Whoever may reach anything of a destination may ping it, as with Tailscale's own clients. */
static int
add_pings(struct filter_rule *r)
{
	static const struct filter_service v4 = {IP_PROTO_ICMP, 0, PORT_MAX},
		v6 = {IP_PROTO_ICMPV6, 0, PORT_MAX};
	int rc = filter_rule_add_service(r, &v4);
	return rc ? rc : filter_rule_add_service(r, &v6);
}

/* Of protocols without ports, rules for some ports allow nothing. */
static int
add_services(struct server_rule *s, struct filter_rule *r, uint16_t first, uint16_t last)
{
	size_t n = json_array_size(s->protos);
	if (!n)
		return filter_rule_add_defaults(r, first, last);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(s->protos, i);
		int64_t proto = json_integer_value(v);
		if (!json_is_integer(v) || proto < 0 || proto > 255) {
			s->in->wrong = "IPProto";
			return -EBADMSG;
		}
		const struct filter_service service = {(uint16_t)proto, first, last};
		int rc = filter_rule_add_service(r, &service);
		if (rc)
			return rc;
	}
	return add_pings(r);
}

static bool
read_ports(const json_t *destination, uint16_t *first, uint16_t *last)
{
	const json_t *ports = json_object_get(destination, "Ports");
	int64_t a = json_integer_value(json_object_get(ports, "First"));
	int64_t b = json_integer_value(json_object_get(ports, "Last"));
	if (!json_is_object(ports) || a < 0 || b > PORT_MAX || a > b)
		return false;
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return true;
}

/* Sources × one destination with its ports: a rule of ours, if anything of it is. */
static int
take_destination(struct server_rule *s, const json_t *destination)
{
	struct filter_rule r = {0};
	uint16_t first, last;
	const char *ip = json_string_value(json_object_get(destination, "IP"));
	int rc = 0;
	if (!ip || !read_ports(destination, &first, &last)) {
		s->in->wrong = "DstPorts";
		return -EBADMSG;
	}
	rc = add_destination(s, &r, ip);
	if (!rc)
		rc = add_services(s, &r, first, last);
	if (!rc && r.n_destinations)
		rc = add_sources(s, &r);
	if (!rc && asprintf(&r.text, "tailnet: %zu sources to %s:%u-%u", r.n_sources, ip, first,
		last) < 0)
		r.text = NULL;
	if (!rc && r.n_sources && r.n_destinations)
		rc = filter_plan_add(s->in->plan, &r);
	if (rc || !r.n_sources || !r.n_destinations)
		filter_rule_fini(&r);
	return rc;
}

static int
take_rule(const json_t *v, struct reading *in)
{
	struct json_reader reader = json_reader_of(v, "shape");
	struct server_rule s = {
		.in = in,
		.sources = json_list(&reader, "SrcIPs"),
		.destinations = json_list(&reader, "DstPorts"),
		.protos = json_list(&reader, "IPProto"),
	};
	in->wrong = reader.failed;
	int rc = reader.failed ? -EBADMSG : read_sources(&s);
	for (size_t i = 0; i < json_array_size(s.destinations) && !rc; i++)
		rc = take_destination(&s, json_array_get(s.destinations, i));
	filter_rule_fini(&s.from);
	return rc;
}

static int
take_all(const json_t *filters, struct reading *in)
{
	const char *name;
	json_t *rules;
	int rc = 0;
	json_object_foreach((json_t *)(uintptr_t)filters, name, rules) {
		for (size_t i = 0; i < json_array_size(rules) && !rc; i++)
			rc = take_rule(json_array_get(rules, i), in);
	}
	return rc;
}

int
packet_filter_parse(const char *json, size_t n_bytes, const struct filter_ranges *local,
	struct filter_plan *plan, struct err *err)
{
	struct reading in = {.local = local, .plan = plan};
	json_t *v = json_read(json, n_bytes, err);
	int rc = v ? take_all(v, &in) : -EBADMSG;
	json_decref(v);
	if (rc == -ENOMEM)
		return err_set(err, rc, "no memory for the tailnet's packet filter");
	if (rc == -ENOSPC)
		return err_set(err, rc, "the tailnet's packet filter has more rules than there is "
			"room for");
	return rc ? err_set(err, rc, "a rule of the tailnet's packet filter has a wrong %s",
		in.wrong ? in.wrong : "member") : 0;
}
