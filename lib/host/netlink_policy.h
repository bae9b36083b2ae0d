/* SPDX-License-Identifier: BSD-3-Clause */
/* Notes about routing rules (host/netlink.h adds and deletes them). */
#pragma once

#include "host/netlink.h"
#include "host/restore.h"

/* Notes that the rule, which is about to be added, is to be deleted. As restore_note. */
int netlink_rule_note_removal(struct restore *restore, const char *owner,
	const struct netlink_rule *r, struct err *err);
