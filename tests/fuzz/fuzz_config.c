/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Config files of any bytes. What is taken is a value like any other: it survives a check, a copy,
 * and a difference from nothing, which applied to nothing gives a value without a difference. What
 * is refused says so in a sentence with the file's name. An interface that SaveConfig writes is
 * read as the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "intent/change.h"
#include "source/config.h"
#include "source/config_save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_value(const struct intent *it)
{
	struct err err;
	struct change_list l;
	struct intent *made = intent_create(), *copy = intent_copy(it);
	must(made && copy);
	int rc = intent_check(it, &err);
	must(rc == 0 || rc == -EINVAL);
	change_list_init(&l);
	must(intent_diff(it, copy, &l) == 0 && l.n == 0);
	must(intent_diff(made, it, &l) == 0);
	for (size_t i = 0; i < l.n; i++) {
		char text[512];
		must(strlen(change_format(&l.items[i], text)) < sizeof(text));
		must(intent_apply(made, &l.items[i]) == 0);
	}
	change_list_fini(&l);
	must(intent_diff(made, it, &l) == 0 && l.n == 0);
	change_list_fini(&l);
	intent_destroy(made);
	intent_destroy(copy);
}

static void
check_saved(const struct interface_intent *i)
{
	static const struct config_live nothing;
	struct text text;
	struct err err;
	struct change_list l;
	struct intent *again = intent_create(), *now = intent_create();
	text_init(&text);
	config_format(&text, i, &nothing, "wg0.conf");
	must(again && now && !text.failed);
	must(config_parse(again, "wg0.conf", text.data, text.n_bytes, &err) == 0);
	must(again->n_interfaces == 1 && strcmp(again->interfaces[0]->name, i->name) == 0);
	/* The interface alone, as a value of its own. */
	struct interface_intent copy = *i;
	now->interfaces[now->n_interfaces++] = &copy;
	change_list_init(&l);
	must(intent_diff(now, again, &l) == 0 && l.n == 0);
	change_list_fini(&l);
	now->n_interfaces = 0;
	intent_destroy(now);
	intent_destroy(again);
	text_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct err err = {""};
	struct intent *it = intent_create();
	must(it);
	int rc = config_parse(it, "wg0.conf", (const char *)data, n_bytes, &err);
	if (rc == 0)
		check_value(it);
	else
		must(rc == -EBADMSG && strncmp(err.text, "wg0.conf:", 9) == 0);
	/* A node of a tailnet is not saved: intent_check refuses SaveConfig beside [Headscale]. */
	for (size_t i = 0; rc == 0 && i < it->n_interfaces; i++) {
		if (!it->interfaces[i]->headscale)
			check_saved(it->interfaces[i]);
	}
	intent_destroy(it);
	return 0;
}
