/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static int
set_socket(void *options, const char *value, struct err *err)
{
	((struct options *)options)->whom.socket = value;
	return 0;
}

static int
set_pid(void *options, const char *value, struct err *err)
{
	char *end;
	long pid = strtol(value, &end, 10);
	if (*end || pid < 1 || pid > INT_MAX)
		return err_set(err, -EINVAL, "--pid %s: it is the number of a process", value);
	((struct options *)options)->whom.pid = (pid_t)pid;
	return 0;
}

static int
set_json(void *options, const char *value, struct err *err)
{
	((struct options *)options)->is_json = true;
	return 0;
}

static int
set_dry_run(void *options, const char *value, struct err *err)
{
	((struct options *)options)->is_dry_run = true;
	return 0;
}

static int
set_help(void *options, const char *value, struct err *err)
{
	((struct options *)options)->wants_help = true;
	return 0;
}

static int
set_version(void *options, const char *value, struct err *err)
{
	((struct options *)options)->wants_version = true;
	return 0;
}

static int
set_describe(void *options, const char *value, struct err *err)
{
	((struct options *)options)->wants_description = true;
	return 0;
}

static int
set_by(void *options, const char *value, struct err *err)
{
	if (strcmp(value, "peer") != 0 && strcmp(value, "port") != 0)
		return err_set(err, -EINVAL, "--by %s: it is peer or port", value);
	((struct options *)options)->drops_by = value;
	return 0;
}

static int
set_watch(void *options, const char *value, struct err *err)
{
	((struct options *)options)->is_watch = true;
	return 0;
}

static int
take_number(const char *name, const char *value, uint32_t max, uint32_t *out, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(value, &end, 10);
	if (errno || end == value || *end || value[0] == '-' || n < 1 || n > max)
		return err_set(err, -EINVAL, "%s %s: it is a number from 1 to %u", name, value,
			max);
	*out = (uint32_t)n;
	return 0;
}

static int
set_count(void *options, const char *value, struct err *err)
{
	return take_number("--count", value, UINT32_MAX, &((struct options *)options)->n_pkts, err);
}

static int
set_pings(void *options, const char *value, struct err *err)
{
	return take_number("--c", value, UINT32_MAX, &((struct options *)options)->n_pkts, err);
}

static int
set_until_direct(void *options, const char *value, struct err *err)
{
	((struct options *)options)->is_until_direct = true;
	return 0;
}

static int
set_timeout(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	return take_number("--timeout", value, 1000000, &o->timeout_s, err);
}

static int
set_snap(void *options, const char *value, struct err *err)
{
	return take_number("--snap", value, UINT16_MAX, &((struct options *)options)->snap_bytes,
		err);
}

static int
set_file(void *options, const char *value, struct err *err)
{
	((struct options *)options)->file = value;
	return 0;
}

static int
set_link(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	if (o->n_links == OPTIONS_MAX_LINKS)
		return err_set(err, -EINVAL, "at most %d ports and interfaces can be named",
			OPTIONS_MAX_LINKS);
	o->links[o->n_links++] = value;
	return 0;
}

static int
set_inner(void *options, const char *value, struct err *err)
{
	((struct options *)options)->sides = "inner";
	return 0;
}

static int
set_outer(void *options, const char *value, struct err *err)
{
	((struct options *)options)->sides = "outer";
	return 0;
}

static int
set_both(void *options, const char *value, struct err *err)
{
	((struct options *)options)->sides = "both";
	return 0;
}

static const struct cli_option rows[] = {
	{"--socket", "-s", "PATH", "which headgated to speak to, by its socket", set_socket},
	{"--pid", "-p", "PID", "which headgated to speak to, by its process", set_pid},
	{"--json", "-j", NULL, "print JSON", set_json},
	{"--by", "-b", "peer|port", "which peer they concern, or by which port they came in",
		set_by, "drops"},
	{"--watch", NULL, NULL, "again every second, until it is interrupted", set_watch, "drops"},
	{"--dry-run", "-n", NULL, "only say what would be done", set_dry_run, "restore"},
	{"--number", "-n", "N", "end after so many packets", set_count, "trace"},
	{"--count", "-c", "N", "end after so many packets", set_count, "capture"},
	{"--c", NULL, "N", "ping so many times (default: 10)", set_pings, "ping"},
	{"--until-direct", NULL, NULL, "end at the first answer that came directly",
		set_until_direct, "ping"},
	{"--timeout", "-t", "SECONDS", "end after so many seconds", set_timeout, "trace capture"},
	{"--write", "-w", "FILE", "write a pcapng file, - to the standard output", set_file,
		"capture"},
	{"--interface", "-i", "NAME", "this port or interface; may be repeated (default: all)",
		set_link, "capture"},
	{"--inner", NULL, NULL, "packets inside the cipher, on interfaces", set_inner, "capture"},
	{"--outer", NULL, NULL, "frames outside of it, on ports", set_outer, "capture"},
	{"--both", NULL, NULL, "both, the default", set_both, "capture"},
	{"--snap", "-s", "BYTES", "as much of each packet (default: all of it)", set_snap,
		"capture"},
	{"--help", "-h", NULL, "print this and end", set_help},
	{"--version", "-V", NULL, "print the version and end", set_version},
	{"--describe", NULL, NULL, "print all commands, options and config keys as JSON and end",
		set_describe},
};

const struct cli headgate_cli = {"headgate", rows, ARRAY_COUNT(rows)};

int
options_parse(struct options *o, char **argv, struct err *err)
{
	struct cli_args args;
	*o = (struct options){0};
	int rc = cli_parse(&headgate_cli, o, argv, &args, err);
	if (!rc && args.n_words)
		rc = cli_check_command(&headgate_cli, &args, args.words[0], err);
	o->words = args.words;
	o->n_words = args.n_words;
	return rc;
}
