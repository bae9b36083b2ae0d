/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: lines to stderr with a level and a time. Any thread may log, except a worker in its
 * packet path (it counts instead). What the wire can provoke is logged through a struct log_limit.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* At most `burst` lines at once and one more every `every_ns`; the next line says how many were
 * left out. */
struct log_limit {
	unsigned burst;
	ns_t every_ns;
	unsigned used;    /* the rest is the limiter's own, guarded by the log's lock */
	unsigned left_out;
	ns_t refilled_ns;
};
#define LOG_LIMIT_INIT {.burst = 5, .every_ns = NS_IN_S}

void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* "error", "warn", "info", "debug". 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *out);
/* With systemd's journal on stderr, "<N>" priorities take the place of time and level. */
void log_set_journal(bool on);

void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_write_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
