/* SPDX-License-Identifier: BSD-3-Clause */
#include "restore.h"

#include <stdio.h>

#include "host/restore.h"

static void
say(void *ctx, const char *text)
{
	puts(text);
}

static void
say_nothing(const struct restore_found *found)
{
	if (found->n_files)
		return;
	printf("nothing to restore%s\n", found->n_living ?
		": headgated runs, and gives back what it took up when it ends" : "");
}

int
restore_all(bool is_dry_run, struct err *err)
{
	static const struct restore_listener listener = {.say = say};
	struct restore_found found;
	int rc = restore_leftovers(RESTORE_DIRECTORY, is_dry_run, &listener, &found, err);
	if (found.n_elsewhere)
		printf("left alone: what was taken in other network namespaces (%u); run this "
			"in them\n", found.n_elsewhere);
	if (!rc)
		say_nothing(&found);
	return rc;
}
