/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/hostinfo.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "source/headscale/json.h"

static void
add_routes(const struct hostinfo *info, struct text *out)
{
	char text[PREFIX_TEXT_BYTES];
	const char *comma = "";
	for (size_t i = 0; i < info->routes->n; i++) {
		struct prefix p = prefix_masked(&info->routes->items[i]);
		text_add(out, "%s\"%s\"", comma, prefix_format(&p, text));
		comma = ",";
	}
	if (info->offers_exit)
		text_add(out, "%s\"0.0.0.0/0\",\"::/0\"", comma);
}

static void
add_tags(const char *tags, struct text *out)
{
	const char *comma = "";
	for (const char *at = tags; *at;) {
		char tag[128];
		size_t n = strcspn(at, ",");
		snprintf(tag, sizeof(tag), "%.*s", (int)MIN_OF(n, sizeof(tag) - 1), at);
		text_add(out, "%s", comma);
		json_add_string(out, tag);
		comma = ",";
		at += n + (at[n] == ',');
	}
}

void
hostinfo_format(const struct hostinfo *info, struct text *out)
{
	text_add(out, "{\"IPNVersion\":");
	json_add_string(out, info->version);
	text_add(out, ",\"OS\":\"linux\",\"Hostname\":");
	json_add_string(out, info->hostname);
	text_add(out, ",\"RoutableIPs\":[");
	add_routes(info, out);
	text_add(out, "]");
	if (info->tags && info->tags[0]) {
		text_add(out, ",\"RequestTags\":[");
		add_tags(info->tags, out);
		text_add(out, "]");
	}
	text_add(out, ",\"NetInfo\":{\"WorkingUDP\":true}}");
}
