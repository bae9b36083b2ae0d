/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The line reader: file → lines → section or key = value → a row's read. The order of a file:
 * read whole, one line at a time into a buffer that is wiped, comments off, then the line is a
 * [Section] (the last one ends, this one begins) or a key of the section at hand.
 */
#include "source/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "base/secret.h"
#include "source/config_reader.h"
#include "source/safe_open.h"
#include "source/text.h"

/* The interface's name until the file's end tells it. */
static const char pending_name[] = "=pending=";

static const struct config_section *const sections[] = {
	&config_section_gateway,
	&config_section_port,
	&config_section_interface,
	&config_section_peer,
	&config_section_filter,
	&config_section_headscale,
	&config_section_segment,
};

struct origin
config_here(const struct config_reader *r)
{
	return (struct origin){r->file_id, r->line};
}

int
config_error(struct config_reader *r, const char *format, ...)
{
	char sentence[sizeof(r->err->text)], where[INTENT_WHERE_BYTES];
	va_list ap;
	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	return err_set(
		r->err, -EBADMSG, "%s: %s", intent_where(r->it, config_here(r), where), sentence);
}

int
config_interface(struct config_reader *r)
{
	if (r->interface)
		return 0;
	r->interface = intent_interface_add(r->it, pending_name);
	if (!r->interface && errno == ENOSPC)
		return config_error(r, "more than %d interfaces", INTENT_MAX_INTERFACES);
	if (!r->interface)
		return -ENOMEM;
	r->interface->origin = config_here(r);
	return 0;
}

/* What a message quotes: the start of it, in printable characters. */
struct quote {
	char text[64];
};

/* A key that stands where it does not belong is still a key: of what is as long, the start. */
static size_t
quotable_chars(const char *text)
{
	enum { KEY_CHARS = 43, SHOWN_CHARS = 8 };
	size_t at = 0;
	while (text[at]) {
		size_t n = strspn(text + at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					     "0123456789+/");
		if (n >= KEY_CHARS)
			return at + SHOWN_CHARS;
		at += n + !n;
	}
	return at;
}

static struct quote
quote_of(const char *text)
{
	struct quote q;
	size_t n = 0, end = MIN_OF(quotable_chars(text), sizeof(q.text) - 4);
	for (; n < end; n++)
		q.text[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	strcpy(q.text + n, text[n] ? "..." : "");
	return q;
}

/* Of a name that may be a key on a line of its own, too little is shown to be of use. */
static struct quote
quote_name(const char *name)
{
	enum { NAME_CHARS = 20, SHOWN_CHARS = 8 };
	size_t n = strcspn(name, " \t");
	struct quote q = quote_of(name);
	if (n > NAME_CHARS)
		strcpy(q.text + SHOWN_CHARS, "...");
	else
		q.text[n] = 0;
	return q;
}

static const struct config_key *
key_find(const struct config_section *s, const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		if (strcasecmp(s->keys[i].name, name) == 0)
			return &s->keys[i];
	}
	return NULL;
}

static int
unknown_key(struct config_reader *r, const char *name)
{
	const struct config_section *here = r->section;
	struct quote q = quote_name(name);
	for (size_t s = 0; s < ARRAY_COUNT(sections); s++) {
		const struct config_key *k = key_find(sections[s], name);
		if (k)
			return config_error(r, "%s belongs in [%s], not in [%s]", k->name,
				sections[s]->name, here->name);
	}
	const char *near =
		nearest_name(name, &here->keys[0].name, here->n_keys, sizeof(*here->keys));
	if (near)
		return config_error(
			r, "unknown key '%s' in [%s]; did you mean %s?", q.text, here->name, near);
	char list[256] = "";
	for (size_t i = 0, n = 0; i < here->n_keys && n < sizeof(list); i++)
		n += (size_t)snprintf(
			list + n, sizeof(list) - n, "%s%s", i ? ", " : "", here->keys[i].name);
	return config_error(
		r, "unknown key '%s' in [%s]; its keys are %s", q.text, here->name, list);
}

static int
wrong_value(struct config_reader *r, const char *value)
{
	const struct config_key *k = r->key;
	struct quote q = quote_of(value);
	if (k->is_secret)
		return config_error(r, "%s is not %s", k->name, k->expects);
	return config_error(r, "%s = %s: expected %s, for example: %s = %s", k->name, q.text,
		k->expects, k->name, k->example);
}

static int
read_pair(struct config_reader *r, char *line)
{
	char *equals = strchr(line, '=');
	if (!equals)
		return config_error(r, "'%s' is neither Key = value nor [Section] nor # comment",
			quote_name(line).text);
	*equals = 0;
	char *name = value_trim(line), *value = value_trim(equals + 1);
	if (!r->section)
		return config_error(r, "'%s' stands before any [Section]", quote_name(name).text);
	r->key = key_find(r->section, name);
	if (!r->key)
		return unknown_key(r, name);
	struct quote as_written = quote_of(r->key->is_secret ? "" : value);
	int rc = r->key->read(r, value);
	return rc == -EINVAL ? wrong_value(r, as_written.text) : rc;
}

static int
end_section(struct config_reader *r)
{
	const struct config_section *s = r->section;
	r->section = NULL;
	return s && s->end ? s->end(r) : 0;
}

static int
unknown_section(struct config_reader *r, const char *name)
{
	const char *names[ARRAY_COUNT(sections)];
	struct quote q = quote_of(name);
	for (size_t s = 0; s < ARRAY_COUNT(sections); s++)
		names[s] = sections[s]->name;
	const char *near = nearest_name(name, names, ARRAY_COUNT(names), sizeof(names[0]));
	if (near)
		return config_error(r, "unknown section [%s]; did you mean [%s]?", q.text, near);
	return config_error(r,
		"unknown section [%s]; the sections are [Gateway], [Port NAME], "
		"[Interface], [Peer], [Filter] and [Headscale]",
		q.text);
}

/* line: "[Name]" or "[Name argument]" */
static int
read_section(struct config_reader *r, char *line)
{
	size_t n = strlen(line);
	uint32_t here = r->line;
	int rc = end_section(r);
	if (rc < 0)
		return rc;
	r->line = here;
	if (line[n - 1] != ']')
		return config_error(r, "'%s' has no ] at its end", quote_of(line).text);
	line[n - 1] = 0;
	char *name = value_trim(line + 1);
	char *argument = name + strcspn(name, " \t");
	if (*argument)
		*argument++ = 0;
	argument = value_trim(argument);
	for (size_t s = 0; s < ARRAY_COUNT(sections); s++) {
		if (strcasecmp(sections[s]->name, name) == 0)
			r->section = sections[s];
	}
	if (!r->section)
		return unknown_section(r, name);
	if (r->section->argument && !*argument)
		return config_error(r, "[%s] needs a name, for example: [%s wan]", r->section->name,
			r->section->name);
	if (!r->section->argument && *argument)
		return config_error(
			r, "[%s] takes no name: '%s'", r->section->name, quote_of(argument).text);
	return r->section->begin(r, argument);
}

static int
read_line(struct config_reader *r, char *line)
{
	line[strcspn(line, "#")] = 0;
	line = value_trim(line);
	if (!*line)
		return 0;
	return *line == '[' ? read_section(r, line) : read_pair(r, line);
}

static int
read_lines(struct config_reader *r, const char *text, size_t n_bytes, char *line)
{
	const char *end = text + n_bytes;
	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);
		r->line++;
		if (n > CONFIG_MAX_LINE_BYTES)
			return config_error(
				r, "a line of more than %d bytes", CONFIG_MAX_LINE_BYTES);
		if (memchr(at, 0, n))
			return config_error(r, "the line holds a zero byte: this is no text file");
		memcpy(line, at, n);
		line[n] = 0;
		int rc = read_line(r, line);
		secret_wipe(line, n);
		if (rc < 0)
			return rc;
		at += n + 1;
	}
	return end_section(r);
}

/* "…/wg0.conf" is wg0; headgate.conf is hg0. */
void
config_name_from_file(const char *file, char out[INTENT_NAME_BYTES])
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	size_t n = strlen(base);
	if (n > 5 && strcmp(base + n - 5, ".conf") == 0)
		n -= 5;
	snprintf(out, INTENT_NAME_BYTES, "%.*s", (int)MIN_OF(n, INTENT_NAME_BYTES - 1), base);
	if (n >= INTENT_NAME_BYTES)
		out[0] = 0;
	if (strcmp(out, "headgate") == 0)
		strcpy(out, "hg0");
}

static int
name_interface(struct config_reader *r, const char *file)
{
	char name[INTENT_NAME_BYTES], where[INTENT_WHERE_BYTES];
	struct interface_intent *i = r->interface;
	if (!i)
		return 0;
	memcpy(name, r->interface_name, sizeof(name));
	if (!name[0])
		config_name_from_file(file, name);
	r->line = i->origin.line;
	if (!intent_name_is_valid(name, sizeof(name)))
		return config_error(r,
			"the file's name is no name for an interface: put Name = hg0 "
			"in [Interface]");
	const struct interface_intent *other = intent_interface_find(r->it, name);
	if (other)
		return config_error(r, "a second interface %s: the first is at %s", name,
			intent_where(r->it, other->origin, where));
	memcpy(i->name, name, sizeof(name));
	if (i->headscale && !i->mtu)
		i->mtu = HEADSCALE_MTU;
	return r->saves_config ? intent_text_set(&i->save_path, file) : 0;
}

static int
parse(struct config_reader *r, const char *file, const char *text, size_t n_bytes)
{
	char *line = malloc(CONFIG_MAX_LINE_BYTES + 1);
	r->file_id = intent_file_id(r->it, file);
	int rc = line && r->file_id ? read_lines(r, text, n_bytes, line) : -ENOMEM;
	if (rc == 0)
		rc = name_interface(r, file);
	if (rc == -ENOMEM)
		err_set(r->err, rc, "%s:%u: memory is short", file, r->line);
	free(line);
	config_peer_clear(r);
	return rc;
}

int
config_parse(struct intent *it, const char *file, const char *text, size_t n_bytes, struct err *err)
{
	struct config_reader r = {.it = it, .err = err};
	return parse(&r, file, text, n_bytes);
}

int
config_read_whole(int fd, const char *path, struct text *out, struct err *err)
{
	enum { PIECE_BYTES = 64 << 10 };
	for (;;) {
		char *at = text_room(out, PIECE_BYTES);
		if (!at)
			return err_set(err, -ENOMEM, "%s: memory is short", path);
		ssize_t n = read(fd, at, PIECE_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
		if (n == 0)
			return 0;
		text_grew(out, (size_t)n);
		if (out->n_bytes > CONFIG_MAX_BYTES)
			return err_set(err, -EFBIG, "%s is larger than %d MiB", path,
				CONFIG_MAX_BYTES >> 20);
	}
}

/* Who may write the file may have commands run as root: that must be nobody else. */
static int
check_commands(struct config_reader *r, const char *path, const struct stat *st)
{
	bool is_ours = st->st_uid == 0 || st->st_uid == geteuid();
	if (!r->hook_name || (is_ours && !(st->st_mode & (S_IWGRP | S_IWOTH))))
		return 0;
	r->line = r->hook_line;
	return config_error(r,
		"%s would be run as root, and others than root may write the file: chown root %s; "
		"chmod go-w %s", r->hook_name, path, path);
}

/* What the file says is done as root: who else may write it? */
static int
judge_mode(struct config_reader *r, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return 0;
	if (st->st_mode & S_IWOTH)
		return err_set(r->err, -EPERM,
			"everybody may write %s, and so say what headgated does: chmod 600 %s",
			path, path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		intent_warn(r->it, "%s belongs to user %u, who may change what headgated does: "
			"chown root %s", path, (unsigned)st->st_uid, path);
	return 0;
}

static int
load(struct config_reader *r, int fd, const char *path, struct text *text)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set(r->err, -errno, "cannot look at %s: %s", path, strerror(errno));
	int rc = judge_mode(r, path, &st);
	if (rc == 0)
		rc = config_read_whole(fd, path, text, r->err);
	if (rc == 0)
		rc = parse(r, path, text->data, text->n_bytes);
	if (rc)
		return rc;
	if (r->holds_keys && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)))
		intent_warn(r->it, "%s is %s accessible and holds keys: chmod 600 %s", path,
			st.st_mode & S_IRWXO ? "world" : "group", path);
	return check_commands(r, path, &st);
}

int
config_load(struct intent *it, const char *path, struct err *err)
{
	struct config_reader r = {.it = it, .err = err};
	struct text text;
	struct err note;
	int fd = safe_open(path, 0, &note, err);
	if (fd < 0)
		return fd;
	text_init(&text);
	int rc = load(&r, fd, path, &text);
	if (!rc && note.text[0] && r.hook_name)
		rc = err_set(err, -EPERM, "%s, and with it the commands that are run as root",
			note.text);
	else if (!rc && note.text[0])
		intent_warn(it, "%s", note.text);
	text_fini(&text);
	close(fd);
	return rc;
}

void
config_describe(void (*tell)(void *ctx, const struct config_help *help), void *ctx)
{
	for (size_t s = 0; s < ARRAY_COUNT(sections); s++) {
		const struct config_section *here = sections[s];
		for (size_t i = 0; i < here->n_keys; i++) {
			const struct config_key *k = &here->keys[i];
			tell(ctx, &(struct config_help){here->name, here->argument, here->help,
					  k->name, k->expects, k->example, k->help, k->is_secret});
		}
	}
}
