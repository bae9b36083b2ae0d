/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice of a backend: by name or by trial, down the table. */
#include "crypto/aead_burst.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "crypto/init.h"

/* 0 when the backend may be used here; else the reason stands in err. */
static int
try_backend(const struct aead_backend *b, struct err *err)
{
	if (!b->is_supported())
		return err_set(err, -ENOTSUP, "aead backend %s: this machine has no %s", b->name,
			b->needs);
	return aead_self_test(b, err);
}

static int
unknown_name(const struct aead_backend *const *table, const char *name, struct err *err)
{
	char known[256] = "";
	size_t used = 0;

	for (; *table && used < sizeof(known); table++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
			used ? ", " : "", (*table)->name);
	return err_set(
		err, -ENOENT, "no aead backend is called '%.64s'; known are: %s", name, known);
}

static int
choose_named(const struct aead_backend *const *table, const char *name,
	const struct aead_backend **out, struct err *err)
{
	const struct aead_backend *const *b = table;

	while (*b && strcmp((*b)->name, name) != 0)
		b++;
	if (!*b)
		return unknown_name(table, name, err);
	int r = try_backend(*b, err);
	if (r == 0)
		*out = *b;
	return r;
}

int
aead_choose_from(const struct aead_backend *const *table, const char *forced_name,
	const struct aead_backend **out, struct err *err)
{
	struct err why = {"the table is empty"};
	int r = crypto_init(err);

	if (r < 0)
		return r;
	if (forced_name)
		return choose_named(table, forced_name, out, err);
	for (; *table; table++) {
		if (try_backend(*table, &why) == 0) {
			*out = *table;
			return 0;
		}
		log_warn("%s; trying the next one", why.text);
	}
	return err_set(err, -EIO, "no aead backend works here; the last one said: %s", why.text);
}

int
aead_choose(const char *forced_name, const struct aead_backend **out, struct err *err)
{
	return aead_choose_from(aead_backends, forced_name, out, err);
}

int
aead_create(struct aead *a, const struct aead_backend *backend, struct err *err)
{
	void *state = backend->create();

	if (!state)
		return err_set(err, -ENOMEM,
			"aead backend %s: cannot make a thread's state: no "
			"memory, or its library does not start",
			backend->name);
	*a = (struct aead){.backend = backend, .state = state};
	return 0;
}

void
aead_destroy(struct aead *a)
{
	if (a->backend)
		a->backend->destroy(a->state);
	*a = (struct aead){0};
}
