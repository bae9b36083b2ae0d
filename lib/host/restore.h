/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was changed on the machine and how to undo it. A step is a value; it is noted before the
 * change is made, in memory and as a line of a file, and undone in reverse. So what a process
 * that was killed leaves behind can be undone by `headgate restore` or by the next start
 * (restore_leftovers). The file and its rules: docs/decisions/0006-restore-file.md.
 *
 * One thread at a time uses a struct restore: the start, then control, then the end.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "host/netlink.h"

#define RESTORE_DIRECTORY "/run/headgate"

enum {
	RESTORE_OWNER_BYTES = 64, /* each with the end */
	RESTORE_WHAT_BYTES = 256,
	RESTORE_VALUE_BYTES = 8192,
	RESTORE_MESSAGE_BYTES = 8192,
};

enum restore_kind {
	RESTORE_SYSCTL,    /* what: path below /proc/sys; value: what it gets */
	RESTORE_FLAGS,     /* device: its IFF_ bits of mask get the values they have in flags */
	RESTORE_NFT_TABLE, /* what: a table of family netdev that nft_table_name made; deleted */
	RESTORE_NETLINK,   /* message: sent; what: in words, "put back the route to 10.0.0.0/8" */
	RESTORE_COMMAND,   /* value: given to the shell; what: in words, "run PostDown of wg0" */
	RESTORE_MTU,       /* device: gets the MTU in flags */
	RESTORE_XDP,       /* device: an XDP program other than number `flags` is detached */
	RESTORE_N_KINDS,
};

/*
 * How one thing is undone. Fields that a kind does not name are left out. Only in a RESTORE_NETLINK
 * step is ifindex used: the message is left out when device has not this number any more, for then
 * what it names has gone; with ifindex 0 it is always sent.
 */
struct restore_step {
	enum restore_kind kind;
	const char *owner; /* "port wan", "wg0": for restore_undo_of */
	const char *what;
	const char *value;
	const char *device;
	uint32_t ifindex;
	uint32_t flags, mask;
	/*
	 * A whole request: RTM_NEW… or RTM_DEL… of ADDR, ROUTE, NEIGH or RULE. That its object is
	 * there, or is not there, already is no failure.
	 */
	const struct nlmsghdr *message;
};

struct restore;

/* Steps in memory alone, for tests. NULL without memory. */
struct restore *restore_create(void);
/*
 * Steps in memory and in a file of this process in the directory (RESTORE_DIRECTORY), which is
 * made with the first step and removed with the last. NULL with a sentence in err.
 */
struct restore *restore_open(const char *directory, struct err *err);
/* Forgets the steps without undoing them; a file with steps in it stays. NULL is allowed. */
void restore_destroy(struct restore *r);

/* Notes how to undo what is about to be done. 0, or a negative errno: then do not do it. */
int restore_note(struct restore *r, const struct restore_step *step, struct err *err);

/*
 * Undoes all steps, the latest first, and forgets those that succeeded and all commands. Goes on
 * after a failure; returns the first one with its sentence. What has gone meanwhile (a device) is
 * no failure.
 */
int restore_undo(struct restore *r, struct netlink *nl, struct err *err);
/* The same for the steps of one owner. */
int restore_undo_of(struct restore *r, const char *owner, struct netlink *nl, struct err *err);
/* The owner has undone its steps by itself. */
void restore_forget_of(struct restore *r, const char *owner);
unsigned restore_count(const struct restore *r);

/* Who is told, a sentence at a time, what is found and done. */
struct restore_listener {
	void (*say)(void *ctx, const char *text);
	void *ctx;
};

struct restore_found {
	unsigned n_files;     /* of ended processes in this network namespace */
	unsigned n_steps;     /* in them */
	unsigned n_living;    /* files left alone: their process lives */
	unsigned n_elsewhere; /* files left alone: of another network namespace */
};

/*
 * Undoes what processes that have ended left in the directory; with is_dry_run only says what
 * would be done. A file that is not sound is left alone as a whole and is an error, but the others
 * are undone. 0 or the first failure with its sentence; *found is filled in any case.
 */
int restore_leftovers(const char *directory, bool is_dry_run,
	const struct restore_listener *listener, struct restore_found *found, struct err *err);
