/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's own states of the backends that were chosen. */
#include "crypto/aead_burst.h"

#include <errno.h>

static int
make_state(const struct aead_backend *b, void **out, struct err *err)
{
	*out = b->create();
	if (*out)
		return 0;
	return err_set(err, -ENOMEM,
		"aead backend %s: cannot make a thread's state: no memory, or its library does "
		"not start",
		b->name);
}

int
aead_create(struct aead *a, const struct aead_choice *choice, struct err *err)
{
	*a = (struct aead){.second = choice->second};
	int r = make_state(choice->backend, &a->state, err);

	if (r < 0)
		return r;
	a->backend = choice->backend;
	if (a->second.backend)
		r = make_state(a->second.backend, &a->second_state, err);
	if (r < 0)
		aead_destroy(a);
	return r;
}

void
aead_destroy(struct aead *a)
{
	if (a->backend)
		a->backend->destroy(a->state);
	if (a->second_state)
		a->second.backend->destroy(a->second_state);
	*a = (struct aead){0};
}
