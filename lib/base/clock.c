/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include <time.h>

ns_t
clock_boot_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (ns_t)t.tv_sec * NS_IN_S + (ns_t)t.tv_nsec;
}

struct wall_time
clock_wall(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct wall_time){.s = (uint64_t)t.tv_sec, .ns = (uint32_t)t.tv_nsec};
}
