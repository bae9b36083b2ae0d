/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/resolvconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "host/child.h"

enum {
	TIMEOUT_MS = 10000,
	MAX_OUTPUT_BYTES = 64 << 10,
	MAX_WORDS = 300,
	RECORD_BYTES = 64,
};

enum keeper {
	KEEPER_NONE,
	KEEPER_RESOLVCONF,
	KEEPER_RESOLVED,
};

static bool
has_program(const char *name)
{
	static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
		"/usr/bin", "/sbin", "/bin"};
	char path[64];
	for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static enum keeper
find_keeper(void)
{
	if (has_program("resolvconf"))
		return KEEPER_RESOLVCONF;
	if (has_program("resolvectl") && access("/run/systemd/resolve/resolv.conf", F_OK) == 0)
		return KEEPER_RESOLVED;
	return KEEPER_NONE;
}

/*
 * Debian's own resolvconf orders records by name; where its list has a pattern such as "tun*", a
 * record of that kind comes first. openresolv has no such list and needs none, with -m 0 and -x.
 */
static const char *
record_of(const char *link, char out[RECORD_BYTES])
{
	char line[64], kind[32] = "";
	FILE *f = fopen("/etc/resolvconf/interface-order", "re");
	while (f && !kind[0] && fgets(line, sizeof(line), f)) {
		size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-");
		if (n && n < sizeof(kind) && strcmp(line + n, "*\n") == 0)
			snprintf(kind, sizeof(kind), "%.*s.", (int)n, line);
	}
	if (f)
		fclose(f);
	snprintf(out, RECORD_BYTES, "%s%s", kind, link);
	return out;
}

static int
run(const char *const *argv, const char *input, struct err *err)
{
	char *output = NULL;
	const struct child_run r = {.argv = argv, .input = input,
		.max_output_bytes = MAX_OUTPUT_BYTES, .timeout_ms = TIMEOUT_MS};
	int rc = child_run(&r, &output, err);
	free(output);
	return rc;
}

/* Calls back with each item of the list; it ends with the first that fails. */
static int
each(const char *dns, int (*take)(void *ctx, const char *item, bool is_address), void *ctx)
{
	int rc = 0;
	while (*dns && !rc) {
		char item[256];
		struct addr a;
		size_t n = strcspn(dns, ",");
		if (n >= sizeof(item))
			return -EINVAL;
		memcpy(item, dns, n);
		item[n] = 0;
		rc = take(ctx, item, addr_parse(item, &a) == 0);
		dns += n + (dns[n] == ',');
	}
	return rc;
}

/* ---- resolvconf ---- */

struct record {
	FILE *f;
	bool wants_address;
	unsigned n;
};

static int
print_item(void *ctx, const char *item, bool is_address)
{
	struct record *r = ctx;
	if (is_address != r->wants_address)
		return 0;
	if (is_address)
		fprintf(r->f, "nameserver %s\n", item);
	else
		fprintf(r->f, "%s %s", r->n++ ? "" : "search", item);
	return 0;
}

static int
resolvconf_add(const char *link, const char *dns, struct err *err)
{
	char record[RECORD_BYTES], *text = NULL;
	size_t n;
	struct record r = {.f = open_memstream(&text, &n), .wants_address = true};
	if (!r.f)
		return err_set(err, -ENOMEM, "no memory for the name servers of %s", link);
	each(dns, print_item, &r);
	r.wants_address = false;
	each(dns, print_item, &r);
	if (r.n)
		fputc('\n', r.f);
	const char *const argv[] = {"resolvconf", "-a", record_of(link, record), "-m", "0", "-x",
		NULL};
	int rc = fclose(r.f) ? err_set(err, -ENOMEM, "no memory for the name servers of %s", link) :
		run(argv, text, err);
	free(text);
	return rc;
}

/* ---- systemd-resolved ---- */

struct words {
	const char *argv[MAX_WORDS + 1];
	char *owned[MAX_WORDS];
	unsigned n, n_owned;
	bool wants_address;
};

static int
add_word(void *ctx, const char *item, bool is_address)
{
	struct words *w = ctx;
	if (is_address != w->wants_address)
		return 0;
	char *copy = w->n < MAX_WORDS ? strdup(item) : NULL;
	if (!copy)
		return -ENOMEM;
	w->owned[w->n_owned++] = copy;
	w->argv[w->n++] = copy;
	return 0;
}

static int
resolvectl(const char *verb, const char *link, const char *dns, struct err *err)
{
	struct words w = {.argv = {"resolvectl", verb, link}, .n = 3,
		.wants_address = strcmp(verb, "dns") == 0};
	/* All names, whatever the search domains, are this link's to resolve: wg-quick's -x. */
	if (!w.wants_address)
		w.argv[w.n++] = "~.";
	int rc = each(dns, add_word, &w);
	bool is_question = w.n == 3; /* without a value it would only show */
	if (rc)
		err_set(err, rc, "too many name servers for %s", link);
	else if (!is_question)
		rc = run(w.argv, NULL, err);
	for (unsigned i = 0; i < w.n_owned; i++)
		free(w.owned[i]);
	return rc;
}

/* ---- Either ---- */

int
resolvconf_find(struct err *err)
{
	if (find_keeper() != KEEPER_NONE)
		return 0;
	return err_set(err, -ENOENT,
		"there is neither resolvconf nor systemd-resolved to give it to: install "
		"openresolv, or take the line out");
}

int
resolvconf_set(const char *link, const char *dns, struct err *err)
{
	int rc;
	switch (find_keeper()) {
	case KEEPER_RESOLVCONF:
		rc = resolvconf_add(link, dns, err);
		break;
	case KEEPER_RESOLVED:
		rc = resolvectl("dns", link, dns, err);
		rc = rc ? rc : resolvectl("domain", link, dns, err);
		break;
	default:
		rc = resolvconf_find(err);
	}
	return rc ? err_prefix(err, rc, "DNS of %s", link) : 0;
}

int
resolvconf_unset(const char *link, struct err *err)
{
	char record[RECORD_BYTES];
	const char *const del[] = {"resolvconf", "-d", record_of(link, record), "-f", NULL};
	const char *const revert[] = {"resolvectl", "revert", link, NULL};
	switch (find_keeper()) {
	case KEEPER_RESOLVCONF:
		return run(del, NULL, err);
	case KEEPER_RESOLVED:
		return run(revert, NULL, err);
	default:
		return resolvconf_find(err);
	}
}

const char *
resolvconf_undo(const char *link, char out[RESOLVCONF_COMMAND_BYTES])
{
	char record[RECORD_BYTES];
	if (find_keeper() == KEEPER_RESOLVED)
		snprintf(out, RESOLVCONF_COMMAND_BYTES, "resolvectl revert %s", link);
	else
		snprintf(out, RESOLVCONF_COMMAND_BYTES, "resolvconf -d %s -f",
			record_of(link, record));
	return out;
}
