/* SPDX-License-Identifier: BSD-3-Clause */
/* Masked memory, emulated, for test_emulation.c. */
#include <immintrin.h>

#include "operations.h"

void
emulated_store(uint8_t *out, unsigned n, const uint8_t in[OPERAND_BYTES])
{
	_mm512_mask_storeu_epi8(out, _bzhi_u64(UINT64_MAX, n), _mm512_loadu_si512(in));
}

void
emulated_load(uint8_t out[OPERAND_BYTES], const uint8_t *in, unsigned n)
{
	_mm512_storeu_si512(out, _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, n), in));
}
