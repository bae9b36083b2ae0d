/* SPDX-License-Identifier: BSD-3-Clause */
#include "netcheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "client.h"

enum {
	POLL_MS = 100,
	WAIT_MS = 15000,
};

/* A report, or a negative errno and why there is none. */
static int
ask(const struct options *o, const char *request, json_t **out, struct err *err)
{
	int rc = client_ask(&o->whom, request, out, err);
	const char *refusal = rc ? NULL : json_string_value(json_object_get(*out, "error"));
	if (!refusal)
		return rc;
	rc = err_set(err, -ENOENT, "%s", refusal);
	json_decref(*out);
	return rc;
}

/* The check that is made now: the next one of all servers that ends. */
static int
check(const struct options *o, json_t **out, struct err *err)
{
	int rc = ask(o, "netcheck", out, err);
	if (rc)
		return rc;
	json_int_t before = json_integer_value(json_object_get(*out, "Number"));
	for (unsigned ms = 0; ms < WAIT_MS; ms += POLL_MS) {
		json_decref(*out);
		usleep(POLL_MS * 1000);
		rc = ask(o, "netcheck-report", out, err);
		if (rc || json_integer_value(json_object_get(*out, "Number")) != before)
			return rc;
	}
	json_decref(*out);
	return err_set(err, -ETIMEDOUT, "headgated did not end its check: see its log");
}

static const char *
text_of(const json_t *report, const char *field)
{
	const char *text = json_string_value(json_object_get(report, field));
	return text ? text : "";
}

static void
print_family(const json_t *report, const char *name, const char *field)
{
	const char *seen = text_of(report, field);
	printf("  %s: %s%s\n", name, *seen ? "yes, seen at " : "no answer", seen);
}

struct row {
	const char *code, *name;
	json_int_t latency_ns;
};

static int
by_latency(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return (x->latency_ns > y->latency_ns) - (x->latency_ns < y->latency_ns);
}

static void
print_regions(const json_t *report)
{
	json_t *regions = json_object_get(report, "Regions"), *region;
	const json_t *latencies = json_object_get(report, "RegionLatency");
	struct row *rows = calloc(json_object_size(regions) + 1, sizeof(*rows));
	const char *id;
	size_t n = 0;
	json_object_foreach(regions, id, region)
	{
		json_int_t ns = json_integer_value(json_object_get(latencies, id));
		if (rows && ns)
			rows[n++] = (struct row){text_of(region, "RegionCode"),
				text_of(region, "RegionName"), ns};
	}
	if (n)
		qsort(rows, n, sizeof(*rows), by_latency);
	for (size_t i = 0; i < n; i++)
		printf("    %-8s %8.1f ms  %s\n", rows[i].code,
			(double)rows[i].latency_ns / 1e6, rows[i].name);
	if (n < json_object_size(regions))
		printf("    no answer from %zu more\n", json_object_size(regions) - n);
	free(rows);
}

static void
print(const json_t *report)
{
	const json_t *varies = json_object_get(report, "MappingVariesByDestIP");
	bool is_udp = json_is_true(json_object_get(report, "UDP"));
	printf("Report:\n  UDP: %s\n", is_udp ? "yes" :
		"no answer: a firewall on the way, or the relays' STUN is off");
	print_family(report, "IPv4", "GlobalV4");
	print_family(report, "IPv6", "GlobalV6");
	printf("  Mapping varies by destination: %s\n", json_is_true(varies) ?
		"yes: behind a hard NAT, peers reach us only where they may be reached themselves" :
		json_is_false(varies) ? "no" : "unknown: it takes answers of two servers");
	puts("  Relay regions, nearest first:");
	print_regions(report);
}

int
netcheck_run(const struct options *o, struct err *err)
{
	json_t *report;
	if (o->n_words > 1)
		return err_set(err, -EINVAL, "no word may follow netcheck; see headgate --help");
	int rc = check(o, &report, err);
	if (rc)
		return rc;
	if (o->is_json) {
		json_object_del(report, "ok");
		json_object_del(report, "Running");
		json_object_del(report, "Number");
		json_dumpf(report, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print(report);
	}
	json_decref(report);
	return 0;
}
