/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AVX-512 in plain C, a lane at a time. Standing first among the include folders, it is taken for
 * the compiler's <immintrin.h>, so lib/crypto's AVX-512 sources compile unchanged into code that
 * valgrind 3.19 can run, which knows no AVX-512. A line below is an instruction, by its operation
 * in Intel's Intrinsics Guide; test_emulation.c compares each with the real one.
 *
 * What takes constant time there does so here: no select, compare or sum branches. What does not
 * shows: the mask of a load or store is a branch here, and the index of a permute an address, so
 * valgrind reports one that is secret (of the latter the hardware would keep it; the report is the
 * stricter rule). Gathers, scatters, compresses and expands are left out on purpose.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define EMU_REGISTER(bits)                                                                         \
	typedef union {                                                                            \
		uint8_t b[(bits) / 8];                                                             \
		uint16_t w[(bits) / 16];                                                           \
		uint32_t d[(bits) / 32];                                                           \
		uint64_t q[(bits) / 64];                                                           \
		uint64_t x[(bits) / 128][2];                                                       \
	} __attribute__((aligned((bits) / 8), may_alias)) __m##bits##i;
EMU_REGISTER(128)
EMU_REGISTER(256)
EMU_REGISTER(512)

typedef uint8_t __mmask8;
typedef uint16_t __mmask16;
typedef uint32_t __mmask32;
typedef uint64_t __mmask64;

/* The source asks whether the CPU has what is emulated here. */
#define __builtin_cpu_supports(feature) 1

#define EMU_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EMU_TYPE(array) __typeof__((array)[0])
#define EMU_BIT(k, i) ((uint64_t)(k) >> (i)&1)

/* Without a branch: lanes may be chosen by a mask that is secret. */
static inline uint64_t
emu_select(uint64_t bit, uint64_t if_one, uint64_t if_zero)
{
	return if_zero ^ ((if_one ^ if_zero) & -bit);
}

/* ---- each lane out of lanes of a, b and c ---- */

/* One function: r.lane[i] = value, for every i. */
#define EMU_PLAIN(vector, function, lane, value, ...)                                              \
	static inline vector function(__VA_ARGS__)                                                 \
	{                                                                                          \
		vector r;                                                                          \
		for (unsigned i = 0; i < EMU_COUNT(r.lane); i++)                                   \
			r.lane[i] = (EMU_TYPE(r.lane))(value);                                     \
		return r;                                                                          \
	}
/* The same where k has a 1, and `kept` where it has a 0. */
#define EMU_MASKED(vector, function, lane, plain, kept, ...)                                       \
	static inline vector function(__VA_ARGS__)                                                 \
	{                                                                                          \
		vector r = plain;                                                                  \
		for (unsigned i = 0; i < EMU_COUNT(r.lane); i++)                                   \
			r.lane[i] = (EMU_TYPE(r.lane))emu_select(EMU_BIT(k, i), r.lane[i], kept);  \
		return r;                                                                          \
	}
/* A name as op, mask_op and maskz_op: lanes that the mask leaves out are src's, or 0. */
#define EMU_OP(mm, vector, name, lane, value, call, ...)                                           \
	EMU_PLAIN(vector, mm##_##name, lane, value, __VA_ARGS__)                                   \
	EMU_MASKED(vector, mm##_mask_##name, lane, mm##_##name call, src.lane[i], vector src,      \
		uint64_t k, __VA_ARGS__)                                                           \
	EMU_MASKED(vector, mm##_maskz_##name, lane, mm##_##name call, 0, uint64_t k, __VA_ARGS__)
/* With three registers it is a that the mask keeps. */
#define EMU_OP3(mm, vector, name, lane, value)                                                     \
	EMU_PLAIN(vector, mm##_##name, lane, value, vector a, vector b, vector c)                  \
	EMU_MASKED(vector, mm##_mask_##name, lane, mm##_##name(a, b, c), a.lane[i], vector a,      \
		uint64_t k, vector b, vector c)                                                    \
	EMU_MASKED(vector, mm##_maskz_##name, lane, mm##_##name(a, b, c), 0, uint64_t k, vector a, \
		vector b, vector c)

/* In all three widths: of one register, of one and a constant, of two, and so on. */
#define EMU_1(name, lane, value)                                                                   \
	EMU_OP(_mm, __m128i, name, lane, value, (a), __m128i a)                                    \
	EMU_OP(_mm256, __m256i, name, lane, value, (a), __m256i a)                                 \
	EMU_OP(_mm512, __m512i, name, lane, value, (a), __m512i a)
#define EMU_1_IMM(name, lane, value)                                                               \
	EMU_OP(_mm, __m128i, name, lane, value, (a, imm), __m128i a, unsigned imm)                 \
	EMU_OP(_mm256, __m256i, name, lane, value, (a, imm), __m256i a, unsigned imm)              \
	EMU_OP(_mm512, __m512i, name, lane, value, (a, imm), __m512i a, unsigned imm)
#define EMU_2(name, lane, value)                                                                   \
	EMU_OP(_mm, __m128i, name, lane, value, (a, b), __m128i a, __m128i b)                      \
	EMU_OP(_mm256, __m256i, name, lane, value, (a, b), __m256i a, __m256i b)                   \
	EMU_OP(_mm512, __m512i, name, lane, value, (a, b), __m512i a, __m512i b)
#define EMU_2_IMM(name, lane, value)                                                               \
	EMU_OP(_mm, __m128i, name, lane, value, (a, b, imm), __m128i a, __m128i b, unsigned imm)   \
	EMU_OP(_mm256, __m256i, name, lane, value, (a, b, imm), __m256i a, __m256i b,              \
		unsigned imm)                                                                      \
	EMU_OP(_mm512, __m512i, name, lane, value, (a, b, imm), __m512i a, __m512i b, unsigned imm)
#define EMU_3(name, lane, value)                                                                   \
	EMU_OP3(_mm, __m128i, name, lane, value)                                                   \
	EMU_OP3(_mm256, __m256i, name, lane, value)                                                \
	EMU_OP3(_mm512, __m512i, name, lane, value)

/* Sums and products. */
EMU_2(add_epi32, d, a.d[i] + b.d[i])
EMU_2(add_epi64, q, a.q[i] + b.q[i])
EMU_2(sub_epi32, d, a.d[i] - b.d[i])
EMU_2(sub_epi64, q, a.q[i] - b.q[i])
EMU_2(mul_epu32, q, (a.q[i] & 0xffffffff) * (b.q[i] & 0xffffffff))
EMU_2(mullo_epi32, d, a.d[i] * b.d[i])
EMU_2(mullo_epi64, q, a.q[i] * b.q[i])
#define EMU_PRODUCT52 ((unsigned __int128)(b.q[i] << 12 >> 12) * (c.q[i] << 12 >> 12))
EMU_3(madd52lo_epu64, q, a.q[i] + ((uint64_t)EMU_PRODUCT52 << 12 >> 12))
EMU_3(madd52hi_epu64, q, a.q[i] + (uint64_t)(EMU_PRODUCT52 >> 52))

/* Bits. */
#define EMU_LOGIC(name, value)                                                                     \
	EMU_PLAIN(__m128i, _mm_##name##_si128, q, value, __m128i a, __m128i b)                     \
	EMU_PLAIN(__m256i, _mm256_##name##_si256, q, value, __m256i a, __m256i b)                  \
	EMU_PLAIN(__m512i, _mm512_##name##_si512, q, value, __m512i a, __m512i b)
EMU_LOGIC(and, a.q[i] & b.q[i])
EMU_LOGIC(andnot, ~a.q[i] & b.q[i])
EMU_LOGIC(or, a.q[i] | b.q[i])
EMU_LOGIC(xor, a.q[i] ^ b.q[i])
EMU_2(and_epi32, d, a.d[i] & b.d[i])
EMU_2(and_epi64, q, a.q[i] & b.q[i])
EMU_2(andnot_epi32, d, ~a.d[i] & b.d[i])
EMU_2(andnot_epi64, q, ~a.q[i] & b.q[i])
EMU_2(or_epi32, d, a.d[i] | b.d[i])
EMU_2(or_epi64, q, a.q[i] | b.q[i])
EMU_2(xor_epi32, d, a.d[i] ^ b.d[i])
EMU_2(xor_epi64, q, a.q[i] ^ b.q[i])

/* Bit n of the constant is the answer where the bits of a, b and c read n, a's first. */
static inline uint64_t
emu_ternary(uint64_t a, uint64_t b, uint64_t c, unsigned imm)
{
	uint64_t r = 0;

	for (unsigned n = 0; n < 8; n++) {
		uint64_t here = (n & 4 ? a : ~a) & (n & 2 ? b : ~b) & (n & 1 ? c : ~c);
		r |= here & -(uint64_t)(imm >> n & 1);
	}
	return r;
}
#define EMU_TERNARY(mm, vector, name, lane)                                                        \
	EMU_PLAIN(vector, mm##_##name, lane, emu_ternary(a.lane[i], b.lane[i], c.lane[i], imm),    \
		vector a, vector b, vector c, unsigned imm)                                        \
	EMU_MASKED(vector, mm##_mask_##name, lane, mm##_##name(a, b, c, imm), a.lane[i], vector a, \
		uint64_t k, vector b, vector c, unsigned imm)                                      \
	EMU_MASKED(vector, mm##_maskz_##name, lane, mm##_##name(a, b, c, imm), 0, uint64_t k,      \
		vector a, vector b, vector c, unsigned imm)
EMU_TERNARY(_mm, __m128i, ternarylogic_epi32, d)
EMU_TERNARY(_mm, __m128i, ternarylogic_epi64, q)
EMU_TERNARY(_mm256, __m256i, ternarylogic_epi32, d)
EMU_TERNARY(_mm256, __m256i, ternarylogic_epi64, q)
EMU_TERNARY(_mm512, __m512i, ternarylogic_epi32, d)
EMU_TERNARY(_mm512, __m512i, ternarylogic_epi64, q)

/*
 * Shifts and turns. A count of the lane's width or more gives 0; turns take it modulo the width.
 * Counts are public: which shift is done branches on them.
 */
#define EMU_LEFT(value, n, bits) ((n) < (bits) ? (uint64_t)(value) << (n) : 0)
#define EMU_RIGHT(value, n, bits) ((n) < (bits) ? (uint64_t)(value) >> (n) : 0)
#define EMU_ROL(value, n, bits) ((value) << ((n) % (bits)) | (value) >> (-(n) % (bits)))
/* The upper half of hi:lo turned left by n; of the lower one turned right. */
#define EMU_SHL2(hi, lo, n) ((hi) << ((n) % 64) | (n % 64 ? (lo) >> (-(n) % 64) : 0))
#define EMU_SHR2(hi, lo, n) ((lo) >> ((n) % 64) | (n % 64 ? (hi) << (-(n) % 64) : 0))
EMU_1_IMM(slli_epi32, d, EMU_LEFT(a.d[i], imm, 32))
EMU_1_IMM(slli_epi64, q, EMU_LEFT(a.q[i], imm, 64))
EMU_1_IMM(srli_epi32, d, EMU_RIGHT(a.d[i], imm, 32))
EMU_1_IMM(srli_epi64, q, EMU_RIGHT(a.q[i], imm, 64))
EMU_1_IMM(srai_epi32, d, (int32_t)a.d[i] >> (imm < 32 ? imm : 31))
EMU_1_IMM(srai_epi64, q, (int64_t)a.q[i] >> (imm < 64 ? imm : 63))
EMU_2(sllv_epi32, d, EMU_LEFT(a.d[i], b.d[i], 32))
EMU_2(sllv_epi64, q, EMU_LEFT(a.q[i], b.q[i], 64))
EMU_2(srlv_epi32, d, EMU_RIGHT(a.d[i], b.d[i], 32))
EMU_2(srlv_epi64, q, EMU_RIGHT(a.q[i], b.q[i], 64))
EMU_1_IMM(rol_epi32, d, EMU_ROL(a.d[i], imm, 32))
EMU_1_IMM(rol_epi64, q, EMU_ROL(a.q[i], imm, 64))
EMU_1_IMM(ror_epi32, d, EMU_ROL(a.d[i], -imm, 32))
EMU_1_IMM(ror_epi64, q, EMU_ROL(a.q[i], -imm, 64))
EMU_2(rolv_epi32, d, EMU_ROL(a.d[i], b.d[i], 32))
EMU_2_IMM(shldi_epi64, q, EMU_SHL2(a.q[i], b.q[i], imm))
EMU_2_IMM(shrdi_epi64, q, EMU_SHR2(b.q[i], a.q[i], imm))
/* Bytes within each 128 bits. */
#define EMU_BYTES(mm, vector)                                                                      \
	EMU_PLAIN(vector, mm##_bslli_epi128, b, i % 16 < imm ? 0 : a.b[i - imm % 16], vector a,    \
		unsigned imm)                                                                      \
	EMU_PLAIN(vector, mm##_bsrli_epi128, b, i % 16 + imm > 15 ? 0 : a.b[i + imm % 16],         \
		vector a, unsigned imm)
EMU_BYTES(_mm256, __m256i)
EMU_BYTES(_mm512, __m512i)

/* Lanes moved within each 128 bits. */
EMU_2(unpacklo_epi32, d, (i & 1 ? b : a).d[(i & ~3u) + i % 4 / 2])
EMU_2(unpackhi_epi32, d, (i & 1 ? b : a).d[(i & ~3u) + i % 4 / 2 + 2])
EMU_2(unpacklo_epi64, q, (i & 1 ? b : a).q[i & ~1u])
EMU_2(unpackhi_epi64, q, (i & 1 ? b : a).q[i | 1])
EMU_1_IMM(shuffle_epi32, d, a.d[(i & ~3u) + (imm >> i % 4 * 2 & 3)])
EMU_2(shuffle_epi8, b, b.b[i] & 0x80 ? 0 : a.b[(i & ~15u) + b.b[i] % 16])

/* Lanes moved anywhere, by an index each: a[b] or, of two registers, (a:c)[b]. */
EMU_2(permutexvar_epi8, b, b.b[a.b[i] % EMU_COUNT(b.b)])
EMU_2(permutexvar_epi16, w, b.w[a.w[i] % EMU_COUNT(b.w)])
#define EMU_EITHER(lane) (b.lane[i] & EMU_COUNT(b.lane) ? c : a).lane[b.lane[i] % EMU_COUNT(b.lane)]
EMU_3(permutex2var_epi8, b, EMU_EITHER(b))
EMU_3(permutex2var_epi16, w, EMU_EITHER(w))
EMU_3(permutex2var_epi32, d, EMU_EITHER(d))
EMU_3(permutex2var_epi64, q, EMU_EITHER(q))
/* There are no such of 128 bits. */
#define EMU_2_WIDE(name, lane, value)                                                              \
	EMU_OP(_mm256, __m256i, name, lane, value, (a, b), __m256i a, __m256i b)                   \
	EMU_OP(_mm512, __m512i, name, lane, value, (a, b), __m512i a, __m512i b)
EMU_2_WIDE(permutexvar_epi32, d, b.d[a.d[i] % EMU_COUNT(b.d)])
EMU_2_WIDE(permutexvar_epi64, q, b.q[a.q[i] % EMU_COUNT(b.q)])
#define EMU_1_IMM_WIDE(name, lane, value)                                                          \
	EMU_OP(_mm256, __m256i, name, lane, value, (a, imm), __m256i a, unsigned imm)              \
	EMU_OP(_mm512, __m512i, name, lane, value, (a, imm), __m512i a, unsigned imm)
EMU_1_IMM_WIDE(permutex_epi64, q, a.q[(i & ~3u) + (imm >> i % 4 * 2 & 3)])
/* Fours of 32 bits or pairs of 64: the lower half of r from a, the upper from b. */
#define EMU_QUARTERS(lane, per)                                                                    \
	(i < EMU_COUNT(a.lane) / 2 ? a : b).lane[(imm >> i / (per)*2 & 3) * (per) + i % (per)]
EMU_OP(_mm512, __m512i, shuffle_i32x4, d, EMU_QUARTERS(d, 4), (a, b, imm), __m512i a, __m512i b,
	unsigned imm)
EMU_OP(_mm512, __m512i, shuffle_i64x2, q, EMU_QUARTERS(q, 2), (a, b, imm), __m512i a, __m512i b,
	unsigned imm)
#define EMU_HALVES(lane, per) (i < (per) ? a : b).lane[(imm >> i / (per)&1) * (per) + i % (per)]
EMU_OP(_mm256, __m256i, shuffle_i32x4, d, EMU_HALVES(d, 4), (a, b, imm), __m256i a, __m256i b,
	unsigned imm)
EMU_OP(_mm256, __m256i, shuffle_i64x2, q, EMU_HALVES(q, 2), (a, b, imm), __m256i a, __m256i b,
	unsigned imm)
/* b:a as lanes, moved down by imm of them. */
#define EMU_FROM(lane, at) ((at) < EMU_COUNT(a.lane) ? b : a).lane[(at) % EMU_COUNT(a.lane)]
EMU_2_IMM(alignr_epi32, d, EMU_FROM(d, i + imm % EMU_COUNT(a.d)))
EMU_2_IMM(alignr_epi64, q, EMU_FROM(q, i + imm % EMU_COUNT(a.q)))

/* ---- lanes chosen by masks, and masks made of lanes ---- */

EMU_1(mov_epi8, b, a.b[i])
EMU_1(mov_epi32, d, a.d[i])
EMU_1(mov_epi64, q, a.q[i])
#define EMU_SELECT(mm, vector, name, lane)                                                         \
	EMU_MASKED(vector, mm##_mask_blend_##name, lane, b, a.lane[i], uint64_t k, vector a,       \
		vector b)
EMU_SELECT(_mm256, __m256i, epi32, d)
EMU_SELECT(_mm256, __m256i, epi64, q)
EMU_SELECT(_mm512, __m512i, epi8, b)
EMU_SELECT(_mm512, __m512i, epi32, d)
EMU_SELECT(_mm512, __m512i, epi64, q)

/* k holds a 1 for each lane of which `is_so` holds; the mask_ form for those of k1 alone. */
#define EMU_TEST(mm, vector, name, lane, mask, is_so)                                              \
	static inline mask mm##_##name##_mask(vector a, vector b)                                  \
	{                                                                                          \
		uint64_t k = 0;                                                                    \
		for (unsigned i = 0; i < EMU_COUNT(a.lane); i++)                                   \
			k |= (uint64_t)(is_so) << i;                                               \
		return (mask)k;                                                                    \
	}                                                                                          \
	static inline mask mm##_mask_##name##_mask(mask k1, vector a, vector b)                    \
	{                                                                                          \
		return k1 & mm##_##name##_mask(a, b);                                              \
	}
#define EMU_TESTS(name, value, lane, k128, k256, k512)                                             \
	EMU_TEST(_mm, __m128i, name, lane, k128, value)                                            \
	EMU_TEST(_mm256, __m256i, name, lane, k256, value)                                         \
	EMU_TEST(_mm512, __m512i, name, lane, k512, value)
EMU_TESTS(cmpeq_epi8, a.b[i] == b.b[i], b, __mmask16, __mmask32, __mmask64)
#define EMU_TESTS_OF(size, sign, lane, k512)                                                       \
	EMU_TESTS(cmpeq_ep##sign##size, a.lane[i] == b.lane[i], lane, __mmask8, __mmask8, k512)    \
	EMU_TESTS(cmpneq_ep##sign##size, a.lane[i] != b.lane[i], lane, __mmask8, __mmask8, k512)
EMU_TESTS_OF(32, i, d, __mmask16)
EMU_TESTS_OF(32, u, d, __mmask16)
EMU_TESTS_OF(64, i, q, __mmask8)
EMU_TESTS_OF(64, u, q, __mmask8)
#define EMU_ORDER_OF(size, lane, k512)                                                             \
	EMU_TESTS(cmplt_epu##size, a.lane[i] < b.lane[i], lane, __mmask8, __mmask8, k512)          \
	EMU_TESTS(cmple_epu##size, a.lane[i] <= b.lane[i], lane, __mmask8, __mmask8, k512)         \
	EMU_TESTS(cmpgt_epu##size, a.lane[i] > b.lane[i], lane, __mmask8, __mmask8, k512)          \
	EMU_TESTS(cmpge_epu##size, a.lane[i] >= b.lane[i], lane, __mmask8, __mmask8, k512)         \
	EMU_TESTS(test_epi##size, (a.lane[i] & b.lane[i]) != 0, lane, __mmask8, __mmask8, k512)    \
	EMU_TESTS(testn_epi##size, (a.lane[i] & b.lane[i]) == 0, lane, __mmask8, __mmask8, k512)
EMU_ORDER_OF(32, d, __mmask16)
EMU_ORDER_OF(64, q, __mmask8)

EMU_PLAIN(__m512i, _mm512_movm_epi32, d, -(uint32_t)EMU_BIT(k, i), __mmask16 k)
EMU_PLAIN(__m512i, _mm512_movm_epi64, q, -EMU_BIT(k, i), __mmask8 k)

/* ---- registers from values, and values from registers ---- */

#define EMU_SET1(mm, vector)                                                                       \
	EMU_PLAIN(vector, mm##_set1_epi8, b, value, char value)                                    \
	EMU_PLAIN(vector, mm##_set1_epi16, w, value, short value)                                  \
	EMU_PLAIN(vector, mm##_set1_epi32, d, value, int value)                                    \
	EMU_PLAIN(vector, mm##_maskz_set1_epi32, d, EMU_BIT(k, i) * (uint32_t)value, uint64_t k,   \
		int value)                                                                         \
	EMU_PLAIN(vector, mm##_maskz_set1_epi64, q, EMU_BIT(k, i) * (uint64_t)value, uint64_t k,   \
		long long value)                                                                   \
	EMU_MASKED(vector, mm##_mask_set1_epi32, d, mm##_set1_epi32(value), src.d[i], vector src,  \
		uint64_t k, int value)
EMU_SET1(_mm, __m128i)
EMU_SET1(_mm256, __m256i)
EMU_SET1(_mm512, __m512i)
EMU_PLAIN(__m128i, _mm_set1_epi64x, q, value, long long value)
EMU_PLAIN(__m256i, _mm256_set1_epi64x, q, value, long long value)
EMU_PLAIN(__m512i, _mm512_set1_epi64, q, value, long long value)
EMU_MASKED(__m512i, _mm512_mask_set1_epi64, q, _mm512_set1_epi64(value), src.q[i], __m512i src,
	uint64_t k, long long value)
EMU_PLAIN(__m128i, _mm_setzero_si128, q, 0, void)
EMU_PLAIN(__m256i, _mm256_setzero_si256, q, 0, void)
EMU_PLAIN(__m512i, _mm512_setzero_si512, q, 0, void)

/* The last one named is lane 0; with setr the first. */
#define _mm512_setr_epi64(...) ((__m512i){.q = {__VA_ARGS__}})
#define _mm512_setr_epi32(...) ((__m512i){.d = {__VA_ARGS__}})
#define _mm256_setr_epi32(...) ((__m256i){.d = {__VA_ARGS__}})
#define _mm256_setr_epi64x(...) ((__m256i){.q = {__VA_ARGS__}})
#define _mm_setr_epi32(...) ((__m128i){.d = {__VA_ARGS__}})
#define _mm512_set_epi64(h, g, f, e, d, c, b, a) _mm512_setr_epi64(a, b, c, d, e, f, g, h)
#define _mm512_set_epi32(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)                           \
	_mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
#define _mm256_set_epi64x(d, c, b, a) _mm256_setr_epi64x(a, b, c, d)
#define _mm256_set_epi32(h, g, f, e, d, c, b, a) _mm256_setr_epi32(a, b, c, d, e, f, g, h)
#define _mm_set_epi64x(b, a) ((__m128i){.q = {a, b}})
#define _mm_set_epi32(d, c, b, a) _mm_setr_epi32(a, b, c, d)

EMU_PLAIN(__m128i, _mm_cvtsi64_si128, q, i ? 0 : value, long long value)
EMU_PLAIN(__m128i, _mm_cvtsi32_si128, d, i ? 0 : value, int value)

static inline long long
_mm_cvtsi128_si64(__m128i a)
{
	return (long long)a.q[0];
}

static inline long long
_mm_extract_epi64(__m128i a, unsigned imm)
{
	return (long long)a.q[imm & 1];
}

static inline long long
_mm512_reduce_add_epi64(__m512i a)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 8; i++)
		sum += a.q[i];
	return (long long)sum;
}

/* A narrow one repeated. */
#define EMU_BROADCAST(mm, to, name, from, lane)                                                    \
	EMU_OP(mm, to, name, lane, a.lane[i % EMU_COUNT(a.lane)], (a), from a)
EMU_BROADCAST(_mm512, __m512i, broadcast_i32x4, __m128i, d)
EMU_BROADCAST(_mm512, __m512i, broadcast_i64x2, __m128i, q)
EMU_BROADCAST(_mm512, __m512i, broadcast_i32x8, __m256i, d)
EMU_BROADCAST(_mm512, __m512i, broadcast_i64x4, __m256i, q)
EMU_BROADCAST(_mm256, __m256i, broadcast_i32x4, __m128i, d)
EMU_BROADCAST(_mm256, __m256i, broadcast_i64x2, __m128i, q)
EMU_OP(_mm512, __m512i, broadcastd_epi32, d, a.d[0], (a), __m128i a)
EMU_OP(_mm512, __m512i, broadcastq_epi64, q, a.q[0], (a), __m128i a)
EMU_OP(_mm256, __m256i, broadcastd_epi32, d, a.d[0], (a), __m128i a)
EMU_OP(_mm256, __m256i, broadcastq_epi64, q, a.q[0], (a), __m128i a)

/* Widened with zeros, or narrowed by leaving the upper half of each lane. */
EMU_OP(_mm512, __m512i, cvtepu32_epi64, q, a.d[i], (a), __m256i a)
EMU_OP(_mm512, __m512i, cvtepu8_epi32, d, a.b[i], (a), __m128i a)
EMU_OP(_mm512, __m512i, cvtepu8_epi64, q, a.b[i], (a), __m128i a)
EMU_OP(_mm512, __m512i, cvtepu16_epi32, d, a.w[i], (a), __m256i a)
EMU_OP(_mm256, __m256i, cvtepu32_epi64, q, a.d[i], (a), __m128i a)
EMU_OP(_mm512, __m256i, cvtepi64_epi32, d, a.q[i], (a), __m512i a)

/* A part of a register taken out (imm says which), or put in. */
#define EMU_EXTRACT(mm, to, name, from, lane)                                                      \
	EMU_OP(mm, to, name, lane,                                                                 \
		a.lane[imm % (EMU_COUNT(a.lane) / EMU_COUNT(r.lane)) * EMU_COUNT(r.lane) + i],     \
		(a, imm), from a, unsigned imm)
EMU_EXTRACT(_mm512, __m128i, extracti32x4_epi32, __m512i, d)
EMU_EXTRACT(_mm512, __m128i, extracti64x2_epi64, __m512i, q)
EMU_EXTRACT(_mm512, __m256i, extracti32x8_epi32, __m512i, d)
EMU_EXTRACT(_mm512, __m256i, extracti64x4_epi64, __m512i, q)
EMU_EXTRACT(_mm256, __m128i, extracti32x4_epi32, __m256i, d)
EMU_EXTRACT(_mm256, __m128i, extracti64x2_epi64, __m256i, q)
EMU_EXTRACT(_mm256, __m128i, extracti128_si256, __m256i, q)
#define EMU_INSERT(mm, to, name, part, lane)                                                       \
	EMU_OP(mm, to, name, lane,                                                                 \
		i / EMU_COUNT(b.lane) == imm % (EMU_COUNT(a.lane) / EMU_COUNT(b.lane))             \
			? b.lane[i % EMU_COUNT(b.lane)]                                            \
			: a.lane[i],                                                               \
		(a, b, imm), to a, part b, unsigned imm)
EMU_INSERT(_mm512, __m512i, inserti32x4, __m128i, d)
EMU_INSERT(_mm512, __m512i, inserti64x2, __m128i, q)
EMU_INSERT(_mm512, __m512i, inserti32x8, __m256i, d)
EMU_INSERT(_mm512, __m512i, inserti64x4, __m256i, q)
EMU_INSERT(_mm256, __m256i, inserti64x2, __m128i, q)
EMU_INSERT(_mm256, __m256i, inserti128_si256, __m128i, q)

/* Lower parts; widened, the upper part is whatever was there: something that would be noticed. */
EMU_PLAIN(__m128i, _mm256_castsi256_si128, q, a.q[i], __m256i a)
EMU_PLAIN(__m128i, _mm512_castsi512_si128, q, a.q[i], __m512i a)
EMU_PLAIN(__m256i, _mm512_castsi512_si256, q, a.q[i], __m512i a)
EMU_PLAIN(__m256i, _mm256_castsi128_si256, q, i < 2 ? a.q[i % 2] : 0xabad1dea + i, __m128i a)
EMU_PLAIN(__m512i, _mm512_castsi128_si512, q, i < 2 ? a.q[i % 2] : 0xabad1dea + i, __m128i a)
EMU_PLAIN(__m512i, _mm512_castsi256_si512, q, i < 4 ? a.q[i % 4] : 0xabad1dea + i, __m256i a)
EMU_PLAIN(__m256i, _mm256_zextsi128_si256, q, i < 2 ? a.q[i % 2] : 0, __m128i a)
EMU_PLAIN(__m512i, _mm512_zextsi128_si512, q, i < 2 ? a.q[i % 2] : 0, __m128i a)
EMU_PLAIN(__m512i, _mm512_zextsi256_si512, q, i < 4 ? a.q[i % 4] : 0, __m256i a)

/* ---- memory ---- */

/* The aligned forms fault where they would. */
#define EMU_MEMORY(vector, load, store, aligned_load, aligned_store)                               \
	static inline vector load(const void *p)                                                   \
	{                                                                                          \
		vector r;                                                                          \
		memcpy(&r, p, sizeof(r));                                                          \
		return r;                                                                          \
	}                                                                                          \
	static inline void store(void *p, vector a)                                                \
	{                                                                                          \
		memcpy(p, &a, sizeof(a));                                                          \
	}                                                                                          \
	static inline vector aligned_load(const void *p)                                           \
	{                                                                                          \
		if ((uintptr_t)p % sizeof(vector) != 0)                                            \
			__builtin_trap();                                                          \
		return load(p);                                                                    \
	}                                                                                          \
	static inline void aligned_store(void *p, vector a)                                        \
	{                                                                                          \
		if ((uintptr_t)p % sizeof(vector) != 0)                                            \
			__builtin_trap();                                                          \
		store(p, a);                                                                       \
	}
EMU_MEMORY(__m128i, _mm_loadu_si128, _mm_storeu_si128, _mm_load_si128, _mm_store_si128)
EMU_MEMORY(__m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_load_si256, _mm256_store_si256)
EMU_MEMORY(__m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_load_si512, _mm512_store_si512)

static inline __m128i
_mm_loadl_epi64(const void *p)
{
	__m128i r = {.q = {0, 0}};

	memcpy(&r, p, 8);
	return r;
}

static inline void
_mm_storel_epi64(void *p, __m128i a)
{
	memcpy(p, &a, 8);
}

/* Bytes that the mask leaves out are neither read nor written, and may lie where nothing is. */
#define EMU_MASKED_MEMORY(mm, vector, size, lane)                                                  \
	static inline vector mm##_loadu_epi##size(const void *p)                                   \
	{                                                                                          \
		vector r;                                                                          \
		memcpy(&r, p, sizeof(r));                                                          \
		return r;                                                                          \
	}                                                                                          \
	static inline void mm##_storeu_epi##size(void *p, vector a)                                \
	{                                                                                          \
		memcpy(p, &a, sizeof(a));                                                          \
	}                                                                                          \
	static inline vector mm##_mask_loadu_epi##size(vector src, uint64_t k, const void *p)      \
	{                                                                                          \
		for (unsigned i = 0; i < EMU_COUNT(src.lane); i++) {                               \
			if (EMU_BIT(k, i))                                                         \
				memcpy(&src.lane[i], (const uint8_t *)p + i * ((size) / 8),        \
					(size) / 8);                                               \
		}                                                                                  \
		return src;                                                                        \
	}                                                                                          \
	static inline vector mm##_maskz_loadu_epi##size(uint64_t k, const void *p)                 \
	{                                                                                          \
		vector zero;                                                                       \
		memset(&zero, 0, sizeof(zero));                                                    \
		return mm##_mask_loadu_epi##size(zero, k, p);                                      \
	}                                                                                          \
	static inline void mm##_mask_storeu_epi##size(void *p, uint64_t k, vector a)               \
	{                                                                                          \
		for (unsigned i = 0; i < EMU_COUNT(a.lane); i++) {                                 \
			if (EMU_BIT(k, i))                                                         \
				memcpy((uint8_t *)p + i * ((size) / 8), &a.lane[i], (size) / 8);   \
		}                                                                                  \
	}
#define EMU_MASKED_MEMORIES(mm, vector)                                                            \
	EMU_MASKED_MEMORY(mm, vector, 8, b)                                                        \
	EMU_MASKED_MEMORY(mm, vector, 16, w)                                                       \
	EMU_MASKED_MEMORY(mm, vector, 32, d)                                                       \
	EMU_MASKED_MEMORY(mm, vector, 64, q)
EMU_MASKED_MEMORIES(_mm, __m128i)
EMU_MASKED_MEMORIES(_mm256, __m256i)
EMU_MASKED_MEMORIES(_mm512, __m512i)

enum _mm_hint {
	_MM_HINT_T0 = 3,
	_MM_HINT_T1 = 2,
	_MM_HINT_T2 = 1,
	_MM_HINT_NTA = 0,
};

static inline void
_mm_prefetch(const void *p, enum _mm_hint hint)
{
}

/* ---- general registers ---- */

/* The lower n bits; n is public. */
static inline uint64_t
_bzhi_u64(uint64_t a, unsigned n)
{
	return (n & 0xff) < 64 ? a & ((1ull << (n & 0xff)) - 1) : a;
}

static inline uint32_t
_bzhi_u32(uint32_t a, unsigned n)
{
	return (n & 0xff) < 32 ? a & ((1u << (n & 0xff)) - 1) : a;
}
