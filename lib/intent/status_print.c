/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/status_print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { AMOUNT_BYTES = 32 };

static const char *
text_of(const json_t *object, const char *field)
{
	const char *s = json_string_value(json_object_get(object, field));
	return s ? s : "";
}

static uint64_t
number_of(const json_t *object, const char *field)
{
	return (uint64_t)json_integer_value(json_object_get(object, field));
}

/* "1.5 GiB" */
static const char *
format_bytes(uint64_t n, char out[AMOUNT_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)n;
	size_t u = 0;
	for (; v >= 1024 && u < 6; u++)
		v /= 1024;
	snprintf(out, AMOUNT_BYTES, u ? "%.2f %s" : "%.0f %s", v, units[u]);
	return out;
}

/* "3d 4h", "4h 5m", "5m 6s", "6s" */
static const char *
format_age(uint64_t s, char out[AMOUNT_BYTES])
{
	unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60, sec = s % 60;
	if (d)
		snprintf(out, AMOUNT_BYTES, "%llud %lluh", d, h);
	else if (h)
		snprintf(out, AMOUNT_BYTES, "%lluh %llum", h, m);
	else if (m)
		snprintf(out, AMOUNT_BYTES, "%llum %llus", m, sec);
	else
		snprintf(out, AMOUNT_BYTES, "%llus", sec);
	return out;
}

/* A list of texts with commas between. */
static void
print_list(const json_t *array, FILE *out)
{
	size_t i;
	const json_t *item;
	json_array_foreach(array, i, item)
	{
		const char *text = json_string_value(item);
		fprintf(out, "%s%s", i ? ", " : "", text ? text : "");
	}
}

/* Since the last handshake, as of the status; "never" without one. */
static const char *
format_handshake(const json_t *peer, uint64_t now_s, char out[AMOUNT_BYTES])
{
	uint64_t at = number_of(peer, "last_handshake_s");
	if (!at)
		return "never";
	return format_age(now_s > at ? now_s - at : 0, out);
}

static void
print_workers(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *w;
	const json_t *workers = json_object_get(status, "workers");
	if (json_array_size(workers))
		fprintf(out, "\n%-8s %6s %16s %6s\n", "worker", "core", "packets", "idle");
	json_array_foreach(workers, i, w) fprintf(out, "%-8zu %6llu %16llu %5.1f%%\n", i,
		(unsigned long long)number_of(w, "core"),
		(unsigned long long)number_of(w, "packets"),
		100 * json_number_value(json_object_get(w, "idle")));
}

static void
print_interfaces(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *iface;
	const json_t *interfaces = json_object_get(status, "interfaces");
	if (json_array_size(interfaces))
		fprintf(out, "\n%-15s %6s %6s %6s  %-44s  %s\n", "interface", "port", "mtu",
			"peers", "public key", "addresses");
	json_array_foreach(interfaces, i, iface)
	{
		fprintf(out, "%-15s %6llu %6llu %6zu  %-44s  ", text_of(iface, "name"),
			(unsigned long long)number_of(iface, "listen_port"),
			(unsigned long long)number_of(iface, "mtu"),
			json_array_size(json_object_get(iface, "peers")),
			text_of(iface, "public_key"));
		print_list(json_object_get(iface, "addresses"), out);
		fputc('\n', out);
	}
}

static void
print_ports(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *p;
	char rx[AMOUNT_BYTES], tx[AMOUNT_BYTES];
	fprintf(out, "%-12s %-4s %6s %-17s %14s %12s %14s %12s %10s  %-14s %s\n", "port", "link",
		"mtu", "mac", "rx packets", "rx", "tx packets", "tx", "drops", "driver",
		"addresses");
	json_array_foreach(json_object_get(status, "ports"), i, p)
	{
		fprintf(out, "%-12s %-4s %6llu %-17s %14llu %12s %14llu %12s %10llu  %-14s ",
			text_of(p, "name"),
			json_is_true(json_object_get(p, "link_up")) ? "up" : "down",
			(unsigned long long)number_of(p, "mtu"), text_of(p, "mac"),
			(unsigned long long)number_of(p, "rx_packets"),
			format_bytes(number_of(p, "rx_bytes"), rx),
			(unsigned long long)number_of(p, "tx_packets"),
			format_bytes(number_of(p, "tx_bytes"), tx),
			(unsigned long long)number_of(p, "drops"), text_of(p, "driver"));
		print_list(json_object_get(p, "addresses"), out);
		fputc('\n', out);
	}
	json_array_foreach(json_object_get(status, "ports"), i, p)
	{
		if (text_of(p, "note")[0])
			fprintf(out, "%s: %s\n", text_of(p, "name"), text_of(p, "note"));
	}
}

/* "packets, a second, a second by the last ten" of a drop counter. */
static void
print_drop_counts(const json_t *d, FILE *out)
{
	fprintf(out, "%14llu %10.0f %10.1f  ", (unsigned long long)number_of(d, "count"),
		json_number_value(json_object_get(d, "per_second")),
		json_number_value(json_object_get(d, "per_second_10s")));
}

static void
print_drops(const json_t *status, FILE *out)
{
	size_t i, n_shown = 0;
	const json_t *d;
	json_array_foreach(json_object_get(status, "drops"), i, d)
	{
		if (!number_of(d, "count"))
			continue;
		if (n_shown++ == 0)
			fprintf(out, "%14s %10s %10s  %-26s %s\n", "packets", "last s", "s of 10",
				"reason", "meaning");
		print_drop_counts(d, out);
		fprintf(out, "%-26s %s\n", text_of(d, "name"), text_of(d, "text"));
	}
	if (!n_shown)
		fputs("no packet was dropped\n", out);
}

static void
print_drop_part(const json_t *d, const char *owner, FILE *out)
{
	print_drop_counts(d, out);
	fprintf(out, "%-26s %s\n", text_of(d, "name"), owner);
}

static void
print_drops_by_port(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *d;
	const json_t *parts = json_object_get(status, "drops_by_port");
	if (json_array_size(parts))
		fprintf(out, "%14s %10s %10s  %-26s %s\n", "packets", "last s", "s of 10",
			"reason", "came in by");
	else
		fputs("no packet of any port was dropped\n", out);
	json_array_foreach(parts, i, d)
		print_drop_part(d, text_of(d, "port"), out);
}

static void
print_drops_by_peer(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *d;
	const json_t *parts = json_object_get(status, "drops_by_peer");
	if (json_array_size(parts))
		fprintf(out, "%14s %10s %10s  %-26s %s\n", "packets", "last s", "s of 10",
			"reason", "peer");
	else
		fputs("no packet of a known peer was dropped\n", out);
	json_array_foreach(parts, i, d)
	{
		char owner[256];
		const char *key = text_of(d, "public_key");
		snprintf(owner, sizeof(owner), "%s %s%s%s%s", text_of(d, "interface"),
			text_of(d, "peer"), key[0] ? " (" : "", key, key[0] ? ")" : "");
		print_drop_part(d, key[0] ? owner : "other peers, or removed ones", out);
	}
}

/* Of a node of the tailnet that was spoken to, or may be. */
static void
print_path(const json_t *peer, FILE *out)
{
	const char *addr = json_string_value(json_object_get(peer, "CurAddr"));
	if (addr && *addr)
		fprintf(out, "  (direct, %.1f ms)",
			json_number_value(json_object_get(peer, "latency_ms")));
	else if (addr)
		fprintf(out, "  (no direct path yet: %s)", text_of(peer, "why_not_direct"));
}

static void
print_peer(const json_t *peer, uint64_t now_s, FILE *out)
{
	char rx[AMOUNT_BYTES], tx[AMOUNT_BYTES], age[AMOUNT_BYTES];
	const char *endpoint = text_of(peer, "endpoint");
	fprintf(out, "%-44s  %-22s %-10s %12s %12s  %s%s", text_of(peer, "public_key"),
		endpoint[0] ? endpoint : "-", format_handshake(peer, now_s, age),
		format_bytes(number_of(peer, "rx_bytes"), rx),
		format_bytes(number_of(peer, "tx_bytes"), tx), text_of(peer, "name"),
		text_of(peer, "name")[0] ? ": " : "");
	print_list(json_object_get(peer, "allowed_ips"), out);
	print_path(peer, out);
	fputc('\n', out);
}

static void
print_peers(const json_t *status, FILE *out)
{
	size_t i, n;
	const json_t *iface, *peer;
	json_array_foreach(json_object_get(status, "interfaces"), i, iface)
	{
		const json_t *peers = json_object_get(iface, "peers");
		fprintf(out, "%s%s: %zu peers\n", i ? "\n" : "", text_of(iface, "name"),
			json_array_size(peers));
		fprintf(out, "%-44s  %-22s %-10s %12s %12s  %s\n", "public key", "endpoint",
			"handshake", "received", "sent", "allowed ips");
		json_array_foreach(peers, n, peer)
			print_peer(peer, number_of(status, "now_s"), out);
	}
}

static bool
lacks_path(const json_t *peer)
{
	return json_is_true(json_object_get(peer, "Active")) && !text_of(peer, "CurAddr")[0];
}

/* Of the peers that packets are for; the first of them stands for all. */
static void
print_unreached(const json_t *status, FILE *out)
{
	size_t i, k, n = 0;
	const json_t *iface, *peer, *first = NULL;
	json_array_foreach(json_object_get(status, "interfaces"), i, iface)
	{
		json_array_foreach(json_object_get(iface, "peers"), k, peer)
		{
			if (lacks_path(peer) && n++ == 0)
				first = peer;
		}
	}
	if (n)
		fprintf(out, "  no direct path to %s%s: %s\n", text_of(first, "name"),
			n > 1 ? " and others" : "", text_of(first, "why_not_direct"));
}

/* What is wrong, in a sentence, stands last. */
static void
print_tailnet(const json_t *status, FILE *out)
{
	char age[AMOUNT_BYTES];
	size_t i;
	const json_t *sentence, *t = json_object_get(status, "tailnet");
	uint64_t now_s = number_of(status, "now_s"), expiry_s = number_of(t, "key_expiry_s");
	if (!json_is_object(t))
		return;
	fprintf(out, "tailnet: %s on %s, %s for %s", text_of(t, "name")[0] ?
		text_of(t, "name") : text_of(t, "server"), text_of(t, "interface"),
		text_of(t, "state"), format_age(now_s - number_of(t, "since_s"), age));
	fprintf(out, ", %llu peers\n", (unsigned long long)number_of(t, "peers"));
	if (expiry_s > now_s)
		fprintf(out, "  its key expires in %s\n", format_age(expiry_s - now_s, age));
	json_array_foreach(json_object_get(status, "Health"), i, sentence)
		fprintf(out, "  %s\n", json_string_value(sentence));
	print_unreached(status, out);
}

/* Whatever rules say; nothing without a tailnet. */
static void
print_local(const json_t *filter, FILE *out)
{
	size_t i;
	const json_t *range, *local = json_object_get(filter, "local");
	if (json_array_size(local))
		fputs("\nnodes of the tailnet reach here, as far as rules let them:\n", out);
	json_array_foreach(local, i, range)
		fprintf(out, "  %s\n", json_string_value(range));
}

static void
print_filter(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *rule, *filter = json_object_get(status, "filter");
	const json_t *rules = json_object_get(filter, "rules");
	if (!json_is_true(json_object_get(filter, "on"))) {
		fprintf(out, "off: whatever comes out of a tunnel may pass\n");
		return;
	}
	fprintf(out, "on: %zu rules, %llu of %llu flows, TCP %s\n", json_array_size(rules),
		(unsigned long long)number_of(filter, "flows"),
		(unsigned long long)number_of(filter, "max_flows"),
		json_is_true(json_object_get(filter, "strict_tcp")) ? "strict" : "not strict");
	fprintf(out, "\n%14s  %s\n", "allowed", "rule");
	json_array_foreach(rules, i, rule)
		fprintf(out, "%14llu  %s\n", (unsigned long long)number_of(rule, "hits"),
			text_of(rule, "rule"));
	print_local(filter, out);
}

/* In a line; nothing when it is off. */
static void
print_filter_line(const json_t *status, FILE *out)
{
	const json_t *filter = json_object_get(status, "filter");
	if (json_is_true(json_object_get(filter, "on")))
		fprintf(out, "filter: %zu rules, %llu of %llu flows\n",
			json_array_size(json_object_get(filter, "rules")),
			(unsigned long long)number_of(filter, "flows"),
			(unsigned long long)number_of(filter, "max_flows"));
}

static void
print_nat(const json_t *status, FILE *out)
{
	size_t i;
	const json_t *network, *nat = json_object_get(status, "nat");
	if (!json_is_true(json_object_get(nat, "on"))) {
		fprintf(out, "off: what comes out of a tunnel keeps its source address\n");
		return;
	}
	fprintf(out, "on, by ports %llu to %llu\n\n",
		(unsigned long long)number_of(nat, "first_port"),
		(unsigned long long)number_of(nat, "last_port"));
	fprintf(out, "flows: %llu TCP, %llu UDP, %llu ICMP; room for %llu\n\n",
		(unsigned long long)number_of(nat, "tcp"),
		(unsigned long long)number_of(nat, "udp"),
		(unsigned long long)number_of(nat, "icmp"),
		(unsigned long long)number_of(nat, "max_flows"));
	fprintf(out, "%-16s network\n", "interface");
	json_array_foreach(json_object_get(nat, "networks"), i, network)
		fprintf(out, "%-16s %s\n", text_of(network, "interface"),
			text_of(network, "network"));
}

/* In a line; nothing when it is off. */
static void
print_nat_line(const json_t *status, FILE *out)
{
	const json_t *nat = json_object_get(status, "nat");
	if (json_is_true(json_object_get(nat, "on")))
		fprintf(out, "snat: to %zu networks, %llu of %llu flows\n",
			json_array_size(json_object_get(nat, "networks")),
			(unsigned long long)(number_of(nat, "tcp") + number_of(nat, "udp") +
				number_of(nat, "icmp")),
			(unsigned long long)number_of(nat, "max_flows"));
}

static void
print_status(const json_t *status, FILE *out)
{
	char age[AMOUNT_BYTES];
	const json_t *crypto = json_object_get(status, "crypto");
	fprintf(out, "headgate %s, up %s\n", text_of(status, "version"),
		format_age(number_of(status, "uptime_s"), age));
	fprintf(out, "crypto: %s (%s)\n", text_of(crypto, "backend"), text_of(crypto, "why"));
	const char *second = text_of(crypto, "second_backend");
	fprintf(out, "beside it: %s (%s)\n", second[0] ? second : "none",
		text_of(crypto, "second_why"));
	print_filter_line(status, out);
	print_nat_line(status, out);
	print_tailnet(status, out);
	print_workers(status, out);
	fputc('\n', out);
	print_ports(status, out);
	print_interfaces(status, out);
	fputc('\n', out);
	print_drops(status, out);
}

static const struct {
	const char *name;
	void (*print)(const json_t *, FILE *);
} views[] = {
	[STATUS_VIEW_STATUS] = {"status", print_status},
	[STATUS_VIEW_PEERS] = {"peers", print_peers},
	[STATUS_VIEW_PORTS] = {"ports", print_ports},
	[STATUS_VIEW_DROPS] = {"drops", print_drops},
	[STATUS_VIEW_DROPS_BY_PORT] = {"drops-by-port", print_drops_by_port},
	[STATUS_VIEW_DROPS_BY_PEER] = {"drops-by-peer", print_drops_by_peer},
	[STATUS_VIEW_FILTER] = {"filter", print_filter},
	[STATUS_VIEW_NAT] = {"nat", print_nat},
};

int
status_view_parse(const char *text, enum status_view *out)
{
	for (unsigned v = 0; v < sizeof(views) / sizeof(views[0]); v++) {
		if (strcmp(views[v].name, text) == 0) {
			*out = (enum status_view)v;
			return 0;
		}
	}
	return -EINVAL;
}

void
status_print(const json_t *status, enum status_view view, FILE *out)
{
	views[view].print(status, out);
}
