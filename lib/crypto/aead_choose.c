/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The choice: by name, or support → self-test → timing down the table. The reason is put into
 * words here.
 */
#include "crypto/aead_choose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "crypto/aead_timing.h"
#include "crypto/init.h"

/* Adds to a sentence; what does not fit is left out. */
__attribute__((format(printf, 3, 4))) static void
say(char *text, size_t room_bytes, const char *format, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, room_bytes - used, format, ap);
	va_end(ap);
}

/* 0 when the backend may be used here; else the reason stands in err. */
static int
try_backend(const struct aead_backend *b, struct err *err)
{
	if (!b->is_supported())
		return err_set(err, -ENOTSUP, "aead backend %s: this machine has no %s", b->name,
			b->needs);
	return aead_self_test(b, err);
}

static int
unknown_name(const struct aead_backend *const *table, const char *name, struct err *err)
{
	char known[256] = "";

	for (; *table; table++)
		say(known, sizeof(known), "%s%s", known[0] ? ", " : "", (*table)->name);
	return err_set(
		err, -ENOENT, "no aead backend is called '%.64s'; known are: %s", name, known);
}

static int
choose_named(const struct aead_backend *const *table, const struct aead_wish *wish,
	struct aead_choice *out, struct err *err)
{
	const struct aead_backend *const *b = table;

	while (*b && strcmp((*b)->name, wish->name) != 0)
		b++;
	if (!*b)
		return unknown_name(table, wish->name, err);
	int r = try_backend(*b, err);
	if (r < 0)
		return r;
	*out = (struct aead_choice){.backend = *b};
	say(out->why, sizeof(out->why), "forced by %.200s", wish->by ? wish->by : "the caller");
	say(out->second_why, sizeof(out->second_why), "what is forced does every burst itself");
	return 0;
}

/*
 * Fills rows with the backends that work here and returns how many, or -E2BIG. err: why the last
 * does not.
 */
static int
find_candidates(const struct aead_backend *const *table, struct aead_timing *rows, struct err *err)
{
	int n = 0;

	for (; *table; table++) {
		int r = try_backend(*table, err);

		if (n == AEAD_MAX_BACKENDS)
			return err_set(err, -E2BIG, "more than %d aead backends work here",
				AEAD_MAX_BACKENDS);
		if (r == 0)
			rows[n++].backend = *table;
		else
			log_write(r == -ENOTSUP ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
				"%s: it is passed over", err->text);
	}
	return n;
}

/* Takes rows out that failed while they were timed; returns how many are left. */
static unsigned
drop_broken(struct aead_timing *rows, unsigned n_rows, struct err *err)
{
	unsigned n = 0;

	for (unsigned r = 0; r < n_rows; r++) {
		if (!rows[r].is_broken) {
			rows[n++] = rows[r];
			continue;
		}
		err_set(err, -EIO, "aead backend %s: it does not open what it has sealed",
			rows[r].backend->name);
		log_warn("%s: it is passed over", err->text);
	}
	return n;
}

static void
say_row(struct aead_choice *c, const struct aead_timing *row)
{
	struct aead_packet_clk clk = aead_timing_packet_clk(row);

	say(c->why, sizeof(c->why), "%s %u, %u, %u", row->backend->name, clk.at_64, clk.imix,
		clk.at_1424);
}

static void
say_why(struct aead_choice *c, const struct aead_timing *rows, unsigned n_rows, unsigned best)
{
	bool is_fastest = true;

	if (n_rows == 1) {
		say(c->why, sizeof(c->why), "the only one that works on this machine");
		return;
	}
	for (unsigned r = 0; r < n_rows; r++)
		is_fastest &= r == best || aead_timing_ratio(&rows[r], &rows[best]) >= 1;
	if (is_fastest)
		say(c->why, sizeof(c->why), "fastest of %u in the start-up timing", n_rows);
	else
		say(c->why, sizeof(c->why),
			"preferred: no other of %u is faster by more than %d %% in the start-up "
			"timing",
			n_rows, AEAD_CLEARLY_FASTER_PERCENT);
	say(c->why, sizeof(c->why), "; clk a packet at 64 B, IMIX, 1424 B: ");
	say_row(c, &rows[best]);
	for (unsigned r = 0; r < n_rows; r++) {
		if (r == best)
			continue;
		say(c->why, sizeof(c->why), "; ");
		say_row(c, &rows[r]);
	}
}

enum {
	ALL_BURSTS = (1 << (AEAD_SMALL_MAX_JOBS + 1)) - 1,
};

/* "1-3,5,9+", "all" or "none". */
static void
say_runs(struct aead_choice *c, uint16_t jobs)
{
	const char *comma = "";

	if (jobs == 0 || jobs == ALL_BURSTS) {
		say(c->second_why, sizeof(c->second_why), jobs ? "all" : "none");
		return;
	}
	for (unsigned n = 1; n <= AEAD_SMALL_MAX_JOBS; n++) {
		unsigned first = n;

		if (!(jobs >> n & 1))
			continue;
		while (jobs >> (n + 1) & 1)
			n++;
		say(c->second_why, sizeof(c->second_why), "%s%u", comma, first);
		if (first < n)
			say(c->second_why, sizeof(c->second_why), "-%u", n);
		comma = ",";
	}
	if (jobs & 1)
		say(c->second_why, sizeof(c->second_why), "%s%d+", comma, AEAD_SMALL_MAX_JOBS + 1);
}

/* Classes in a row that are alike are one. */
static bool
is_like_next(const struct aead_second *s, unsigned size)
{
	return size + 1 < AEAD_SIZE_CLASSES &&
	       s->jobs[AEAD_SEAL][size] == s->jobs[AEAD_SEAL][size + 1] &&
	       s->jobs[AEAD_OPEN][size] == s->jobs[AEAD_OPEN][size + 1];
}

/* "… of 1-3 (to 128 B), 1 to seal, none to open (larger)". */
static void
say_second_why(struct aead_choice *c)
{
	const struct aead_second *s = &c->second;
	bool is_first = true;

	if (!s->backend) {
		say(c->second_why, sizeof(c->second_why),
			"no other backend is cheaper at any size of burst or packet");
		return;
	}
	say(c->second_why, sizeof(c->second_why),
		"measured cheaper at bursts (by mean length) of ");
	for (unsigned size = 0; size < AEAD_SIZE_CLASSES; size++) {
		if (is_like_next(s, size))
			continue;
		say(c->second_why, sizeof(c->second_why), "%s", is_first ? "" : ", ");
		say_runs(c, s->jobs[AEAD_SEAL][size]);
		if (s->jobs[AEAD_SEAL][size] != s->jobs[AEAD_OPEN][size]) {
			say(c->second_why, sizeof(c->second_why), " to seal, ");
			say_runs(c, s->jobs[AEAD_OPEN][size]);
			say(c->second_why, sizeof(c->second_why), " to open");
		}
		if (size + 1 < AEAD_SIZE_CLASSES)
			say(c->second_why, sizeof(c->second_why), " (to %u B)",
				AEAD_SIZE_MIN_BYTES << size);
		else
			say(c->second_why, sizeof(c->second_why), "%s",
				is_first ? " (any)" : " (larger)");
		is_first = false;
	}
}

int
aead_choose_from(const struct aead_backend *const *table, const struct aead_wish *wish,
	struct aead_choice *out, struct err *err)
{
	struct aead_timing rows[AEAD_MAX_BACKENDS] = {0};
	struct err why = {"the table is empty"};
	int r = crypto_init(err);

	if (r < 0)
		return r;
	if (wish && wish->name)
		return choose_named(table, wish, out, err);
	r = find_candidates(table, rows, &why);
	if (r < 0)
		return err_set(err, r, "%s", why.text);
	unsigned n_rows = (unsigned)r;
	if (n_rows > 1) {
		r = aead_timing_run(rows, n_rows, err);
		if (r < 0)
			return r;
		n_rows = drop_broken(rows, n_rows, &why);
	}
	if (n_rows == 0)
		return err_set(err, -EIO,
			"no aead backend works here; the last one said: %s", why.text);
	unsigned best = aead_timing_best(rows, n_rows);
	*out = (struct aead_choice){.backend = rows[best].backend};
	aead_timing_second(rows, n_rows, best, &out->second);
	say_why(out, rows, n_rows, best);
	say_second_why(out);
	return 0;
}

int
aead_choose(const struct aead_wish *wish, struct aead_choice *out, struct err *err)
{
	return aead_choose_from(aead_backends, wish, out, err);
}
