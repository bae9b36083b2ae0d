/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AEAD backends by name, in the order of preference, the portable one last. A new one is a
 * line in this list: the table (aead_backends.c), option, config, manual and completion follow.
 * Who only needs names is not linked with the backends.
 */
#pragma once

#include <stdbool.h>

/* FIRST for the first row, NEXT for every other. */
#define AEAD_BACKEND_LIST(FIRST, NEXT)                                                             \
	FIRST(avx512)                                                                              \
	NEXT(avx2)                                                                                 \
	NEXT(ipsecmb)                                                                              \
	NEXT(portable)

/* "ipsecmb, portable or auto": what may be wished for, for help and messages. */
#define AEAD_NAME(name) #name
#define AEAD_NEXT_NAME(name) ", " #name
#define AEAD_WISHES AEAD_BACKEND_LIST(AEAD_NAME, AEAD_NEXT_NAME) " or auto"

/* Whether a row has that name; "auto" is none. */
bool aead_name_is_known(const char *name);
