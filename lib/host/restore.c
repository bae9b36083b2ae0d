/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/child.h"
#include "host/nft.h"
#include "host/restore_inner.h"
#include "host/sysctl.h"
#include "host/xdp.h"

enum {
	COMMAND_TIMEOUT_MS = 60000,
	COMMAND_OUTPUT_BYTES = 1 << 20,
};

struct entry {
	struct restore_step step; /* what it points to is in memory */
	void *memory;
	off_t at;                 /* of its line in the file */
};

struct restore {
	struct entry *entries;
	unsigned n, cap;
	bool has_file;
	struct restore_file file;
	struct restore_listener listener;
};

struct restore *
restore_create(void)
{
	return calloc(1, sizeof(struct restore));
}

struct restore *
restore_open(const char *directory, struct err *err)
{
	struct restore *r = restore_create();
	if (!r) {
		err_set(err, -ENOMEM, "no memory for what is to be restored");
		return NULL;
	}
	if (restore_file_open(&r->file, directory, err)) {
		free(r);
		return NULL;
	}
	r->has_file = true;
	return r;
}

void
restore_set_file(struct restore *r, const struct restore_file *f)
{
	r->file = *f;
	r->has_file = true;
}

void
restore_set_listener(struct restore *r, const struct restore_listener *listener)
{
	r->listener = *listener;
}

void
restore_destroy(struct restore *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		free(r->entries[i].memory);
	free(r->entries);
	if (r->has_file)
		restore_file_close(&r->file);
	free(r);
}

unsigned
restore_count(const struct restore *r)
{
	return r->n;
}

/* ---- Noting ---- */

static char *
put_text(char **to, const char *text)
{
	char *start = *to;
	*to = stpcpy(start, text ? text : "") + 1;
	return start;
}

static size_t
text_bytes(const char *text)
{
	return (text ? strlen(text) : 0) + 1;
}

/* A copy in one piece of memory: the message first, for its alignment. */
static int
entry_init(struct entry *e, const struct restore_step *s)
{
	size_t n_message = s->message ? NLMSG_ALIGN(s->message->nlmsg_len) : 0;
	e->memory = calloc(1, n_message + text_bytes(s->owner) + text_bytes(s->what) +
		text_bytes(s->value) + text_bytes(s->device));
	if (!e->memory)
		return -ENOMEM;
	char *to = (char *)e->memory + n_message;
	e->step = *s;
	if (s->message)
		e->step.message = memcpy(e->memory, s->message, s->message->nlmsg_len);
	e->step.owner = put_text(&to, s->owner);
	e->step.what = put_text(&to, s->what);
	e->step.value = put_text(&to, s->value);
	e->step.device = put_text(&to, s->device);
	e->at = -1;
	return 0;
}

/* The new last entry, or NULL without memory. */
static struct entry *
append(struct restore *r, const struct restore_step *s)
{
	if (r->n == r->cap) {
		unsigned cap = r->cap ? r->cap * 2 : 16;
		struct entry *entries = reallocarray(r->entries, cap, sizeof(*entries));
		if (!entries)
			return NULL;
		r->entries = entries;
		r->cap = cap;
	}
	if (entry_init(&r->entries[r->n], s))
		return NULL;
	return &r->entries[r->n++];
}

static int
write_line(struct restore *r, struct entry *e, struct err *err)
{
	if (!r->has_file)
		return 0;
	char *line = restore_line_format(&e->step);
	int rc = line ? restore_file_add(&r->file, line, &e->at, err) :
		err_set(err, -ENOMEM, "no memory to note what is to be restored");
	free(line);
	return rc;
}

int
restore_note(struct restore *r, const struct restore_step *step, struct err *err)
{
	const char *fault = restore_step_fault(step);
	if (fault)
		return err_set(err, -EINVAL, "cannot note how to restore `%s`: %s",
			step->what ? step->what : step->device ? step->device : "?", fault);
	struct entry *e = append(r, step);
	if (!e)
		return err_set(err, -ENOMEM, "no memory to note what is to be restored");
	int rc = write_line(r, e, err);
	if (rc) {
		free(e->memory);
		r->n--;
	}
	return rc;
}

/* ---- In words ---- */

static void
describe(const struct restore_step *s, char *out, size_t cap_bytes)
{
	switch (s->kind) {
	case RESTORE_SYSCTL:
		snprintf(out, cap_bytes, "set %s to %s", s->what, s->value);
		break;
	case RESTORE_FLAGS:
		snprintf(out, cap_bytes, "set %s %s", s->device,
			!(s->mask & IFF_UP) ? "promiscuous or not, as it was" :
			s->flags & IFF_UP ? "up" : "down");
		break;
	case RESTORE_MTU:
		snprintf(out, cap_bytes, "set the MTU of %s to %u", s->device, s->flags);
		break;
	case RESTORE_NFT_TABLE:
		snprintf(out, cap_bytes, "delete the nftables table netdev %s", s->what);
		break;
	case RESTORE_XDP:
		snprintf(out, cap_bytes, "detach the XDP program from %s, if it has one",
			s->device);
		break;
	default:
		snprintf(out, cap_bytes, "%s", s->what);
	}
}

static void
say(const struct restore *r, const struct restore_step *s, const char *before, const char *after)
{
	char what[RESTORE_WHAT_BYTES + 64], text[RESTORE_WHAT_BYTES + 1024];
	if (!r->listener.say)
		return;
	describe(s, what, sizeof(what));
	snprintf(text, sizeof(text), "%s: %s%s%s", s->owner, before, what, after);
	r->listener.say(r->listener.ctx, text);
}

void
restore_tell(const struct restore *r)
{
	for (unsigned i = r->n; i > 0; i--)
		say(r, &r->entries[i - 1].step, "would ", "");
}

/* ---- Undoing ---- */

static int
undo_flags(const struct restore_step *s, struct netlink *nl, struct err *err)
{
	struct net_link link;
	int rc = netlink_link_by_name(nl, s->device, &link, err);
	return rc ? rc : netlink_link_set_flags(nl, link.ifindex, s->flags, s->mask, err);
}

static int
undo_mtu(const struct restore_step *s, struct netlink *nl, struct err *err)
{
	struct net_link link;
	int rc = netlink_link_by_name(nl, s->device, &link, err);
	return rc ? rc : netlink_link_set_mtu(nl, link.ifindex, s->flags, err);
}

/* Already as it shall be, or what it belongs to has gone. */
static bool
is_settled(int rc)
{
	return rc == -EEXIST || rc == -ENOENT || rc == -ESRCH || rc == -EADDRNOTAVAIL ||
		rc == -ENODEV;
}

static int
undo_message(const struct restore_step *s, struct netlink *nl, struct err *err)
{
	if (s->ifindex && if_nametoindex(s->device) != s->ifindex)
		return -ENODEV;
	int rc = netlink_send(nl, s->message, s->what, err);
	return is_settled(rc) ? -ENOENT : rc;
}

static int
undo_command(const struct restore_step *s, struct err *err)
{
	const char *const argv[] = {"bash", "-c", s->value, NULL};
	struct child_run run = {.argv = argv, .max_output_bytes = COMMAND_OUTPUT_BYTES,
		.timeout_ms = COMMAND_TIMEOUT_MS};
	char *output;
	int rc = child_run(&run, &output, err);
	free(output);
	/* A program that is not there is a failure here, not something that has gone. */
	return rc ? err_prefix(err, -EIO, "cannot %s", s->what) : 0;
}

static int
undo(const struct restore_step *s, struct netlink *nl, struct err *err)
{
	switch (s->kind) {
	case RESTORE_SYSCTL:
		return sysctl_write(s->what, s->value, err);
	case RESTORE_FLAGS:
		return undo_flags(s, nl, err);
	case RESTORE_MTU:
		return undo_mtu(s, nl, err);
	case RESTORE_NFT_TABLE:
		return nft_delete_table(s->what, err);
	case RESTORE_NETLINK:
		return undo_message(s, nl, err);
	case RESTORE_COMMAND:
		return undo_command(s, err);
	default:
		return xdp_detach(nl, s->device, s->flags, err);
	}
}

static void
forget(struct restore *r, unsigned idx)
{
	struct entry *e = &r->entries[idx];
	if (r->has_file && e->at >= 0)
		restore_file_mark(&r->file, e->at);
	free(e->memory);
	memmove(e, e + 1, (--r->n - idx) * sizeof(*e));
	if (r->has_file && !r->n)
		restore_file_remove(&r->file);
}

static bool
is_of(const struct restore *r, unsigned idx, const char *owner)
{
	return !owner || strcmp(r->entries[idx].step.owner, owner) == 0;
}

static int
undo_entry(struct restore *r, unsigned idx, struct netlink *nl, struct err *err)
{
	const struct restore_step *s = &r->entries[idx].step;
	struct err e = {""};
	int rc = undo(s, nl, &e);
	bool has_gone = rc == -ENODEV || rc == -ENOENT;
	if (rc && !has_gone) {
		err_set(err, rc, "%s: cannot restore what was there before: %s", s->owner, e.text);
		if (r->listener.say)
			r->listener.say(r->listener.ctx, err->text);
	} else {
		say(r, s, "", has_gone ? " (needs no doing)" : "");
	}
	if (!rc || has_gone || s->kind == RESTORE_COMMAND)
		forget(r, idx);
	return has_gone ? 0 : rc;
}

int
restore_undo_of(struct restore *r, const char *owner, struct netlink *nl, struct err *err)
{
	int first = 0;
	for (unsigned i = r->n; i > 0; i--) {
		struct err e = {""};
		int rc = is_of(r, i - 1, owner) ? undo_entry(r, i - 1, nl, &e) : 0;
		if (rc && !first)
			first = err_set(err, rc, "%s", e.text);
	}
	return first;
}

int
restore_undo(struct restore *r, struct netlink *nl, struct err *err)
{
	return restore_undo_of(r, NULL, nl, err);
}

void
restore_forget_of(struct restore *r, const char *owner)
{
	for (unsigned i = r->n; i > 0; i--) {
		if (is_of(r, i - 1, owner))
			forget(r, i - 1);
	}
}

/* ---- From a file's text ---- */

static int
parse_step(struct restore *r, char *line, off_t at, struct err *err)
{
	uint8_t message[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct restore_step step;
	bool is_live;
	int rc = restore_line_parse(line, &step, &is_live, message, err);
	if (rc || !is_live)
		return rc;
	struct entry *e = append(r, &step);
	if (!e)
		return err_set(err, -ENOMEM, "no memory for it");
	e->at = at;
	return 0;
}

/* A last line without its newline was being written at the end: its change was not made. */
static int
parse_lines(struct restore *r, char *text, size_t n_bytes, struct restore_process *process,
	struct err *err)
{
	unsigned n_lines = 0;
	char *newline;
	for (char *at = text; (newline = memchr(at, '\n', n_bytes - (size_t)(at - text)));
		at = newline + 1) {
		*newline = 0;
		int rc = memchr(at, 0, (size_t)(newline - at)) ?
			err_set(err, -EBADMSG, "it has a zero byte") :
			n_lines == 0 ? restore_header_parse(at, process, err) :
			parse_step(r, at, at - text, err);
		if (rc)
			return err_prefix(err, rc, "line %u", n_lines + 1);
		n_lines++;
	}
	return n_lines ? 0 : err_set(err, -EBADMSG, "it is empty or cut off");
}

struct restore *
restore_parse(char *text, size_t n_bytes, struct restore_process *process, struct err *err)
{
	struct restore *r = restore_create();
	int rc = r ? parse_lines(r, text, n_bytes, process, err) :
		err_set(err, -ENOMEM, "no memory for it");
	if (!rc)
		return r;
	restore_destroy(r);
	return NULL;
}
