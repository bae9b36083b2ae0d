/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/aead_names.h"

static int
add_file(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	if (o->n_files == OPTIONS_MAX_FILES)
		return err_set(err, -EINVAL, "more than %d config files", OPTIONS_MAX_FILES);
	o->files[o->n_files++] = value;
	return 0;
}

static int
add_port(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	if (o->n_ports == OPTIONS_MAX_PORTS)
		return err_set(err, -EINVAL, "more than %d --port options", OPTIONS_MAX_PORTS);
	o->ports[o->n_ports++] = value;
	return 0;
}

static int
set_log_level(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	o->log_level = value;
	return 0;
}

static int
set_crypto(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	if (strcmp(value, "auto") != 0 && !aead_name_is_known(value))
		return err_set(err, -EINVAL, "--crypto %.64s: it is %s", value, AEAD_WISHES);
	o->crypto = value;
	return 0;
}

static int
set_check(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	o->is_check = true;
	return 0;
}

static int
set_help(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	o->is_help = true;
	return 0;
}

static int
set_version(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	o->is_version = true;
	return 0;
}

static int
set_describe(void *options, const char *value, struct err *err)
{
	struct options *o = options;
	o->is_describe = true;
	return 0;
}

static const struct cli_option rows[] = {
	{"--config", "-c", "FILE", "a config file (wg-quick's dialect); may be repeated", add_file},
	{"--port", NULL, "NAME=DEVICE",
		"a port: --port wan=net_af_xdp0,iface=eth1; may be repeated", add_port},
	{"--log-level", NULL, "LEVEL", "error, warn, info or debug", set_log_level},
	{"--crypto", NULL, "NAME",
		"the AEAD backend, whatever the config says: " AEAD_WISHES, set_crypto},
	{"--check", NULL, NULL, "read the config, say what is wrong with it, and end", set_check},
	{"--help", "-h", NULL, "print this and end", set_help},
	{"--version", "-V", NULL, "print the version and end", set_version},
	{"--describe", NULL, NULL, "print all options as JSON and end", set_describe},
};

const struct cli headgated_cli = {"headgated", rows, ARRAY_COUNT(rows)};

void
options_print_help(void)
{
	printf("Usage: headgated -c FILE [-c FILE]... [--port NAME=DEVICE]... [OPTION]...\n"
	       "A line-rate gateway for WireGuard networks.\n\nOptions:\n");
	cli_print(&headgated_cli, stdout);
	printf("\nIt runs in the foreground and logs to standard error. SIGHUP reads the config\n"
	       "again, SIGTERM ends it. Ask it with headgate(1).\n"
	       "Exit code: 0 ended as asked, 1 failed, 2 not understood.\n");
}

int
options_parse(struct options *o, char **argv, struct err *err)
{
	struct cli_args args;
	*o = (struct options){0};
	int rc = cli_parse(&headgated_cli, o, argv, &args, err);
	if (!rc && args.n_words)
		rc = err_set(err, -EINVAL, "%s: a config file comes as -c %s; see headgated --help",
			args.words[0], args.words[0]);
	return rc;
}
