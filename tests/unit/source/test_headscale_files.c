/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of [Headscale] in a scratch folder: good, missing, too open, of no use. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale_files.h"

#define PEM "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"

static char folder[64];

struct file {
	const char *text; /* NULL: there is none */
	mode_t mode;
};

struct row {
	struct file key, ca, state;
	const char *state_folder;
	int rc;
	const char *sentence; /* the error's, or the only note's; NULL: neither */
};

static const struct file none, good_key = {"tskey-auth-x\n", 0600}, good_ca = {PEM, 0644},
	good_state = {"{}", 0600};

static const char *
make_file(const struct file *f, const char *name, char path[HEADSCALE_TEXT_BYTES])
{
	snprintf(path, HEADSCALE_TEXT_BYTES, "%s/%s", folder, name);
	unlink(path);
	if (f->text) {
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(f->text, out);
		fclose(out);
		assert_int_equal(chmod(path, f->mode), 0);
	}
	return path;
}

static void
check_row(const struct row *row)
{
	struct err err = {0};
	struct intent *it = intent_create();
	struct interface_intent *i = intent_interface_add(it, "hg0");
	struct headscale_intent *h = i->headscale = headscale_intent_create();
	make_file(&row->key, "key", h->auth_key_file);
	make_file(&row->ca, "ca", h->ca_file);
	make_file(&row->state, "state", h->state_file);
	if (row->state_folder)
		snprintf(h->state_file, sizeof(h->state_file), "%s/%s", folder, row->state_folder);
	assert_int_equal(headscale_files_check(it, &err), row->rc);
	const char *said = row->rc ? err.text : it->n_warnings ? it->warnings[0] : NULL;
	if (!row->sentence)
		assert_null(said);
	else if (!said || !strstr(said, row->sentence))
		fail_msg("%s, not %s", said ? said : "nothing", row->sentence);
	intent_destroy(it);
}

static void
files(void **state)
{
	const struct row rows[] = {
		{good_key, good_ca, good_state, NULL, 0, NULL},
		{good_key, good_ca, none, NULL, 0, NULL},
		{none, good_ca, none, NULL, 0, "AuthKeyFile: cannot open"},
		{none, good_ca, good_state, NULL, 0, NULL},
		{{"tskey-auth-x\n", 0644}, good_ca, none, NULL, -EPERM, "key: chmod 600"},
		{{"\n", 0600}, good_ca, none, NULL, -EBADMSG, "AuthKeyFile: "},
		{{"two words\n", 0600}, good_ca, none, NULL, -EBADMSG, "does not hold one word"},
		{good_key, none, none, NULL, 0, "CAFile: cannot open"},
		{good_key, {"MII\n", 0644}, none, NULL, -EBADMSG, "no certificate in PEM"},
		{good_key, {PEM, 0666}, none, NULL, -EPERM, "chmod go-w"},
		{good_key, good_ca, {"{}", 0640}, NULL, -EPERM, "others may read the keys"},
		{good_key, good_ca, none, "new/state", 0, NULL},
		{good_key, good_ca, none, "no/such/state", -ENOENT,
			"StateFile: there is no folder"},
	};
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++)
		check_row(&rows[k]);
}

static int
setup(void **state)
{
	strcpy(folder, "/tmp/headgate-files-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"key", "ca", "state"};
	for (size_t k = 0; k < ARRAY_COUNT(names); k++) {
		char path[HEADSCALE_TEXT_BYTES];
		make_file(&none, names[k], path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
