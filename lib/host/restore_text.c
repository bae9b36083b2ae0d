/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The restore file's lines. Text, so that a person can read what would be undone:
 *
 *   headgate-restore 1 CHECKSUM PID START BOOT-ID NETNS-DEVICE NETNS-INODE
 *   + CHECKSUM KIND OWNER WHAT VALUE DEVICE IFINDEX FLAGS MASK MESSAGE
 *
 * A + becomes a - once the step is undone. Each field is plain text, in which space, % and all
 * that is not ASCII stand as %XX; an empty one is %-. The message is in hexadecimal.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/attrs.h"
#include "host/restore_inner.h"
#include "host/sysctl.h"

#define MAGIC "headgate-restore 1 "

enum { CHECKSUM_CHARS = 8 };

/* FNV-1a: against accidents. Against people stands that only root may write the file. */
static uint32_t
checksum(const char *text)
{
	uint32_t h = 2166136261u;
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

/* ---- What a step may hold ---- */

static bool
fits(const char *text, size_t cap_bytes)
{
	return text && *text && strlen(text) < cap_bytes;
}

static bool
is_device(const char *name)
{
	return fits(name, IF_NAMESIZE) && !strpbrk(name, "/%: \t\n\"\\") && strcmp(name, ".") &&
		strcmp(name, "..");
}

static const char *
sysctl_fault(const struct restore_step *s)
{
	if (!fits(s->what, RESTORE_WHAT_BYTES) || strncmp(s->what, "net/", 4) ||
		strstr(s->what, ".."))
		return "it is no sysctl of the network";
	return fits(s->value, SYSCTL_VALUE_BYTES) ? NULL : "the sysctl's value is missing";
}

static const char *
flags_fault(const struct restore_step *s)
{
	if (s->mask & ~(uint32_t)(IFF_UP | IFF_PROMISC | IFF_ALLMULTI))
		return "these flags of a device are never changed";
	return is_device(s->device) ? NULL : "the device is missing";
}

static const char *
nft_fault(const struct restore_step *s)
{
	static const char ours[] = "headgate_";
	size_t n = sizeof(ours) - 1;
	if (!fits(s->what, RESTORE_WHAT_BYTES) || strncmp(s->what, ours, n) || !s->what[n] ||
		s->what[n + strspn(s->what + n, "0123456789")])
		return "it is no table of headgate's";
	return NULL;
}

/* Bytes before the attributes of a message of that type; 0: a type that is never sent. */
static size_t
head_bytes(uint16_t type)
{
	switch (type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return sizeof(struct rtmsg);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return sizeof(struct ndmsg);
	default:
		return 0;
	}
}

static const char *
netlink_fault(const struct restore_step *s)
{
	struct attrs a;
	size_t n = s->message ? s->message->nlmsg_len : 0;
	size_t head = s->message ? head_bytes(s->message->nlmsg_type) : 0;
	if (!head)
		return "it is no message about an address, a route, a neighbour or a rule";
	head = NLMSG_ALIGN(NLMSG_HDRLEN + head);
	if (n < head || n > RESTORE_MESSAGE_BYTES)
		return "the message has a wrong length";
	attrs_read(&a, (const uint8_t *)s->message + head, n - head);
	if (a.bad)
		return "the message's attributes are broken";
	if (s->ifindex && !is_device(s->device))
		return "the device is missing";
	return fits(s->what, RESTORE_WHAT_BYTES) ? NULL : "the words are missing";
}

static const char *
command_fault(const struct restore_step *s)
{
	if (!fits(s->what, RESTORE_WHAT_BYTES))
		return "the words are missing";
	return fits(s->value, RESTORE_VALUE_BYTES) ? NULL : "there is no command, or a huge one";
}

static const char *
xdp_fault(const struct restore_step *s)
{
	return is_device(s->device) ? NULL : "the device is missing";
}

static const char *
mtu_fault(const struct restore_step *s)
{
	if (s->flags < 68 || s->flags > UINT16_MAX)
		return "that is no MTU";
	return is_device(s->device) ? NULL : "the device is missing";
}

static const struct {
	const char *name;
	const char *(*fault)(const struct restore_step *s);
} kinds[RESTORE_N_KINDS] = {
	[RESTORE_SYSCTL] = {"sysctl", sysctl_fault},
	[RESTORE_FLAGS] = {"flags", flags_fault},
	[RESTORE_NFT_TABLE] = {"nft-table", nft_fault},
	[RESTORE_NETLINK] = {"netlink", netlink_fault},
	[RESTORE_COMMAND] = {"command", command_fault},
	[RESTORE_MTU] = {"mtu", mtu_fault},
	[RESTORE_XDP] = {"xdp", xdp_fault},
};

const char *
restore_step_fault(const struct restore_step *s)
{
	if (!fits(s->owner, RESTORE_OWNER_BYTES))
		return "the owner is missing";
	return kinds[s->kind].fault(s);
}

/* ---- Writing ---- */

static void
put_field(FILE *out, const char *text)
{
	if (!text || !*text)
		fputs(" %-", out);
	else
		fputc(' ', out);
	for (; text && *text; text++) {
		if (*text > ' ' && *text < 0x7f && *text != '%')
			fputc(*text, out);
		else
			fprintf(out, "%%%02x", (uint8_t)*text);
	}
}

static void
put_message(FILE *out, const struct nlmsghdr *message)
{
	const uint8_t *bytes = (const uint8_t *)message;
	fputs(message ? " " : " %-", out);
	for (size_t i = 0; message && i < message->nlmsg_len; i++)
		fprintf(out, "%02x", bytes[i]);
}

/* "START CHECKSUM BODY\n"; frees the body. */
static char *
sign(const char *start, char *body)
{
	char *line = NULL;
	if (body && asprintf(&line, "%s%08" PRIx32 "%s\n", start, checksum(body), body) < 0)
		line = NULL;
	free(body);
	return line;
}

char *
restore_line_format(const struct restore_step *s)
{
	char *body = NULL;
	size_t n;
	FILE *out = open_memstream(&body, &n);
	if (!out)
		return NULL;
	fprintf(out, " %s", kinds[s->kind].name);
	put_field(out, s->owner);
	put_field(out, s->what);
	put_field(out, s->value);
	put_field(out, s->device);
	fprintf(out, " %" PRIu32 " %" PRIu32 " %" PRIu32, s->ifindex, s->flags, s->mask);
	put_message(out, s->message);
	if (fclose(out)) {
		free(body);
		return NULL;
	}
	return sign("+ ", body);
}

char *
restore_header_format(const struct restore_process *p)
{
	char *body = NULL;
	if (asprintf(&body, " %" PRIu32 " %" PRIu64 " %s %" PRIu64 " %" PRIu64, p->pid,
		p->start_ticks, p->boot_id, p->netns[0], p->netns[1]) < 0)
		return NULL;
	return sign(MAGIC, body);
}

/* ---- Reading ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two digits, or -1. */
static int
hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);
	return low < 0 ? -1 : high << 4 | low;
}

/* Cuts the next field off; NULL when there is none. */
static char *
take(char **rest)
{
	return *rest ? strsep(rest, " ") : NULL;
}

/* A text field in place; NULL when it is written wrong, "" when it is empty. */
static const char *
text_of(char *field)
{
	char *to = field;
	if (!field || !*field)
		return NULL;
	if (strcmp(field, "%-") == 0)
		return "";
	for (const char *from = field; *from; from++) {
		int byte = (uint8_t)*from;
		if (byte == '%') {
			byte = hex_byte(from + 1);
			if (byte <= 0)
				return NULL;
			from += 2;
		}
		*to++ = (char)byte;
	}
	*to = 0;
	return field;
}

static bool
number_of(const char *field, uint64_t max, uint64_t *out)
{
	char *end;
	if (!field || !*field || field[strspn(field, "0123456789")] || strlen(field) > 20)
		return false;
	errno = 0;
	*out = strtoull(field, &end, 10);
	return !errno && !*end && *out <= max;
}

static bool
u32_of(const char *field, uint32_t *out)
{
	uint64_t n = 0;
	bool is_good = number_of(field, UINT32_MAX, &n);
	*out = (uint32_t)n;
	return is_good;
}

/* Whether the field is a message; its length must be the one that it says itself. */
static bool
message_of(const char *field, uint8_t *out, const struct nlmsghdr **message)
{
	*message = NULL;
	if (!field || strcmp(field, "%-") == 0)
		return field;
	size_t n = strlen(field) / 2;
	if (strlen(field) % 2 || n < NLMSG_HDRLEN || n > RESTORE_MESSAGE_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		int byte = hex_byte(field + 2 * i);
		if (byte < 0)
			return false;
		out[i] = (uint8_t)byte;
	}
	*message = (const void *)out;
	return (*message)->nlmsg_len == n;
}

static bool
kind_of(const char *field, enum restore_kind *out)
{
	for (unsigned k = 0; field && k < RESTORE_N_KINDS; k++) {
		if (strcmp(field, kinds[k].name) == 0) {
			*out = (enum restore_kind)k;
			return true;
		}
	}
	return false;
}

void
restore_line_sign(char *line)
{
	char text[CHECKSUM_CHARS + 1];
	snprintf(text, sizeof(text), "%08" PRIx32, checksum(line + 2 + CHECKSUM_CHARS));
	memcpy(line, "+ ", 2);
	memcpy(line + 2, text, CHECKSUM_CHARS);
}

/* What stands after "START CHECKSUM ", when the checksum is right; else NULL. */
static char *
body_of(char *line, size_t start_bytes)
{
	char text[CHECKSUM_CHARS + 1];
	if (strlen(line) < start_bytes + CHECKSUM_CHARS + 1)
		return NULL;
	char *body = line + start_bytes + CHECKSUM_CHARS;
	snprintf(text, sizeof(text), "%08" PRIx32, checksum(body));
	if (*body != ' ' || memcmp(text, line + start_bytes, CHECKSUM_CHARS) != 0)
		return NULL;
	return body + 1;
}

int
restore_header_parse(char *line, struct restore_process *out, struct err *err)
{
	size_t n = sizeof(MAGIC) - 1;
	memset(out, 0, sizeof(*out));
	if (strncmp(line, MAGIC, n) != 0)
		return err_set(err, -EBADMSG, "it does not start as a restore file does");
	char *rest = body_of(line, n);
	if (!rest)
		return err_set(err, -EBADMSG, "its checksum is wrong");
	bool is_good = u32_of(take(&rest), &out->pid) &&
		number_of(take(&rest), UINT64_MAX, &out->start_ticks);
	const char *boot = take(&rest);
	is_good = is_good && fits(boot, sizeof(out->boot_id)) &&
		number_of(take(&rest), UINT64_MAX, &out->netns[0]) &&
		number_of(take(&rest), UINT64_MAX, &out->netns[1]) && !rest;
	if (!is_good)
		return err_set(err, -EBADMSG, "it names no process");
	snprintf(out->boot_id, sizeof(out->boot_id), "%s", boot);
	return 0;
}

int
restore_line_parse(char *line, struct restore_step *out, bool *is_live,
	uint8_t aligned[RESTORE_MESSAGE_BYTES], struct err *err)
{
	memset(out, 0, sizeof(*out));
	if ((line[0] != '+' && line[0] != '-') || line[1] != ' ')
		return err_set(err, -EBADMSG, "it is no step");
	*is_live = line[0] == '+';
	char *rest = body_of(line, 2);
	if (!rest)
		return err_set(err, -EBADMSG, "its checksum is wrong");
	if (!kind_of(take(&rest), &out->kind))
		return err_set(err, -EBADMSG, "it is a step of no known kind");
	bool is_good = (out->owner = text_of(take(&rest))) &&
		(out->what = text_of(take(&rest))) && (out->value = text_of(take(&rest))) &&
		(out->device = text_of(take(&rest))) &&
		u32_of(take(&rest), &out->ifindex) && u32_of(take(&rest), &out->flags) &&
		u32_of(take(&rest), &out->mask) &&
		message_of(take(&rest), aligned, &out->message) && !rest;
	if (!is_good)
		return err_set(err, -EBADMSG, "a field of it is missing or wrong");
	const char *fault = restore_step_fault(out);
	return fault ? err_set(err, -EBADMSG, "%s", fault) : 0;
}
