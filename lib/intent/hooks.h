/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands of PreUp, PostUp, PreDown and PostDown, in the order in which the file has them. A
 * command may have a key in it: it is never shown, and wiped when it is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum hook_when {
	HOOK_PRE_UP,    /* the device is there, and has nothing yet */
	HOOK_POST_UP,   /* addresses, DNS and routes are there */
	HOOK_PRE_DOWN,  /* nothing has been taken away yet */
	HOOK_POST_DOWN, /* all has */
	HOOK_N_WHENS,
};

enum { HOOK_MAX = 256 }; /* of one interface */

struct hook {
	enum hook_when when;
	char *command; /* with %i as it was written */
	char *where;   /* "wg0.conf:7" */
};

struct hook_list {
	struct hook *items;
	size_t n;
};

/* "PreUp" */
const char *hook_when_name(enum hook_when when);
/* Appends a copy. 0, -ENOSPC past HOOK_MAX or -ENOMEM. */
int hook_list_add(struct hook_list *l, const struct hook *h) __attribute__((warn_unused_result));
/* Puts a deep copy of from in the place of what to holds; on -ENOMEM to is as it was. */
int hook_list_set(struct hook_list *to, const struct hook_list *from)
	__attribute__((warn_unused_result));
void hook_list_fini(struct hook_list *l);
/* Whether the same commands run at the same times; where they were written does not matter. */
bool hook_list_is_equal(const struct hook_list *a, const struct hook_list *b);
