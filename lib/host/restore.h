/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was changed on the machine and how to undo it. Steps are values, undone in reverse, so
 * that a later `headgate restore` can do the same from a file after a crash.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "host/netlink.h"

struct restore;

struct restore *restore_create(void); /* NULL without memory */
/* Forgets the steps without undoing them. NULL is allowed. */
void restore_destroy(struct restore *r);

/* Each notes how to undo what is about to be done. 0 or -ENOMEM, and then do not do it. */
int restore_note_sysctl(struct restore *r, const char *path, const char *old_value,
	struct err *err);
/* The IFF_ bits of mask get back the values they have in flags. */
int restore_note_flags(struct restore *r, const char *device, uint32_t flags, uint32_t mask,
	struct err *err);
/* The nftables table (of family netdev) is deleted. */
int restore_note_nft_table(struct restore *r, const char *table, struct err *err);

/*
 * Undoes all steps, the latest first, and forgets them. Goes on after a failure; returns the
 * first one with its sentence. What has gone meanwhile (a device) is no failure.
 */
int restore_undo(struct restore *r, struct netlink *nl, struct err *err);
