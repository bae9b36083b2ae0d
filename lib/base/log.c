/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

static const struct {
	const char *name;
	int syslog_priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* One log a process: the level, the dress of a line, and the lock that keeps lines whole. */
static struct {
	enum log_level level;
	bool journal;
	pthread_mutex_t lock;
} the_log = {.level = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

void
log_set_level(enum log_level level)
{
	__atomic_store_n(&the_log.level, level, __ATOMIC_RELAXED);
}

bool
log_is_on(enum log_level level)
{
	return level <= __atomic_load_n(&the_log.level, __ATOMIC_RELAXED);
}

int
log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = 0; i < ARRAY_COUNT(levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void
log_set_journal(bool on)
{
	the_log.journal = on;
}

/* One line a message, whatever names and answers of others stand in it. */
static void
mask_control_bytes(char *line)
{
	for (; *line; line++) {
		if ((uint8_t)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}

static void
write_line(enum log_level level, unsigned left_out, const char *format, va_list ap)
{
	char line[1024];
	int n = vsnprintf(line, sizeof(line), format, ap);
	if (n < 0)
		return;
	mask_control_bytes(line);
	char note[48] = "";
	if (left_out)
		snprintf(note, sizeof(note), " (%u like it left out)", left_out);
	if (the_log.journal) {
		fprintf(stderr, "<%d>%s%s\n", levels[level].syslog_priority, line, note);
		return;
	}
	struct wall_time now = clock_wall();
	time_t s = (time_t)now.s;
	struct tm tm;
	char stamp[16] = "";
	if (localtime_r(&s, &tm))
		strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03u %-5s %s%s\n", stamp, now.ns / 1000000u, levels[level].name, line,
		note);
}

void
log_write(enum log_level level, const char *format, ...)
{
	if (!log_is_on(level))
		return;
	va_list ap;
	va_start(ap, format);
	pthread_mutex_lock(&the_log.lock);
	write_line(level, 0, format, ap);
	pthread_mutex_unlock(&the_log.lock);
	va_end(ap);
}

/* Whether one more line may be written; *left_out gets what was held back before it. */
static bool
limit_take(struct log_limit *l, ns_t now, unsigned *left_out)
{
	uint64_t back = l->every_ns ? (now - l->refilled_ns) / l->every_ns : l->burst;
	if (back) {
		l->used = back >= l->used ? 0 : l->used - (unsigned)back;
		l->refilled_ns = now;
	}
	if (l->used >= l->burst) {
		l->left_out++;
		return false;
	}
	l->used++;
	*left_out = l->left_out;
	l->left_out = 0;
	return true;
}

void
log_write_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	if (!log_is_on(level))
		return;
	va_list ap;
	va_start(ap, format);
	pthread_mutex_lock(&the_log.lock);
	unsigned left_out;
	if (limit_take(limit, clock_boot_ns(), &left_out))
		write_line(level, left_out, format, ap);
	pthread_mutex_unlock(&the_log.lock);
	va_end(ap);
}
