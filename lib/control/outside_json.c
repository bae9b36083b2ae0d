/* SPDX-License-Identifier: BSD-3-Clause */
/* How the world sees us, in the words of `tailscale netcheck`; latencies are in nanoseconds. */
#include <stdio.h>

#include "control/outside.h"

static json_t *
json_of_mapping(enum netcheck_mapping mapping)
{
	return mapping == MAPPING_UNKNOWN ? json_null() : json_boolean(mapping == MAPPING_VARIES);
}

static json_t *
json_of_endpoint(const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_BYTES];
	return json_string(endpoint_is_known(e) ? endpoint_format(e, text) : "");
}

static void
set_latency(json_t *to, int32_t region, ns_t latency_ns)
{
	char key[16];
	snprintf(key, sizeof(key), "%d", region);
	if (latency_ns)
		json_object_set_new(to, key, json_integer((json_int_t)latency_ns));
}

static json_t *
json_of_regions(const struct derp_map *derp)
{
	json_t *all = json_object();
	for (size_t i = 0; derp && i < derp->n_regions; i++) {
		const struct derp_region *r = &derp->regions[i];
		char key[16];
		snprintf(key, sizeof(key), "%d", r->id);
		json_object_set_new(all, key, json_pack("{s:i, s:s, s:s}", "RegionID", r->id,
			"RegionCode", r->code, "RegionName", r->name));
	}
	return all;
}

json_t *
outside_to_json(const struct outside *o)
{
	const struct netcheck_report *r = &o->report;
	json_t *all = json_object(), *v4 = json_object(), *v6 = json_object();
	for (unsigned i = 0; i < r->n_regions; i++) {
		const struct netcheck_region *region = &r->regions[i];
		ns_t least_ns = region->v4_ns && region->v6_ns ?
			MIN_OF(region->v4_ns, region->v6_ns) : MAX_OF(region->v4_ns, region->v6_ns);
		set_latency(all, region->id, least_ns);
		set_latency(v4, region->id, region->v4_ns);
		set_latency(v6, region->id, region->v6_ns);
	}
	bool is_v4 = endpoint_is_known(&r->v4), is_v6 = endpoint_is_known(&r->v6);
	return json_pack("{s:b, s:b, s:I, s:b, s:b, s:b, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
		"ok", 1, "Running", o->is_running, "Number", (json_int_t)o->n_full,
		"UDP", is_v4 || is_v6, "IPv4", is_v4, "IPv6", is_v6,
		"MappingVariesByDestIP", json_of_mapping(r->mapping),
		"PreferredDERP", (int)r->nearest, "RegionLatency", all, "RegionV4Latency", v4,
		"RegionV6Latency", v6, "GlobalV4", json_of_endpoint(&r->v4), "GlobalV6",
		json_of_endpoint(&r->v6), "Regions", json_of_regions(o->derp));
}
