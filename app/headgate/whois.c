/* SPDX-License-Identifier: BSD-3-Clause */
#include "whois.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

static bool
is_named(const json_t *peer, const char *who)
{
	const char *name = json_string_value(json_object_get(peer, "name"));
	size_t n = strlen(who);
	return name && n && strncasecmp(name, who, n) == 0 && (name[n] == 0 || name[n] == '.');
}

/* How long the longest of its prefixes is that has the address; -1: none has. */
static int
match_of(const json_t *peer, const struct addr *a)
{
	size_t i;
	const json_t *text;
	int best = -1;
	json_array_foreach(json_object_get(peer, "allowed_ips"), i, text)
	{
		struct prefix p;
		const char *value = json_string_value(text);
		if (value && prefix_parse(value, &p) == 0 && prefix_has(&p, a) && p.len > best)
			best = p.len;
	}
	return best;
}

const json_t *
whois_find(const json_t *status, const char *who)
{
	struct addr a;
	bool is_addr = addr_parse(who, &a) == 0;
	const json_t *iface, *peer, *found = NULL;
	size_t i, k;
	int best = -1;
	json_array_foreach(json_object_get(status, "interfaces"), i, iface)
	{
		json_array_foreach(json_object_get(iface, "peers"), k, peer)
		{
			int match = is_addr ? match_of(peer, &a) : is_named(peer, who) ? 0 : -1;
			if (match <= best)
				continue;
			best = match;
			found = peer;
		}
	}
	return found;
}
