/* SPDX-License-Identifier: BSD-3-Clause */
/* The forms of values that several keys share. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/config_reader.h"

char *
value_trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = 0;
	return text;
}

int
value_number(const char *text, uint32_t max, uint32_t *out)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	if (!isxdigit((unsigned char)text[is_hex ? 2 : 0]))
		return -EINVAL;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, is_hex ? 16 : 10);
	if (*end || errno || v > max)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int
value_word(const char *text, const char *const *words, size_t n, unsigned *out)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

int
value_text(const char *text, char *out, size_t room_bytes)
{
	size_t n = strlen(text);
	if (n == 0 || n >= room_bytes)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return -EINVAL;
	}
	memset(out, 0, room_bytes);
	memcpy(out, text, n);
	return 0;
}

int
value_list(struct config_reader *r, char *text, int (*read)(struct config_reader *r, char *item))
{
	char *rest = text;
	int rc = 0;
	while (*text && rest && rc == 0) {
		char *item = value_trim(strsep(&rest, ","));
		rc = *item ? read(r, item) : -EINVAL;
	}
	return rc;
}

int
value_mtu(const char *text, uint16_t *out)
{
	uint32_t v;
	if (value_number(text, INTENT_MTU_MAX, &v) < 0 || v < INTENT_MTU_MIN)
		return -EINVAL;
	*out = (uint16_t)v;
	return 0;
}

int
value_address(struct config_reader *r, const char *text, struct prefix_list *out)
{
	struct prefix p;
	if (prefix_parse(text, &p) < 0 || addr_is_multicast(&p.addr))
		return -EINVAL;
	int rc = prefix_list_add(out, &p);
	if (rc == -EEXIST)
		return config_error(r, "Address %s is given twice: take one out", text);
	if (rc == -ENOSPC)
		return config_error(r, "more than %d addresses here", INTENT_MAX_ADDRESSES);
	return rc;
}
