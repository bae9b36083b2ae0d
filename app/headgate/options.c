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

static const struct cli_option rows[] = {
	{"--socket", "-s", "PATH", "which headgated to speak to, by its socket", set_socket},
	{"--pid", "-p", "PID", "which headgated to speak to, by its process", set_pid},
	{"--json", "-j", NULL, "print JSON", set_json},
	{"--by", "-b", "peer|port", "which peer they concern, or by which port they came in",
		set_by, "drops"},
	{"--watch", NULL, NULL, "again every second, until it is interrupted", set_watch, "drops"},
	{"--dry-run", "-n", NULL, "only say what would be done", set_dry_run, "restore"},
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
