/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is to be undone for an interface when headgated cannot do it itself: noted before it is
 * done, forgotten once it is undone. `headgate restore` and the next start undo it after a crash.
 */
#pragma once

#include "control/core.h"
#include "host/netlink.h"

/* Each owner's notes are forgotten together. */
enum quick_note {
	NOTE_DEFAULT_V4,
	NOTE_DEFAULT_V6,
	NOTE_GUARD,
	NOTE_MARKS, /* src_valid_mark: of all interfaces */
	NOTE_DNS,
	NOTE_PRE_DOWN,
	NOTE_POST_DOWN,
};

/* 0, or a negative errno: then do not do what is to be undone. Without Host nothing is noted. */
int quick_note_rule(struct control *c, const struct control_iface *i, enum quick_note note,
	const struct netlink_rule *r, struct err *err);
int quick_note_sysctl(struct control *c, const struct control_iface *i, enum quick_note note,
	const char *path, struct err *err);
/* Where what is "delete the nftables table of wg0". */
struct quick_command {
	const char *command; /* for bash */
	const char *what;
};
int quick_note_command(struct control *c, const struct control_iface *i, enum quick_note note,
	const struct quick_command *command, struct err *err);
/* All commands of that time, so that they run in their order. */
int quick_note_hooks(struct control *c, const struct control_iface *i, enum hook_when when,
	struct err *err);
/* The hooks of an interface that is up are others: notes of the new ones take their place. */
int quick_note_new_hooks(struct control *c, struct control_iface *i, struct err *err);
void quick_forget(struct control *c, const char *interface, enum quick_note note);
