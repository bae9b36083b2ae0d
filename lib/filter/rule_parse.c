/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule's one line: SOURCES -> DESTINATIONS : SERVICES. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "filter/rule.h"
#include "filter/tuple.h"
#include "wire/ip.h"

static char *
trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = 0;
	return text;
}

/* The last address of a prefix; its first is the prefix with host bits cleared. */
static struct addr
prefix_last(const struct prefix *p)
{
	struct addr a = p->addr;
	for (unsigned bit = p->len; bit < addr_bits(a.family); bit++)
		a.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return a;
}

static struct filter_range
whole_family(uint8_t family)
{
	const struct prefix all = {.addr.family = family};
	return (struct filter_range){all.addr, prefix_last(&all)};
}

/* One end of a range: n characters. */
static int
parse_end(const char *text, size_t n, struct addr *out)
{
	char copy[ADDR_TEXT_BYTES + 8];
	if (n >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	return addr_parse(trim(copy), out);
}

static int
parse_span(const char *text, const char *dash, struct filter_range *out)
{
	if (parse_end(text, (size_t)(dash - text), &out->first) ||
		parse_end(dash + 1, strlen(dash + 1), &out->last) ||
		out->first.family != out->last.family ||
		memcmp(out->first.bytes, out->last.bytes, sizeof(out->first.bytes)) > 0)
		return -EINVAL;
	return 1;
}

int
filter_range_parse(const char *text, struct filter_range out[2])
{
	struct prefix p;
	const char *dash = strchr(text, '-');
	if (strcmp(text, "*") == 0) {
		out[0] = whole_family(ADDR_V4);
		out[1] = whole_family(ADDR_V6);
		return 2;
	}
	if (dash)
		return parse_span(text, dash, out);
	if (prefix_parse(text, &p) < 0)
		return -EINVAL;
	p = prefix_masked(&p);
	out->first = p.addr;
	out->last = prefix_last(&p);
	return 1;
}

/* "80" or "8000-8100" */
static int
parse_ports(char *text, struct filter_service *s)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	unsigned long first = strtoul(text, &end, 10), last = first;
	if (*end == '-' && isdigit((unsigned char)end[1]))
		last = strtoul(end + 1, &end, 10);
	if (*end || first > last || last > UINT16_MAX)
		return -EINVAL;
	s->first_port = (uint16_t)first;
	s->last_port = (uint16_t)last;
	return 0;
}

static int
parse_number(const char *text, struct filter_service *s)
{
	char *end;
	unsigned long v = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 256;
	if (v > 255 || *end)
		return -EINVAL;
	s->proto = (uint16_t)v;
	return 0;
}

/* A word may be followed by /; what then must come depends on the word. */
static int
add_service(struct filter_rule *r, char *text)
{
	static const struct {
		const char *name;
		uint16_t proto;
		bool has_ports;
	} words[] = {
		{"tcp", IP_PROTO_TCP, true},
		{"udp", IP_PROTO_UDP, true},
		{"sctp", IP_PROTO_SCTP, true},
		{"icmp", IP_PROTO_ICMP, false},
		{"*", FILTER_PROTO_ANY, false},
	};
	struct filter_service s = {.last_port = UINT16_MAX};
	char *detail = strchr(text, '/');
	if (detail)
		*detail++ = 0;
	if (strcasecmp(text, "proto") == 0)
		return detail && !parse_number(detail, &s) ? filter_rule_add_service(r, &s)
							   : -EINVAL;
	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		if (strcasecmp(text, words[i].name) != 0)
			continue;
		if (detail && (!words[i].has_ports || parse_ports(detail, &s)))
			return -EINVAL;
		s.proto = words[i].proto;
		int rc = filter_rule_add_service(r, &s);
		s.proto = IP_PROTO_ICMPV6;
		if (!rc && words[i].proto == IP_PROTO_ICMP)
			rc = filter_rule_add_service(r, &s);
		return rc;
	}
	return -EINVAL;
}

static int
add_addresses(struct filter_rule *r, char *text,
	int (*add)(struct filter_rule *, const struct filter_range *))
{
	struct filter_range ranges[2];
	int n = filter_range_parse(text, ranges), rc = n < 0 ? n : 0;
	for (int i = 0; i < n && !rc; i++)
		rc = add(r, &ranges[i]);
	return rc;
}

static int
add_source(struct filter_rule *r, char *text)
{
	return add_addresses(r, text, filter_rule_add_source);
}

static int
add_destination(struct filter_rule *r, char *text)
{
	return add_addresses(r, text, filter_rule_add_destination);
}

/* One of the three parts of a rule: a list with commas. */
struct part {
	const char *name, *expects;
	int (*add)(struct filter_rule *r, char *item);
};

static int
parse_part(struct filter_rule *r, char *text, const struct part *part, struct err *err)
{
	char *rest = text, shown[64];
	while (rest) {
		char *item = trim(strsep(&rest, ","));
		snprintf(shown, sizeof(shown), "%s", item);
		int rc = *item ? part->add(r, item) : -EINVAL;
		if (rc == -EINVAL && !shown[0])
			return err_set(err, rc, "the %s are missing: expected %s", part->name,
				part->expects);
		if (rc == -EINVAL)
			return err_set(err, rc, "'%s' among the %s: expected %s", shown,
				part->name, part->expects);
		if (rc)
			return rc;
	}
	return 0;
}

/* A colon with space before it and no other behind it, for addresses have colons too. */
static char *
find_colon(char *text)
{
	for (char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
		if (at > text && isspace((unsigned char)at[-1]) && at[1] != ':')
			return at;
	}
	return NULL;
}

static int
parse(char *text, struct filter_rule *out, struct err *err)
{
	static const char addresses[] = "addresses, prefixes, ranges FIRST-LAST, or *";
	static const struct part sources = {"sources", addresses, add_source},
		destinations = {"destinations", addresses, add_destination},
		services = {"services", "tcp/22, udp/5000-5100, sctp, icmp, proto/47 or *",
			add_service};
	char *arrow = strstr(text, "->");
	if (!arrow)
		return err_set(err, -EINVAL, "there is no -> between sources and destinations");
	*arrow = 0;
	char *colon = find_colon(arrow + 2);
	if (colon)
		*colon = 0;
	int rc = parse_part(out, text, &sources, err);
	if (!rc)
		rc = parse_part(out, arrow + 2, &destinations, err);
	if (!rc && colon)
		return parse_part(out, colon + 1, &services, err);
	return rc ? rc : filter_rule_add_defaults(out, 0, UINT16_MAX);
}

int
filter_rule_parse(char *text, struct filter_rule *out, struct err *err)
{
	out->text = strdup(trim(text));
	int rc = out->text ? parse(text, out, err) : -ENOMEM;
	if (rc)
		filter_rule_fini(out);
	return rc;
}
