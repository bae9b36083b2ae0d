/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every line of operations.def as a function of its own. Built twice: with the compiler's
 * <immintrin.h>, and with the one beside this file; OPERATIONS is the name of the list.
 */
#include "operations.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define CONCAT_(x, y) x##y
#define CONCAT(x, y) CONCAT_(x, y)
#define RUN(form, width) CONCAT(run_##form##_##width##_, __LINE__)

/* The operands are there in each width: a, b, c of the function's own, a128 to a512 of the others.
 */
#define FUNCTION(run, vector, load, ...)                                                           \
	static void run(const struct operands *in, uint8_t *out)                                   \
	{                                                                                          \
		const vector a = load(in->a), b = load(in->b), c = load(in->c);                    \
		const __m128i a128 = _mm_load_si128((const __m128i *)in->a);                       \
		const __m128i b128 = _mm_load_si128((const __m128i *)in->b);                       \
		const __m256i a256 = _mm256_load_si256((const __m256i *)in->a);                    \
		const __m256i b256 = _mm256_load_si256((const __m256i *)in->b);                    \
		const __m512i a512 = _mm512_load_si512((const __m512i *)in->a);                    \
		const uint64_t k = in->k;                                                          \
		const uint32_t n = in->n;                                                          \
		const void *p = in->c + 1;                                                         \
		(void)a, (void)b, (void)c, (void)a128, (void)b128, (void)a256, (void)b256;         \
		(void)a512, (void)k, (void)n, (void)p;                                             \
		__VA_ARGS__;                                                                       \
	}
#define LOAD128(from) _mm_load_si128((const __m128i *)(from))
#define LOAD256(from) _mm256_load_si256((const __m256i *)(from))
#define LOAD512(from) _mm512_load_si512((const __m512i *)(from))

#define CALL_128(form, ...)                                                                        \
	FUNCTION(RUN(form, 128), __m128i, LOAD128, _mm_storeu_si128((__m128i *)out, __VA_ARGS__))
#define CALL_256(form, ...)                                                                        \
	FUNCTION(RUN(form, 256), __m256i, LOAD256, _mm256_storeu_si256((__m256i *)out, __VA_ARGS__))
#define CALL_512(form, ...)                                                                        \
	FUNCTION(RUN(form, 512), __m512i, LOAD512, _mm512_storeu_si512((__m512i *)out, __VA_ARGS__))
#define CALL_VALUE(form, ...)                                                                      \
	FUNCTION(RUN(form, VALUE), __m512i, LOAD512, uint64_t value = (uint64_t)(__VA_ARGS__);     \
		 memcpy(out, &value, sizeof(value)))
#define CALL_STORE(form, ...) FUNCTION(RUN(form, STORE), __m512i, LOAD512, __VA_ARGS__)
#define CALL(kind, form, ...) CALL_##kind(form, __VA_ARGS__)
#include "operations.def"
#undef CALL

#define CALL(kind, form, ...) {#__VA_ARGS__, RUN(form, kind)},
const struct operation OPERATIONS[] = {
#include "operations.def"
	{NULL, NULL},
};
