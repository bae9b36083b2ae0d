/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replay window (RFC 6479): a ring of 64-bit words, of which the word of the greatest
 * counter is always being filled, so that 8192 - 64 = 8128 counters back can be told apart,
 * as in the Linux kernel. Words between the old and the new greatest counter are cleared as
 * the window moves. One thread, the session's owner worker, touches it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	REPLAY_BITS = 8192,
	REPLAY_WORDS = REPLAY_BITS / 64,
	REPLAY_WINDOW = REPLAY_BITS - 64,
};

struct replay {
	uint64_t greatest; /* of all accepted counters */
	uint64_t words[REPLAY_WORDS];
};

/* Moves the window so that counter lies in its newest word. */
static inline void
replay_advance(struct replay *r, uint64_t counter)
{
	uint64_t newest = r->greatest / 64, to = counter / 64;
	uint64_t n_words = to - newest;
	if (n_words >= REPLAY_WORDS) {
		memset(r->words, 0, sizeof(r->words));
	} else {
		for (uint64_t i = 1; i <= n_words; i++)
			r->words[(newest + i) % REPLAY_WORDS] = 0;
	}
	r->greatest = counter;
}

/*
 * Takes an authenticated message's counter. False when it was taken before or lies behind the
 * window; then nothing changes. Counters at or past the protocol's limit are the caller's to
 * refuse.
 */
static inline bool
replay_accept(struct replay *r, uint64_t counter)
{
	if (counter > r->greatest)
		replay_advance(r, counter);
	else if (r->greatest - counter >= REPLAY_WINDOW)
		return false;
	uint64_t bit = 1ull << (counter % 64);
	uint64_t *word = &r->words[counter / 64 % REPLAY_WORDS];
	bool is_new = !(*word & bit);
	*word |= bit;
	return is_new;
}
