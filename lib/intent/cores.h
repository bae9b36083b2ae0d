/* SPDX-License-Identifier: BSD-3-Clause */
/* Core lists as people write them: "1-3,5". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CORE_MAX = 1024 };

struct core_set {
	uint64_t bits[CORE_MAX / 64];
	uint16_t n;
};

/* "2", "1-3" or "1-3,8,10-11", spaces allowed around numbers. 0 or -EINVAL. */
int core_set_parse(const char *text, struct core_set *out);
bool core_set_has(const struct core_set *s, unsigned core);
