/* SPDX-License-Identifier: BSD-3-Clause */
#include "describe.h"

#include "options.h"
#include "source/config.h"
#include "telemetry/drop.h"

static void
add_key(void *keys, const struct config_help *h)
{
	json_array_append_new(keys,
		json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s, s:s}", "section", h->section, "argument",
			h->argument, "section_help", h->section_help, "key", h->key, "expects",
			h->expects, "example", h->example, "help", h->help));
}

static json_t *
describe_drops(void)
{
	json_t *drops = json_array();
	for (unsigned r = 0; drops && r < DROP_REASONS; r++) {
		json_array_append_new(drops, json_pack("{s:s, s:s}", "name",
						     drop_name((enum drop_reason)r), "why",
						     drop_why((enum drop_reason)r)));
	}
	return drops;
}

json_t *
describe(json_t *commands)
{
	json_t *keys = json_array();
	if (keys)
		config_describe(add_key, keys);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "program", "headgate", "version",
		HEADGATE_VERSION, "options", cli_describe(&headgate_cli), "commands", commands,
		"keys", keys, "drops", describe_drops());
}
