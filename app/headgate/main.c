/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * headgate: the command line. It asks a running headgated over its control socket and prints the
 * answer, for people or as JSON. Exit codes: 0 done, 1 failed, 2 not understood.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "capture.h"
#include "check.h"
#include "client.h"
#include "describe.h"
#include "intent/status_print.h"
#include "netcheck.h"
#include "options.h"
#include "ping.h"
#include "base/nearest.h"
#include "restore.h"
#include "trace.h"
#include "whois.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct subcommand {
	const char *name;
	const char *words; /* what may follow */
	const char *help;
	int (*run)(const struct subcommand *self, const struct options *o);
	const char *json_part; /* of the status, for --json; NULL: all of it */
};

static int
fail(const char *text)
{
	fprintf(stderr, "headgate: %s\n", text);
	return EXIT_FAILED;
}

static int
misuse(const char *text)
{
	fprintf(stderr, "headgate: %s\n", text);
	return EXIT_USAGE;
}

static void
print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

/* What of the status is shown: as a table, and its field (NULL: all) as JSON. */
struct part {
	enum status_view view;
	const char *field;
};

/* Asks and shows the part. An exit code. */
static int
show_part(const struct subcommand *self, const struct options *o, const struct part *part)
{
	struct err err;
	json_t *status;
	if (o->n_words > 1)
		return misuse("nothing may follow this command but options; see headgate --help");
	if (client_ask(&o->whom, self->name, &status, &err))
		return fail(err.text);
	const json_t *refusal = json_object_get(status, "error");
	if (refusal)
		fail(json_string_value(refusal) ? json_string_value(refusal) : "refused");
	else if (o->is_json)
		print_json(part->field ? json_object_get(status, part->field) : status);
	else
		status_print(status, part->view, stdout);
	json_decref(status);
	return refusal ? EXIT_FAILED : EXIT_DONE;
}

/* status, peers, ports, filter, nat: one answer, of which each shows its part. */
static int
show(const struct subcommand *self, const struct options *o)
{
	struct part part = {.field = self->json_part};
	(void)status_view_parse(self->name, &part.view);
	return show_part(self, o, &part);
}

static int
drops(const struct subcommand *self, const struct options *o)
{
	struct part part = {STATUS_VIEW_DROPS, self->json_part};
	if (o->drops_by && strcmp(o->drops_by, "peer") == 0)
		part = (struct part){STATUS_VIEW_DROPS_BY_PEER, "drops_by_peer"};
	else if (o->drops_by)
		part = (struct part){STATUS_VIEW_DROPS_BY_PORT, "drops_by_port"};
	int code = show_part(self, o, &part);
	while (o->is_watch && code == EXIT_DONE && fflush(stdout) == 0) {
		sleep(1);
		/* On a screen each stands in the place of the one before. */
		fputs(isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "\n", stdout);
		code = show_part(self, o, &part);
	}
	return code;
}

static int
report(const json_t *answer, const struct options *o, const char *good)
{
	bool is_good = json_is_true(json_object_get(answer, "ok"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	if (o->is_json)
		print_json(answer);
	else if (!is_good)
		fail(error ? error : "headgated refused, without saying why: see its log");
	else
		puts(good);
	return is_good ? EXIT_DONE : EXIT_FAILED;
}

static int
reload(const struct subcommand *self, const struct options *o)
{
	struct err err;
	json_t *answer;
	char good[96] = "reloaded: nothing had changed";
	if (o->n_words > 1)
		return misuse("reload takes no word: headgated reads the files it started with");
	if (client_ask(&o->whom, self->name, &answer, &err))
		return fail(err.text);
	long long n = json_integer_value(json_object_get(answer, "changes"));
	long long later = json_integer_value(json_object_get(answer, "restart"));
	if (n || later)
		snprintf(good, sizeof(good), "reloaded: changes applied: %lld%s", n, later ?
			"; others wait for a restart: see the log" : "");
	int code = report(answer, o, good);
	json_decref(answer);
	return code;
}

static int
check_running(const struct subcommand *self, const struct options *o)
{
	struct err err;
	json_t *answer;
	if (client_ask(&o->whom, self->name, &answer, &err))
		return fail(err.text);
	int code = report(answer, o, "the files of the running headgated: good");
	json_decref(answer);
	return code;
}

/* up, down, logout: it is begun when this returns, and the status tells how it goes on. */
static int
wish(const struct subcommand *self, const struct options *o)
{
	struct err err;
	json_t *answer;
	if (o->n_words > 1)
		return misuse("no word may follow this command; see headgate --help");
	if (client_ask(&o->whom, self->name, &answer, &err))
		return fail(err.text);
	int code = report(answer, o, "begun: headgate status tells how it goes on");
	json_decref(answer);
	return code;
}

static void
print_owner(const json_t *peer)
{
	size_t i;
	const json_t *prefix;
	const char *name = json_string_value(json_object_get(peer, "name"));
	const char *endpoint = json_string_value(json_object_get(peer, "endpoint"));
	printf("%s\n  public key: %s\n  endpoint: %s\n  allowed ips:", name && *name ? name :
		"(no name)", json_string_value(json_object_get(peer, "public_key")),
		endpoint ? endpoint : "-");
	json_array_foreach(json_object_get(peer, "allowed_ips"), i, prefix)
	{
		printf(" %s", json_string_value(prefix));
	}
	putchar('\n');
}

static int
whois(const struct subcommand *self, const struct options *o)
{
	struct err err;
	json_t *status;
	if (o->n_words != 2)
		return misuse("whois takes an IP address or the name of a peer");
	if (client_ask(&o->whom, "status", &status, &err))
		return fail(err.text);
	const json_t *peer = whois_find(status, o->words[1]);
	if (!peer)
		fail("that is no peer's");
	else if (o->is_json)
		print_json(peer);
	else
		print_owner(peer);
	int code = peer ? EXIT_DONE : EXIT_FAILED;
	json_decref(status);
	return code;
}

static void
print_good(const struct options *o, const json_t *warnings)
{
	size_t i;
	const json_t *warning;
	json_array_foreach(warnings, i, warning)
	{
		fprintf(stderr, "note: %s\n", json_string_value(warning));
	}
	for (int f = 1; f < o->n_words; f++)
		printf("%s: good\n", o->words[f]);
}

static int
check(const struct subcommand *self, const struct options *o)
{
	struct err err;
	json_t *warnings;
	if (o->n_words < 2)
		return check_running(self, o);
	int rc = check_files(o->words + 1, o->n_words - 1, &warnings, &err);
	if (o->is_json) {
		json_t *j = json_pack("{s:b, s:O}", "ok", !rc, "warnings", warnings);
		if (j && rc)
			json_object_set_new(j, "error", json_string(err.text));
		print_json(j);
		json_decref(j);
	} else if (rc) {
		fail(err.text);
	} else {
		print_good(o, warnings);
	}
	json_decref(warnings);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static int
restore(const struct subcommand *self, const struct options *o)
{
	struct err err;
	if (o->n_words > 1)
		return misuse("no word may follow restore; see headgate --help");
	return restore_all(o->is_dry_run, &err) ? fail(err.text) : EXIT_DONE;
}

static int
trace(const struct subcommand *self, const struct options *o)
{
	struct err err;
	return trace_run(o, &err) ? fail(err.text) : EXIT_DONE;
}

static int
capture(const struct subcommand *self, const struct options *o)
{
	struct err err;
	return capture_run(o, &err) ? fail(err.text) : EXIT_DONE;
}

static int
ping(const struct subcommand *self, const struct options *o)
{
	struct err err;
	if (o->n_words != 2)
		return misuse("ping takes the IP address or the name of a node");
	return ping_run(o, &err) ? fail(err.text) : EXIT_DONE;
}

static int
netcheck(const struct subcommand *self, const struct options *o)
{
	struct err err;
	return netcheck_run(o, &err) ? fail(err.text) : EXIT_DONE;
}

static const struct subcommand subcommands[] = {
	{"status", "", "everything at a glance", show, NULL},
	{"peers", "", "who is connected, by interface", show, "interfaces"},
	{"ports", "", "the NICs and their counters", show, "ports"},
	{"drops", "", "packets dropped, by reason, peer or port, and how many a second", drops,
		"drops"},
	{"filter", "", "the access rules, how often each has allowed something, flows, and what "
		"nodes of a tailnet may reach", show, "filter"},
	{"nat", "", "networks to which source addresses are translated, and flows", show, "nat"},
	{"trace", "[FILTER...]", "what becomes of the next packets; FILTER: pairs of peer, "
		"address, port, reason, verdict or stage and a value", trace, NULL},
	{"capture", "[FILTER...]", "packets into a pcapng file, before and after the cipher; "
		"FILTER: as for tcpdump", capture, NULL},
	{"reload", "", "read the config files again and apply what changed", reload, NULL},
	{"check", "[FILE...]", "whether config files are good; without one, the daemon's own",
		check, NULL},
	{"whois", "ADDRESS", "which peer has that IP address, or that name", whois, NULL},
	{"ping", "NODE", "whether a node of the tailnet answers directly, and after how long",
		ping, NULL},
	{"up", "", "join the tailnet of [Headscale] again", wish, NULL},
	{"down", "", "leave the tailnet until up or a restart; still a node of it", wish, NULL},
	{"logout", "", "be a node of the tailnet no longer, until up or a restart", wish, NULL},
	{"netcheck", "", "how the world sees our port: public endpoint, NAT, nearest relays",
		netcheck, NULL},
	{"restore", "", "give back what a headgated that was killed had taken",
		restore, NULL},
};

static void
print_help(FILE *out)
{
	fputs("Usage: headgate [OPTION]... COMMAND\n"
	      "Asks a running headgated, the WireGuard gateway, and prints what it says.\n\n"
	      "Commands:\n", out);
	for (size_t i = 0; i < ARRAY_COUNT(subcommands); i++)
		fprintf(out, "  %-8s %-11s %s\n", subcommands[i].name, subcommands[i].words,
			subcommands[i].help);
	fputs("\nOptions:\n", out);
	cli_print(&headgate_cli, out);
	fputs("\nWithout --socket it speaks to the only headgated with a socket in "
	      CLIENT_DIRECTORY ".\nExit code: 0 done, 1 failed, 2 not understood.\n", out);
}

static int
describe_all(void)
{
	json_t *commands = json_array();
	for (size_t i = 0; commands && i < ARRAY_COUNT(subcommands); i++) {
		const struct subcommand *s = &subcommands[i];
		json_array_append_new(commands, json_pack("{s:s, s:s, s:s}", "name", s->name,
							"words", s->words, "help", s->help));
	}
	json_t *all = describe(commands);
	if (!all)
		return fail("no memory");
	print_json(all);
	json_decref(all);
	return EXIT_DONE;
}

static int
run(const struct options *o)
{
	struct err err;
	for (size_t i = 0; i < ARRAY_COUNT(subcommands); i++) {
		if (strcmp(subcommands[i].name, o->words[0]) == 0)
			return subcommands[i].run(&subcommands[i], o);
	}
	const char *near = nearest_name(o->words[0], &subcommands[0].name,
		ARRAY_COUNT(subcommands), sizeof(*subcommands));
	if (near)
		err_set(&err, 0, "there is no command %s; did you mean %s?", o->words[0], near);
	else
		err_set(&err, 0, "there is no command %s; see headgate --help", o->words[0]);
	return misuse(err.text);
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err err;
	if (options_parse(&o, argv, &err))
		return misuse(err.text);
	if (o.wants_version) {
		printf("headgate %s\n", HEADGATE_VERSION);
		return EXIT_DONE;
	}
	if (o.wants_description)
		return describe_all();
	if (o.wants_help || !o.n_words) {
		print_help(o.wants_help ? stdout : stderr);
		return o.wants_help ? EXIT_DONE : EXIT_USAGE;
	}
	int code = run(&o);
	if (fflush(stdout) || ferror(stdout))
		return fail("cannot write the output");
	return code;
}
