/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/netfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/child.h"
#include "host/nft.h"

enum {
	TIMEOUT_MS = 10000,
	MAX_TEXT_BYTES = 16 << 20,
	MAX_DEPTH = 24,
};

struct search {
	const char *const *devices;
	unsigned n_devices;
	json_t *reached; /* "family table chain", passed by forwarded or translated packets */
	bool has_grown;
	bool drops_by_default; /* a forward chain does: then an accept is an exception */
};

/* Whether a name in a rule means the device; "hg*" and iptables' "hg+" mean all that start so. */
static bool
means(const char *name, const char *device)
{
	size_t n = strlen(name);
	if (n && (name[n - 1] == '*' || name[n - 1] == '+'))
		return n > 1 && strncmp(name, device, n - 1) == 0;
	return strcmp(name, device) == 0;
}

static const char *
device_meant(const struct search *s, const char *name)
{
	for (unsigned i = 0; i < s->n_devices; i++) {
		if (means(name, s->devices[i]))
			return s->devices[i];
	}
	return NULL;
}

static int
refuse(const char *device, const char *where, struct err *err)
{
	return err_set(err, -EPERM,
		"netfilter rules name %s (%s), but packets between tunnels and ports do not pass "
		"netfilter; state such rules in headgate's own filter and delete them, or set "
		"Netfilter = ignore if they are meant for other traffic",
		device, where);
}

/* A device of ours among the strings of a value: a name, a set, a range, a prefix. */
static const char *
device_in_value(const struct search *s, const json_t *v, unsigned depth)
{
	const char *key, *found = NULL;
	json_t *child;
	size_t i;
	if (json_is_string(v))
		return device_meant(s, json_string_value(v));
	if (depth >= MAX_DEPTH)
		return NULL;
	json_array_foreach((json_t *)(uintptr_t)v, i, child) {
		found = found ? found : device_in_value(s, child, depth + 1);
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, child) {
		found = found ? found : device_in_value(s, child, depth + 1);
	}
	return found;
}

/* Whether a statement says anything of the devices that a packet comes or goes by. */
static bool
speaks_of_devices(const json_t *v, unsigned depth)
{
	const char *key;
	json_t *child;
	size_t i;
	bool does = false;
	const char *meta = json_string_value(json_object_get(json_object_get(v, "meta"), "key"));
	if (meta && (strstr(meta, "iif") || strstr(meta, "oif") || strstr(meta, "ibrname")))
		return true;
	if (depth >= MAX_DEPTH)
		return false;
	json_array_foreach((json_t *)(uintptr_t)v, i, child) {
		does = does || speaks_of_devices(child, depth + 1);
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, child) {
		does = does || speaks_of_devices(child, depth + 1);
	}
	return does;
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text ? text : "";
}

/* Notes that forwarded or translated packets pass the chain. */
static void
reach(struct search *s, const json_t *o, const char *chain)
{
	char name[400];
	snprintf(name, sizeof(name), "%s %s %s", text_of(o, "family"), text_of(o, "table"), chain);
	if (json_object_get(s->reached, name))
		return;
	s->has_grown = true;
	if (json_object_set_new(s->reached, name, json_true()))
		s->has_grown = false;
}

static bool
is_reached(const struct search *s, const json_t *rule)
{
	char name[400];
	snprintf(name, sizeof(name), "%s %s %s", text_of(rule, "family"), text_of(rule, "table"),
		text_of(rule, "chain"));
	return json_object_get(s->reached, name);
}

static void
reach_base_chain(struct search *s, const json_t *chain)
{
	if (strcmp(text_of(chain, "hook"), "forward") == 0 ||
		strcmp(text_of(chain, "type"), "nat") == 0)
		reach(s, chain, text_of(chain, "name"));
	if (strcmp(text_of(chain, "hook"), "forward") == 0 &&
		strcmp(text_of(chain, "policy"), "drop") == 0)
		s->drops_by_default = true;
}

/* Follows a rule's jumps and gotos, those in verdict maps too. */
static void
reach_targets(struct search *s, const json_t *rule, const json_t *v, unsigned depth)
{
	const char *key;
	json_t *child;
	size_t i;
	if (depth >= MAX_DEPTH)
		return;
	json_array_foreach((json_t *)(uintptr_t)v, i, child) {
		reach_targets(s, rule, child, depth + 1);
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, child) {
		if (strcmp(key, "jump") == 0 || strcmp(key, "goto") == 0)
			reach(s, rule, text_of(child, "target"));
		reach_targets(s, rule, child, depth + 1);
	}
}

/* Marks all chains that can be reached; ends, since each pass but the last marks a new one. */
static void
reach_all(struct search *s, const json_t *list)
{
	json_t *item;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)list, i, item) {
		reach_base_chain(s, json_object_get(item, "chain"));
	}
	do {
		s->has_grown = false;
		json_array_foreach((json_t *)(uintptr_t)list, i, item) {
			const json_t *rule = json_object_get(item, "rule");
			if (rule && is_reached(s, rule))
				reach_targets(s, rule, json_object_get(rule, "expr"), 0);
		}
	} while (s->has_grown);
}

/* A rule that only lets pass what passes anyway may as well not be asked. */
static bool
changes_nothing(const struct search *s, const json_t *rule)
{
	bool accepts = false;
	json_t *statement;
	size_t i;
	json_array_foreach(json_object_get(rule, "expr"), i, statement) {
		if (json_object_get(statement, "accept"))
			accepts = true;
		else if (!json_object_get(statement, "match") &&
			!json_object_get(statement, "counter"))
			return false;
	}
	return accepts && !s->drops_by_default;
}

static int
check_rule(const struct search *s, const json_t *rule, struct err *err)
{
	json_t *statement;
	char where[400];
	size_t i;
	if (changes_nothing(s, rule))
		return 0;
	json_array_foreach(json_object_get(rule, "expr"), i, statement) {
		if (!speaks_of_devices(statement, 0))
			continue;
		const char *device = device_in_value(s, statement, 0);
		if (!device)
			continue;
		snprintf(where, sizeof(where), "nftables: family %s, table %s, chain %s, handle %d",
			text_of(rule, "family"), text_of(rule, "table"), text_of(rule, "chain"),
			(int)json_integer_value(json_object_get(rule, "handle")));
		return refuse(device, where, err);
	}
	return 0;
}

int
netfilter_find_in_nft(const char *json, const char *const devices[], unsigned n_devices,
	struct err *err)
{
	struct search s = {.devices = devices, .n_devices = n_devices, .reached = json_object()};
	json_error_t bad;
	json_t *item, *root = json_loads(json, 0, &bad);
	json_t *list = json_object_get(root, "nftables");
	size_t i;
	int rc = 0;
	if (!s.reached || !json_is_array(list)) {
		rc = err_set(err, -EPROTO, "cannot read what `nft -j list ruleset` prints: %s",
			root ? "it is no list of rules" : bad.text);
	} else {
		reach_all(&s, list);
	}
	json_array_foreach(list, i, item) {
		const json_t *rule = json_object_get(item, "rule");
		if (rc == 0 && rule && is_reached(&s, rule))
			rc = check_rule(&s, rule, err);
	}
	json_decref(s.reached);
	json_decref(root);
	return rc;
}

/* The next word of a line, or NULL. */
static char *
next_word(char **rest)
{
	char *word = strtok_r(NULL, " \t", rest);
	return word;
}

/* One "-A CHAIN …" line. Chains of one's own count as forwarded: rarely is one for input only. */
static const char *
device_in_line(const struct search *s, char *line, bool is_nat)
{
	bool accepts = !is_nat && !s->drops_by_default && strstr(line, " -j ACCEPT");
	char *rest, *word = strtok_r(line, " \t", &rest);
	if (accepts || !word || strcmp(word, "-A") != 0)
		return NULL;
	const char *chain = next_word(&rest);
	if (!chain || (!is_nat && (strcmp(chain, "INPUT") == 0 || strcmp(chain, "OUTPUT") == 0)))
		return NULL;
	while ((word = next_word(&rest))) {
		if (strcmp(word, "-i") != 0 && strcmp(word, "-o") != 0)
			continue;
		const char *name = next_word(&rest);
		const char *device = name ? device_meant(s, name) : NULL;
		if (device)
			return device;
	}
	return NULL;
}

int
netfilter_find_in_iptables(const char *text, const char *const devices[], unsigned n_devices,
	struct err *err)
{
	struct search s = {.devices = devices, .n_devices = n_devices};
	bool is_nat = false;
	while (*text) {
		char line[1024], where[256];
		size_t n = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)MIN_OF(n, sizeof(line) - 1), text);
		text += n + (text[n] == '\n');
		if (line[0] == '*')
			is_nat = strcmp(line, "*nat") == 0;
		if (strncmp(line, ":FORWARD DROP", 13) == 0)
			s.drops_by_default = true;
		snprintf(where, sizeof(where), "legacy iptables: %.200s", line);
		const char *device = device_in_line(&s, line, is_nat);
		if (device)
			return refuse(device, where, err);
	}
	return 0;
}

/* Legacy iptables is in use in this network namespace when it has a table. */
static bool
has_legacy_tables(const char *names_path)
{
	char c;
	int fd = open(names_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, &c, 1);
	close(fd);
	return n > 0;
}

static int
check_legacy(const char *const devices[], unsigned n_devices, struct err *err)
{
	static const struct {
		const char *names_path, *program;
	} rows[] = {
		{"/proc/net/ip_tables_names", "iptables-legacy-save"},
		{"/proc/net/ip6_tables_names", "ip6tables-legacy-save"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const char *argv[] = {rows[i].program, NULL};
		struct child_run run = {.argv = argv, .max_output_bytes = MAX_TEXT_BYTES,
			.timeout_ms = TIMEOUT_MS};
		char *text;
		if (!has_legacy_tables(rows[i].names_path))
			continue;
		int rc = child_run(&run, &text, err);
		if (rc == -ENOENT) {
			log_warn("legacy iptables tables are in use, and %s is not there to show "
				"them: not checked", rows[i].program);
			continue;
		}
		if (rc == 0)
			rc = netfilter_find_in_iptables(text, devices, n_devices, err);
		free(text);
		if (rc)
			return rc;
	}
	return 0;
}

int
netfilter_check(const char *const devices[], unsigned n_devices, struct err *err)
{
	char *json;
	int rc = nft_list(&json, err);
	if (rc == 0) {
		rc = netfilter_find_in_nft(json, devices, n_devices, err);
		free(json);
	} else if (rc == -ENOENT) {
		log_debug("nft is not installed: nftables not checked");
		rc = 0;
	}
	return rc ? rc : check_legacy(devices, n_devices, err);
}
