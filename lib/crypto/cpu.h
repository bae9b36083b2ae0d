/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this machine can do, asked in code that any machine can run: the files of a SIMD backend
 * are compiled for the machine they want, down to their smallest function.
 */
#pragma once

#include <stdbool.h>

/* Both ask the operating system, too: whether it saves such registers (XCR0). Any thread. */
bool cpu_has_avx2(void);        /* AVX2 and BMI2 */
bool cpu_has_avx512_ifma(void); /* AVX-512 F, BW, VL and IFMA, and BMI2 */
