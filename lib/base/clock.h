/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two clocks. Only the shells (threads, main) read them; protocol code takes the time as an
 * argument. ns_t counts nanoseconds since boot and goes on while the machine is suspended, as
 * WireGuard's lifetimes need.
 */
#pragma once

#include <stdint.h>

typedef uint64_t ns_t;

#define NS_IN_S 1000000000ull
#define NS_IN_MS 1000000ull
#define NS_IN_US 1000ull

ns_t clock_boot_ns(void);

/* Seconds and nanoseconds of the calendar, for TAI64N stamps and `latest handshake`. */
struct wall_time {
	uint64_t s; /* since 1970-01-01 UTC */
	uint32_t ns;
};
struct wall_time clock_wall(void);
