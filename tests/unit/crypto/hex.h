/* SPDX-License-Identifier: BSD-3-Clause */
/* Hexadecimal text of the vector tables into bytes. Include it after cmocka.h. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint8_t
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		fail_msg("'%c' is no hexadecimal digit", c);
	return (uint8_t)(at - digits);
}

/* Returns the number of bytes; fails the test when they are more than room_bytes. */
static inline size_t
hex_parse(uint8_t *out, size_t room_bytes, const char *text)
{
	size_t n = strlen(text) / 2;

	assert_true(strlen(text) % 2 == 0 && n <= room_bytes);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return n;
}

/* Exactly n_bytes. */
static inline void
hex_parse_exact(uint8_t *out, size_t n_bytes, const char *text)
{
	assert_int_equal(hex_parse(out, n_bytes, text), n_bytes);
}
