/* SPDX-License-Identifier: BSD-3-Clause */
/* What operations.c exports, once as the hardware does it and once emulated. */
#pragma once

#include <stdint.h>

enum {
	OPERAND_BYTES = 64,
};

/* Any bits; each operation takes of them what it needs. */
struct operands {
	_Alignas(64) uint8_t a[OPERAND_BYTES];
	_Alignas(64) uint8_t b[OPERAND_BYTES];
	_Alignas(64) uint8_t c[OPERAND_BYTES];
	uint64_t k;
	uint32_t n; /* a count of bits or bytes */
};

struct operation {
	const char *text;
	void (*run)(const struct operands *in, uint8_t out[OPERAND_BYTES]);
};

/* The same list in the same order; the last one's text is NULL. */
extern const struct operation real_operations[], emulated_operations[];

/* The lower n bytes of a register to out and from in; the others are masked off. */
void emulated_store(uint8_t *out, unsigned n, const uint8_t in[OPERAND_BYTES]);
void emulated_load(uint8_t out[OPERAND_BYTES], const uint8_t *in, unsigned n);
