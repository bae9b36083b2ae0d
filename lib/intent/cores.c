/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/cores.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* A number below CORE_MAX and the spaces around it; NULL when there is none. */
static const char *
number_parse(const char *p, unsigned *out)
{
	unsigned v = 0;
	p = skip_space(p);
	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = 10 * v + (unsigned)(*p - '0');
		if (v >= CORE_MAX)
			return NULL;
	}
	*out = v;
	return skip_space(p);
}

bool
core_set_has(const struct core_set *s, unsigned core)
{
	return core < CORE_MAX && (s->bits[core / 64] >> (core % 64) & 1);
}

static void
add_range(struct core_set *s, unsigned first, unsigned last)
{
	for (unsigned c = first; c <= last; c++) {
		s->n = (uint16_t)(s->n + !core_set_has(s, c));
		s->bits[c / 64] |= 1ull << (c % 64);
	}
}

int
core_set_parse(const char *text, struct core_set *out)
{
	struct core_set s = {0};
	const char *p = text;
	for (;;) {
		unsigned first, last;
		p = number_parse(p, &first);
		if (!p)
			return -EINVAL;
		last = first;
		if (*p == '-')
			p = number_parse(p + 1, &last);
		if (!p || last < first)
			return -EINVAL;
		add_range(&s, first, last);
		if (*p != ',')
			break;
		p++;
	}
	if (*p)
		return -EINVAL;
	*out = s;
	return 0;
}
