/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/quick_notes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "host/netlink_policy.h"
#include "host/sysctl.h"

static const char *
owner_of(const char *interface, enum quick_note note, char out[RESTORE_OWNER_BYTES])
{
	static const char *const names[] = {
		[NOTE_DEFAULT_V4] = "default route of IPv4",
		[NOTE_DEFAULT_V6] = "default route of IPv6",
		[NOTE_GUARD] = "guard",
		[NOTE_MARKS] = "src_valid_mark",
		[NOTE_DNS] = "DNS",
		[NOTE_PRE_DOWN] = "PreDown",
		[NOTE_POST_DOWN] = "PostDown",
	};
	if (note == NOTE_MARKS)
		snprintf(out, RESTORE_OWNER_BYTES, "%s", names[note]);
	else
		snprintf(out, RESTORE_OWNER_BYTES, "%s: %s", interface, names[note]);
	return out;
}

int
quick_note_rule(struct control *c, const struct control_iface *i, enum quick_note note,
	const struct netlink_rule *r, struct err *err)
{
	char owner[RESTORE_OWNER_BYTES];
	if (!c->config.restore)
		return 0;
	return netlink_rule_note_removal(c->config.restore, owner_of(i->name, note, owner), r,
		err);
}

int
quick_note_sysctl(struct control *c, const struct control_iface *i, enum quick_note note,
	const char *path, struct err *err)
{
	char owner[RESTORE_OWNER_BYTES], old[SYSCTL_VALUE_BYTES];
	const struct restore_step step = {.kind = RESTORE_SYSCTL, .what = path, .value = old,
		.owner = owner_of(i->name, note, owner)};
	if (!c->config.restore)
		return 0;
	int rc = sysctl_read(path, old, err);
	return rc ? rc : restore_note(c->config.restore, &step, err);
}

int
quick_note_command(struct control *c, const struct control_iface *i, enum quick_note note,
	const struct quick_command *command, struct err *err)
{
	char owner[RESTORE_OWNER_BYTES];
	const struct restore_step step = {.kind = RESTORE_COMMAND, .what = command->what,
		.value = command->command, .owner = owner_of(i->name, note, owner)};
	return c->config.restore ? restore_note(c->config.restore, &step, err) : 0;
}

static int
note_hook(struct control *c, const struct control_iface *i, const struct hook *h,
	struct err *err)
{
	enum quick_note note = h->when == HOOK_PRE_DOWN ? NOTE_PRE_DOWN : NOTE_POST_DOWN;
	char what[RESTORE_WHAT_BYTES];
	char *command = hook_expand(h->command, i->name);
	if (!command)
		return err_set(err, -ENOMEM, "no memory to note a command of %s", i->name);
	snprintf(what, sizeof(what), "run %s of %s", hook_when_name(h->when), i->name);
	int rc = quick_note_command(c, i, note, &(struct quick_command){command, what}, err);
	secret_wipe(command, strlen(command));
	free(command);
	return rc ? err_prefix(err, rc, "%s", h->where) : 0;
}

/* What is noted last is undone first. */
int
quick_note_hooks(struct control *c, const struct control_iface *i, enum hook_when when,
	struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	int rc = 0;
	for (size_t k = it->hooks.n; k-- > 0 && !rc;)
		if (it->hooks.items[k].when == when)
			rc = note_hook(c, i, &it->hooks.items[k], err);
	return rc;
}

int
quick_note_new_hooks(struct control *c, struct control_iface *i, struct err *err)
{
	quick_forget(c, i->name, NOTE_PRE_DOWN);
	quick_forget(c, i->name, NOTE_POST_DOWN);
	i->hooks_are_new = false;
	int rc = quick_note_hooks(c, i, HOOK_POST_DOWN, err);
	return rc ? rc : quick_note_hooks(c, i, HOOK_PRE_DOWN, err);
}

void
quick_forget(struct control *c, const char *interface, enum quick_note note)
{
	char owner[RESTORE_OWNER_BYTES];
	if (c->config.restore)
		restore_forget_of(c->config.restore, owner_of(interface, note, owner));
}
