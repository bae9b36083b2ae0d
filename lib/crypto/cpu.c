/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/cpu.h"

bool
cpu_has_avx2(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#else
	return false;
#endif
}

bool
cpu_has_avx512_ifma(void)
{
#ifdef __x86_64__
	return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512ifma");
#else
	return false;
#endif
}
