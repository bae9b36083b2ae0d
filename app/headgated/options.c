/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static int
add_file(struct options *o, const char *value, struct err *err)
{
	if (o->n_files == OPTIONS_MAX_FILES)
		return err_set(err, -EINVAL, "more than %d config files", OPTIONS_MAX_FILES);
	o->files[o->n_files++] = value;
	return 0;
}

static int
add_port(struct options *o, const char *value, struct err *err)
{
	if (o->n_ports == OPTIONS_MAX_PORTS)
		return err_set(err, -EINVAL, "more than %d --port options", OPTIONS_MAX_PORTS);
	o->ports[o->n_ports++] = value;
	return 0;
}

static int
set_log_level(struct options *o, const char *value, struct err *err)
{
	o->log_level = value;
	return 0;
}

static int
set_crypto(struct options *o, const char *value, struct err *err)
{
	o->crypto = value;
	return 0;
}

static int
set_check(struct options *o, const char *value, struct err *err)
{
	o->is_check = true;
	return 0;
}

static int
set_help(struct options *o, const char *value, struct err *err)
{
	o->is_help = true;
	return 0;
}

static int
set_version(struct options *o, const char *value, struct err *err)
{
	o->is_version = true;
	return 0;
}

static const struct option_row {
	const char *name;
	char letter;
	const char *value; /* what follows, or NULL */
	const char *help;
	int (*take)(struct options *o, const char *value, struct err *err);
} rows[] = {
	{"config", 'c', "FILE", "a config file (wg-quick's dialect); may be repeated", add_file},
	{"port", 0, "NAME=DEVICE", "a port: --port wan=net_af_xdp0,iface=eth1; may be repeated",
		add_port},
	{"log-level", 0, "LEVEL", "error, warn, info or debug", set_log_level},
	{"crypto", 0, "NAME", "force an AEAD backend: ipsecmb or portable", set_crypto},
	{"check", 0, NULL, "read the config, say what is wrong with it, and end", set_check},
	{"help", 'h', NULL, "this text", set_help},
	{"version", 'V', NULL, "the version", set_version},
};

void
options_print_help(void)
{
	printf("headgated - a line-rate gateway for WireGuard and Headscale networks\n\n"
	       "usage: headgated -c FILE [-c FILE]... [--port NAME=DEVICE]... [OPTION]...\n\n");
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		char left[64];
		char letter[8] = "    ";
		if (rows[i].letter)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
		snprintf(left, sizeof(left), "%s--%s %s", letter, rows[i].name,
			rows[i].value ? rows[i].value : "");
		printf("  %-30s %s\n", left, rows[i].help);
	}
	printf("\nIt runs in the foreground and logs to stderr. SIGHUP reloads the config, SIGTERM "
	       "ends it.\n");
}

static const struct option_row *
find(const char *arg, size_t name_bytes)
{
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct option_row *r = &rows[i];
		if (arg[0] == '-' && arg[1] != '-' && r->letter && arg[1] == r->letter && !arg[2])
			return r;
		if (strncmp(arg, "--", 2) == 0 && strlen(r->name) == name_bytes - 2 &&
			strncmp(arg + 2, r->name, name_bytes - 2) == 0)
			return r;
	}
	return NULL;
}

int
options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	memset(o, 0, sizeof(*o));
	for (int i = 1; i < argc; i++) {
		const char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
		size_t name_bytes = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
		const struct option_row *r = name_bytes >= 2 ? find(argv[i], name_bytes) : NULL;
		if (!r)
			return err_set(err, -EINVAL,
				"'%s' is no option of headgated; see headgated --help", argv[i]);
		const char *value = equals ? equals + 1 : NULL;
		if (r->value && !value)
			value = ++i < argc ? argv[i] : NULL;
		if (r->value && !value)
			return err_set(err, -EINVAL, "--%s wants %s after it", r->name, r->value);
		if (!r->value && equals)
			return err_set(err, -EINVAL, "--%s takes no value", r->name);
		int rc = r->take(o, value, err);
		if (rc)
			return rc;
	}
	return 0;
}
