/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tests/ct/lint must refuse (bad_) and must let pass (good_), a function each. Never linked.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void bad_gather(__m512i *out, const int *table, const __m512i *secret);
void bad_scatter(int *table, const __m512i *secret);
void bad_compress(uint8_t *out, const __m512i *secret, uint16_t mask);
uint64_t bad_division(uint64_t secret, uint64_t by);
uint64_t bad_pext(uint64_t secret, uint64_t mask);
int bad_branch_on_mask(const __m512i *a, const __m512i *b, int *counter);
int bad_branch_on_mask_in_register(const __m512i *a, const __m512i *b, volatile int *counter);
int bad_branch_on_word(const __m128i *secret, volatile int *counter);
int bad_branch_on_sign_bits(const __m256i *secret, volatile int *counter);
int bad_branch_on_test(const __m256i *secret, volatile int *counter);
int bad_look_up(const __m128i *secret, const int *table);
void bad_call(const __m128i *secret);
void bad_call_by_pointer(void (*f)(void));
void good_select(__m512i *out, const __m512i *a, const __m512i *b);
uint64_t good_length(const uint8_t *p, uint64_t n_bytes);
int good_verdict(const __m128i *a, const __m128i *b);
void good_copy(uint8_t *out, const uint8_t *in, size_t n_bytes);

void
bad_gather(__m512i *out, const int *table, const __m512i *secret)
{
	*out = _mm512_i32gather_epi32(*secret, table, 4);
}

void
bad_scatter(int *table, const __m512i *secret)
{
	_mm512_i32scatter_epi32(table, *secret, *secret, 4);
}

void
bad_compress(uint8_t *out, const __m512i *secret, uint16_t mask)
{
	_mm512_mask_compressstoreu_epi32(out, mask, *secret);
}

uint64_t
bad_division(uint64_t secret, uint64_t by)
{
	return secret / by;
}

uint64_t
bad_pext(uint64_t secret, uint64_t mask)
{
	return _pext_u64(secret, mask);
}

int
bad_branch_on_mask(const __m512i *a, const __m512i *b, int *counter)
{
	if (_mm512_cmpeq_epi32_mask(*a, *b) == 0)
		*(volatile int *)counter += 1;
	return 0;
}

int
bad_branch_on_mask_in_register(const __m512i *a, const __m512i *b, volatile int *counter)
{
	unsigned k = _mm512_cmpeq_epi32_mask(*a, *b);

	if ((k * 5 & 0x40) != 0)
		*counter += 1;
	return 0;
}

int
bad_branch_on_word(const __m128i *secret, volatile int *counter)
{
	uint64_t word = (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(*secret, *secret));

	if ((word >> 3) > 1000)
		*counter += 1;
	return 0;
}

int
bad_branch_on_sign_bits(const __m256i *secret, volatile int *counter)
{
	if (_mm256_movemask_epi8(*secret) & 0x10)
		*counter += 1;
	return 0;
}

int
bad_branch_on_test(const __m256i *secret, volatile int *counter)
{
	if (_mm256_testz_si256(*secret, *secret))
		*counter += 1;
	return 0;
}

int
bad_look_up(const __m128i *secret, const int *table)
{
	return table[_mm_cvtsi128_si64(_mm_shuffle_epi8(*secret, *secret)) & 0xff];
}

void
bad_call(const __m128i *secret)
{
	printf("%llx\n", _mm_cvtsi128_si64(*secret));
}

void
bad_call_by_pointer(void (*f)(void))
{
	f();
	__asm__ volatile("");
}

void
good_select(__m512i *out, const __m512i *a, const __m512i *b)
{
	*out = _mm512_mask_blend_epi64(_mm512_cmplt_epu64_mask(*a, *b), *a, *b);
}

uint64_t
good_length(const uint8_t *p, uint64_t n_bytes)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n_bytes; i++)
		sum += p[i];
	return sum;
}

int
good_verdict(const __m128i *a, const __m128i *b)
{
	return _mm_cvtsi128_si64(_mm_xor_si128(*a, *b)) == 0;
}

void
good_copy(uint8_t *out, const uint8_t *in, size_t n_bytes)
{
	memcpy(out, in, n_bytes);
	out[0] = 0;
}
