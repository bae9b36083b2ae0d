/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

enum { LETTERS_MAX = 40 }; /* names are shorter; of a longer text the start is compared */

static bool
is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	return MIN_OF(MIN_OF(a, b), c);
}

/* Optimal string alignment: d[i][j] is the distance between the first i and the first j letters. */
unsigned
edit_distance(const char *a, const char *b)
{
	unsigned d[LETTERS_MAX + 1][LETTERS_MAX + 1];
	size_t n_a = strnlen(a, LETTERS_MAX), n_b = strnlen(b, LETTERS_MAX);
	for (size_t i = 0; i <= n_a; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= n_b; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		for (size_t j = 1; j <= n_b; j++) {
			unsigned exchange = d[i - 1][j - 1] + !is_same(a[i - 1], b[j - 1]);
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, exchange);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
				is_same(a[i - 2], b[j - 1]))
				d[i][j] = MIN_OF(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[n_a][n_b];
}

const char *
nearest_name(const char *text, const void *names, size_t n, size_t stride_bytes)
{
	const char *best = NULL;
	unsigned best_distance = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name;
		memcpy(&name, (const char *)names + i * stride_bytes, sizeof(name));
		unsigned distance = edit_distance(text, name);
		if (distance > (strlen(name) + 2) / 3 || (best && distance >= best_distance))
			continue;
		best = name;
		best_distance = distance;
	}
	return best;
}
