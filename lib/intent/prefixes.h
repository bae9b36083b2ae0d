/* SPDX-License-Identifier: BSD-3-Clause */
/* A short list of prefixes as a value: addresses of a link, routes that are offered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

enum { INTENT_MAX_ADDRESSES = 256 }; /* in one list */

/* {0} is an empty one; items is the owner's to free. */
struct prefix_list {
	struct prefix *items;
	size_t n;
};

/* add: -EEXIST when it is there, -ENOSPC past the limit, -ENOMEM. remove: -ENOENT. */
int prefix_list_add(struct prefix_list *l, const struct prefix *p);
int prefix_list_remove(struct prefix_list *l, const struct prefix *p);
bool prefix_list_has(const struct prefix_list *l, const struct prefix *p);
/* Appends all of from. 0 or what add says. */
int prefix_list_copy(struct prefix_list *to, const struct prefix_list *from);
/* The same ones in any order. */
bool prefix_list_is_equal(const struct prefix_list *a, const struct prefix_list *b);
