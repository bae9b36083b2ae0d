/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <errno.h>

#include "intent/intent.h"
#include "source/config.h"
#include "source/headscale_files.h"

int
check_files(char *const *files, int n_files, json_t **warnings, struct err *err)
{
	struct intent *it = intent_create();
	*warnings = json_array();
	int rc = it && *warnings ? 0 : err_set(err, -ENOMEM, "no memory");
	for (int i = 0; !rc && i < n_files; i++)
		rc = config_load(it, files[i], err);
	if (!rc)
		rc = intent_check(it, err);
	if (!rc)
		rc = headscale_files_check(it, err);
	for (size_t i = 0; it && i < it->n_warnings; i++)
		json_array_append_new(*warnings, json_string(it->warnings[i]));
	intent_destroy(it);
	return rc;
}
