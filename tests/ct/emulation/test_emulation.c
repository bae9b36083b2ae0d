/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated intrinsics against the hardware's, on random operands and on their extremes; and
 * that a masked load or store touches no byte that its mask leaves out. Skipped where the CPU has
 * no AVX-512. The first argument is the seed of another run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "operations.h"

enum {
	ROUNDS = 2000,
	SKIP = 77,
	PAGE_BYTES = 4096,
};

static uint64_t random_state = 20261122;

/* xorshift64* */
static uint64_t
random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* Any bytes; lanes that are 0, all ones or small, as counts and indices are; or half of either. */
static void
fill(uint8_t out[OPERAND_BYTES])
{
	unsigned kind = (unsigned)(random_next() % 5);

	for (unsigned i = 0; i < OPERAND_BYTES; i += 8) {
		uint64_t any = random_next();
		const uint64_t lanes[] = {
			any, any & 0x3f0000003full, 0, UINT64_MAX, any & 0x7f7f7f7f7f7f7f7full};
		memcpy(out + i, &lanes[random_next() % 4 ? kind : any % 5], 8);
	}
}

static void
every_operation_is_the_hardwares(void **state)
{
	unsigned n = 0;

	for (; real_operations[n].text && emulated_operations[n].text; n++) {
		for (unsigned round = 0; round < ROUNDS; round++) {
			_Alignas(64) uint8_t real[OPERAND_BYTES], emulated[OPERAND_BYTES];
			struct operands in;

			fill(in.a);
			fill(in.b);
			fill(in.c);
			in.k = round < 2 ? -(uint64_t)round : random_next();
			in.n = (uint32_t)random_next() >> random_next() % 32;
			memset(real, 0xcc, sizeof(real));
			memset(emulated, 0xcc, sizeof(emulated));
			real_operations[n].run(&in, real);
			emulated_operations[n].run(&in, emulated);
			if (memcmp(real, emulated, sizeof(real)) != 0)
				fail_msg("%s: not what the hardware does",
					emulated_operations[n].text);
		}
	}
	assert_ptr_equal(real_operations[n].text, emulated_operations[n].text);
	print_message("%u calls agree with the hardware\n", n);
}

/* n bytes that end where a page without access begins. */
static uint8_t *
last_bytes_of_a_page(unsigned n)
{
	uint8_t *p = mmap(
		NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + PAGE_BYTES, PAGE_BYTES, PROT_NONE), 0);
	return p + PAGE_BYTES - n;
}

static void
masked_off_bytes_are_not_touched(void **state)
{
	for (unsigned n = 0; n <= OPERAND_BYTES; n++) {
		uint8_t in[OPERAND_BYTES], *p = last_bytes_of_a_page(n);

		memset(in, 0x5a, sizeof(in));
		memset(p, 0x11, n);
		emulated_store(p, n, in);
		assert_memory_equal(p, in, n);
		memset(in, 0xff, sizeof(in));
		emulated_load(in, p, n);
		for (unsigned i = 0; i < sizeof(in); i++)
			assert_int_equal(in[i], i < n ? 0x5a : 0);
		assert_int_equal(munmap(p + n - PAGE_BYTES, 2 * PAGE_BYTES), 0);
	}
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_the_hardwares),
		cmocka_unit_test(masked_off_bytes_are_not_touched),
	};

	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	if (!__builtin_cpu_supports("avx512ifma") || !__builtin_cpu_supports("avx512vbmi2") ||
		!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
		!__builtin_cpu_supports("avx512dq")) {
		print_message("left out: this CPU has no AVX-512 with IFMA and VBMI2\n");
		return SKIP;
	}
	return cmocka_run_group_tests_name("emulation", tests, NULL, NULL);
}
