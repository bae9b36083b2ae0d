/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ChaCha20-Poly1305 (RFC 8439) over bursts in AVX2. Messages go in groups of eight, in order of
 * their length. The ChaCha20 blocks of a group form one list: first block 0 of each message, whose
 * words are the key of its Poly1305, then the blocks of data, message by message. Steps of up to
 * sixteen blocks are taken off the list whatever message they belong to; the keys of the group
 * stand vertically, lane = message, and are permuted into place by message number, which is public
 * as lengths are. Poly1305 runs over four messages at a time, one in each lane.
 *
 * A message much longer than the other ones of its group keeps one Poly1305 lane of four busy and
 * costs up to four times the clocks of its share; its ChaCha20 blocks fill all lanes all the same.
 */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"
#include "crypto/chacha_avx2.h"
#include "crypto/poly_avx2.h"

enum {
	GROUP_JOBS = CHACHA8_LANES,
	GROUP_HALVES = GROUP_JOBS / POLY4_LANES,
	STEP_BLOCKS = 2 * CHACHA8_LANES,
	WINDOW_JOBS = 64, /* are put in order at once */
	MAX_CLASS = 63,   /* lengths in blocks from which on no order is kept */
};

/* The blocks of one step: whose they are, which, and what they are XORed into (block 0: nothing) */
struct step {
	uint32_t job_idx[STEP_BLOCKS];
	uint32_t counter[STEP_BLOCKS];
	uint8_t *at[STEP_BLOCKS];
	uint32_t n_bytes[STEP_BLOCKS]; /* 1 to 64 */
	unsigned n;
};

/*
 * How Poly1305 goes through four messages, which end together: lane l begins `ahead[l]` bytes
 * into the steps. All whole blocks of text but the last one belong to steps.
 */
struct mac_plan {
	const uint8_t *text[POLY4_LANES];
	size_t ahead[POLY4_LANES]; /* a multiple of 16 */
	unsigned n_steps;          /* of two blocks, in the longest lane */
	unsigned n_done;           /* of them */
	unsigned n_ragged;         /* so many steps pass before every lane has begun */
	bool has_odd_start;        /* in step 0 each lane has one block */
	uint8_t head[POLY4_LANES][POLY4_STEP_BYTES]; /* no block, then the first one of a lane */
	const uint8_t *last[POLY4_LANES];
	unsigned last_part[POLY4_LANES];
	uint32_t n_bytes[POLY4_LANES];
};

/* All that is secret of a group stands here, so that one wipe is enough. */
struct group {
	__m256i key[8]; /* words, lane = job */
	__m256i nonce[3];
	__m256i poly_key[8]; /* r, s */
	struct chacha8 cipher[2];
	uint8_t stream[STEP_BLOCKS][CHACHA_BLOCK_BYTES] ALIGNED_LINE;
	struct poly4 poly[GROUP_HALVES];
	struct mac_plan plan[GROUP_HALVES];
	uint64_t tag[GROUP_HALVES][2][POLY4_LANES]; /* low halves, high halves */
	struct step step;
	struct aead_job *job[GROUP_JOBS];
	unsigned n;
	unsigned next_job, next_byte; /* where the list of blocks goes on */
};

static const uint8_t zeros[POLY4_STEP_BYTES];

static bool
is_supported(void)
{
	/* This asks CPUID and also whether the operating system keeps the registers (XGETBV). */
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

/* Brings the keys and nonces of g->job[0..n-1] into lanes; idle lanes repeat the first job's. */
static void
group_load(struct group *g, uint32_t nonce_head)
{
	uint32_t low[GROUP_JOBS], high[GROUP_JOBS];
	__m256i row[GROUP_JOBS];

	for (unsigned l = 0; l < GROUP_JOBS; l++) {
		const struct aead_job *j = g->job[l < g->n ? l : 0];

		row[l] = _mm256_loadu_si256((const __m256i *)j->key);
		low[l] = (uint32_t)j->counter;
		high[l] = (uint32_t)(j->counter >> 32);
	}
	chacha8_transpose(g->key, row);
	g->nonce[0] = _mm256_set1_epi32((int)nonce_head);
	g->nonce[1] = _mm256_loadu_si256((const __m256i *)low);
	g->nonce[2] = _mm256_loadu_si256((const __m256i *)high);
	g->next_job = 0;
	g->next_byte = 0;
}

/* Takes blocks of data off the list until the step is full or the list at its end. */
static void
step_fill(struct group *g)
{
	struct step *s = &g->step;

	while (s->n < STEP_BLOCKS && g->next_job < g->n) {
		const struct aead_job *j = g->job[g->next_job];

		if (g->next_byte >= j->n_bytes) {
			g->next_job++;
			g->next_byte = 0;
			continue;
		}
		s->job_idx[s->n] = g->next_job;
		s->counter[s->n] = g->next_byte / CHACHA_BLOCK_BYTES + 1;
		s->at[s->n] = j->data + g->next_byte;
		s->n_bytes[s->n] = MIN_OF(j->n_bytes - g->next_byte, CHACHA_BLOCK_BYTES);
		g->next_byte += CHACHA_BLOCK_BYTES;
		s->n++;
	}
}

/* Words 0 to 15 of the eight blocks of a half step (RFC 8439 section 2.3). */
static inline void
half_start(struct group *g, unsigned half)
{
	__m256i *start = g->cipher[half].start;
	const __m256i idx = _mm256_loadu_si256(
		(const __m256i *)(g->step.job_idx + (size_t)half * CHACHA8_LANES));

	start[0] = _mm256_set1_epi32(0x61707865);
	start[1] = _mm256_set1_epi32(0x3320646e);
	start[2] = _mm256_set1_epi32(0x79622d32);
	start[3] = _mm256_set1_epi32(0x6b206574);
	for (unsigned w = 0; w < 8; w++)
		start[4 + w] = _mm256_permutevar8x32_epi32(g->key[w], idx);
	start[12] = _mm256_loadu_si256(
		(const __m256i *)(g->step.counter + (size_t)half * CHACHA8_LANES));
	for (unsigned w = 0; w < 3; w++)
		start[13 + w] = _mm256_permutevar8x32_epi32(g->nonce[w], idx);
}

static inline void
half_to_rows(struct group *g, unsigned half)
{
	__m256i left[8], right[8];
	__m256i *row = (__m256i *)g->stream[(size_t)half * CHACHA8_LANES];

	chacha8_transpose(left, g->cipher[half].stream);
	chacha8_transpose(right, g->cipher[half].stream + 8);
	for (unsigned l = 0; l < CHACHA8_LANES; l++) {
		row[2 * l] = left[l];
		row[2 * l + 1] = right[l];
	}
}

/* The key stream of the step, into g->stream. */
static void
step_run(struct group *g)
{
	half_start(g, 0);
	if (g->step.n <= CHACHA8_LANES) {
		chacha8_run(&g->cipher[0]);
	} else {
		half_start(g, 1);
		chacha8_run_pair(&g->cipher[0], &g->cipher[1]);
		half_to_rows(g, 1);
	}
	half_to_rows(g, 0);
}

static inline void
xor_block(uint8_t *at, const uint8_t *stream)
{
	for (unsigned half = 0; half < CHACHA_BLOCK_BYTES; half += sizeof(__m256i)) {
		__m256i *p = (__m256i *)(at + half);
		_mm256_storeu_si256(p, _mm256_xor_si256(_mm256_loadu_si256(p),
					       *(const __m256i *)(stream + half)));
	}
}

/* Touches not one byte outside of the n_bytes, 1 to 63. */
static inline void
xor_part(uint8_t *at, const uint8_t *stream, unsigned n_bytes)
{
	unsigned i = 0;

	for (; i + 16 <= n_bytes; i += 16) {
		__m128i *p = (__m128i *)(at + i);
		_mm_storeu_si128(p, _mm_xor_si128(_mm_loadu_si128(p),
					    *(const __m128i *)(stream + i)));
	}
	for (; i < n_bytes; i++)
		at[i] ^= stream[i];
}

/* XORs the blocks of the step, but for the first ones, which are block 0 of their messages. */
static void
step_xor(struct group *g, unsigned n_first)
{
	const struct step *s = &g->step;

	for (unsigned i = n_first; i < s->n; i++) {
		if (likely_true(s->n_bytes[i] == CHACHA_BLOCK_BYTES))
			xor_block(s->at[i], g->stream[i]);
		else
			xor_part(s->at[i], g->stream[i], s->n_bytes[i]);
	}
}

/*
 * The first step: block 0 of each message, whose words 0 to 7 are its Poly1305 key, and as many
 * blocks of data as fit. Nothing is XORed yet, for opening looks at the tags first.
 */
static void
group_run_first(struct group *g)
{
	struct step *s = &g->step;

	for (s->n = 0; s->n < g->n; s->n++) {
		s->job_idx[s->n] = s->n;
		s->counter[s->n] = 0;
	}
	step_fill(g);
	step_run(g);
	memcpy(g->poly_key, g->cipher[0].stream, sizeof(g->poly_key));
}

/* XORs what group_run_first left, and runs all other steps. */
static void
group_cipher(struct group *g)
{
	step_xor(g, g->n);
	for (;;) {
		g->step.n = 0;
		step_fill(g);
		if (g->step.n == 0)
			return;
		step_run(g);
		step_xor(g, 0);
	}
}

/* Plans lane l; behind the n_bytes of text there is room for a tag. Returns its steps. */
static inline unsigned
plan_lane(struct mac_plan *p, unsigned l, const uint8_t *text, uint32_t n_bytes)
{
	unsigned n_whole = n_bytes ? (n_bytes - 1) / POLY_BLOCK_BYTES : 0;

	p->text[l] = text;
	p->n_bytes[l] = n_bytes;
	p->ahead[l] = n_whole % 2 * POLY_BLOCK_BYTES; /* so far */
	p->last[l] = text + (size_t)n_whole * POLY_BLOCK_BYTES;
	p->last_part[l] = n_bytes - n_whole * POLY_BLOCK_BYTES;
	return (n_whole + 1) / 2;
}

/* Plans jobs 4 half to 4 half + 3. */
static inline void
plan_half(struct group *g, unsigned half)
{
	struct mac_plan *p = &g->plan[half];
	unsigned n_steps[POLY4_LANES];
	size_t least = SIZE_MAX, most = 0;

	p->n_steps = p->n_done = 0;
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		unsigned idx = half * POLY4_LANES + l;
		bool is_there = idx < g->n;

		n_steps[l] = plan_lane(p, l, is_there ? g->job[idx]->data : zeros,
			is_there ? g->job[idx]->n_bytes : 0);
		p->n_steps = MAX_OF(p->n_steps, n_steps[l]);
	}
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		p->ahead[l] += (size_t)(p->n_steps - n_steps[l]) * POLY4_STEP_BYTES;
		least = MIN_OF(least, p->ahead[l]);
		most = MAX_OF(most, p->ahead[l]);
	}
	p->n_ragged = (unsigned)((most + POLY4_STEP_BYTES - 1) / POLY4_STEP_BYTES);
	p->has_odd_start = least == POLY_BLOCK_BYTES && most == POLY_BLOCK_BYTES;
}

/* A step in which a lane may not have begun, or begin with its second block. */
static void
plan_take_ragged(struct mac_plan *p, struct poly4 *poly, size_t at_byte)
{
	const uint8_t *at[POLY4_LANES];
	uint64_t bit[2][POLY4_LANES];

	for (unsigned l = 0; l < POLY4_LANES; l++) {
		bool is_whole = at_byte >= p->ahead[l];
		bool has_second = at_byte + POLY_BLOCK_BYTES >= p->ahead[l];

		at[l] = is_whole ? p->text[l] + (at_byte - p->ahead[l]) : zeros;
		if (has_second && !is_whole) {
			memset(p->head[l], 0, POLY_BLOCK_BYTES);
			memcpy(p->head[l] + POLY_BLOCK_BYTES, p->text[l], POLY_BLOCK_BYTES);
			at[l] = p->head[l];
		}
		bit[0][l] = is_whole ? POLY4_BIT : 0;
		bit[1][l] = has_second ? POLY4_BIT : 0;
	}
	poly4_take(poly, at, _mm256_loadu_si256((const __m256i *)bit[0]),
		_mm256_loadu_si256((const __m256i *)bit[1]));
}

/* Takes one ragged step of a half, or all other ones. false: only the last step was left. */
static inline bool
half_take(struct group *g, unsigned half)
{
	struct mac_plan *p = &g->plan[half];
	size_t at_byte = (size_t)p->n_done * POLY4_STEP_BYTES;
	const uint8_t *at[POLY4_LANES];
	unsigned n_left = p->n_steps - p->n_done;

	if (n_left == 0)
		return false;
	if (p->n_done < p->n_ragged) {
		if (p->has_odd_start)
			poly4_take_first(&g->poly[half], p->text);
		else
			plan_take_ragged(p, &g->poly[half], at_byte);
		p->n_done++;
		return true;
	}
	for (unsigned l = 0; l < POLY4_LANES; l++)
		at[l] = p->text[l] + (at_byte - p->ahead[l]);
	poly4_take_whole(&g->poly[half], at, n_left);
	p->n_done = p->n_steps;
	return true;
}

static inline void
half_start_poly(struct group *g, unsigned half)
{
	__m256i word[8];

	for (unsigned w = 0; w < 8; w++)
		word[w] = _mm256_cvtepu32_epi64(
			half ? _mm256_extracti128_si256(g->poly_key[w], 1)
			     : _mm256_castsi256_si128(g->poly_key[w]));
	poly4_start(&g->poly[half], word);
}

static inline void
half_end(struct group *g, unsigned half)
{
	const struct mac_plan *p = &g->plan[half];
	__m256i low, high;

	poly4_take_last(&g->poly[half], p->last, p->last_part, p->n_bytes);
	poly4_finish(&g->poly[half], &low, &high);
	_mm256_storeu_si256((__m256i *)g->tag[half][0], low);
	_mm256_storeu_si256((__m256i *)g->tag[half][1], high);
}

/*
 * The tags over what stands in the data. The two halves take turns at what is short, so that one
 * is worked on while the other waits for its carry; long runs of steps need no such help.
 */
static void
group_mac(struct group *g)
{
	unsigned n_halves = (g->n + POLY4_LANES - 1) / POLY4_LANES;
	bool has_more = true;

	for (unsigned half = 0; half < n_halves; half++) {
		plan_half(g, half);
		half_start_poly(g, half);
	}
	while (has_more) {
		has_more = false;
		for (unsigned half = 0; half < n_halves; half++)
			has_more |= half_take(g, half);
	}
	for (unsigned half = 0; half < n_halves; half++)
		half_end(g, half);
}

static inline uint64_t
tag_half(const struct group *g, unsigned idx, unsigned high)
{
	return g->tag[idx / POLY4_LANES][high][idx % POLY4_LANES];
}

static void
group_write_tags(struct group *g)
{
	group_mac(g);
	for (unsigned i = 0; i < g->n; i++) {
		uint8_t *tag = g->job[i]->data + g->job[i]->n_bytes;

		store_le64(tag, tag_half(g, i, 0));
		store_le64(tag + 8, tag_half(g, i, 1));
		g->job[i]->is_ok = 1;
	}
}

/* Constant time: no branch before both halves are folded. Whether it was right is public. */
static inline bool
tag_is_right(const uint8_t *got, uint64_t low, uint64_t high)
{
	bool is_right = ((load_le64(got) ^ low) | (load_le64(got + 8) ^ high)) == 0;

	secret_is_public(&is_right, sizeof(is_right));
	return is_right;
}

static void
group_check_tags(struct group *g)
{
	group_mac(g);
	for (unsigned i = 0; i < g->n; i++) {
		struct aead_job *j = g->job[i];

		j->is_ok = tag_is_right(j->data + j->n_bytes, tag_half(g, i, 0), tag_half(g, i, 1));
	}
}

static void
group_seal(struct group *g)
{
	group_load(g, 0);
	group_run_first(g);
	group_cipher(g);
	group_write_tags(g);
}

static void
group_open(struct group *g)
{
	group_load(g, 0);
	group_run_first(g);
	group_check_tags(g);
	group_cipher(g);
	for (unsigned i = 0; i < g->n; i++) {
		if (unlikely_true(!g->job[i]->is_ok))
			secret_wipe(g->job[i]->data, g->job[i]->n_bytes);
	}
}

/* Longer messages have lower classes; the longest ones share class 0. */
static inline unsigned
class_of(const struct aead_job *j)
{
	unsigned n_blocks = (j->n_bytes + CHACHA_BLOCK_BYTES - 1) / CHACHA_BLOCK_BYTES;

	return MAX_CLASS - MIN_OF(n_blocks, MAX_CLASS);
}

/* The n jobs, at most WINDOW_JOBS, in order of their class: a counting sort. */
static void
put_in_order(struct aead_job *ordered[WINDOW_JOBS], struct aead_job *jobs, unsigned n)
{
	uint8_t class[WINDOW_JOBS], before[MAX_CLASS + 2] = {0};
	unsigned differ = 0;

	for (unsigned i = 0; i < n; i++) {
		class[i] = (uint8_t)class_of(&jobs[i]);
		differ |= class[i] ^ class[0];
		ordered[i] = &jobs[i];
	}
	if (!differ)
		return;
	for (unsigned i = 0; i < n; i++)
		before[class[i] + 1]++;
	for (unsigned c = 1; c <= MAX_CLASS; c++)
		before[c] = (uint8_t)(before[c] + before[c - 1]);
	for (unsigned i = 0; i < n; i++)
		ordered[before[class[i]]++] = &jobs[i];
}

/* Runs `run` over all groups of a burst. */
static inline __attribute__((always_inline)) void
run_burst(struct aead_job *jobs, unsigned n, void (*run)(struct group *g))
{
	struct aead_job *ordered[WINDOW_JOBS];
	struct group g;

	/* Lanes without a block are computed as well, and thrown away: let them be something. */
	g.step = (struct step){0};
	for (unsigned from = 0; from < n; from += WINDOW_JOBS) {
		unsigned n_window = MIN_OF(n - from, (unsigned)WINDOW_JOBS);

		put_in_order(ordered, jobs + from, n_window);
		for (unsigned i = 0; i < n_window; i += GROUP_JOBS) {
			g.n = MIN_OF(n_window - i, (unsigned)GROUP_JOBS);
			memcpy(g.job, ordered + i, g.n * sizeof(g.job[0]));
			run(&g);
		}
	}
	secret_wipe(&g, sizeof(g));
}

static void
seal_burst(void *state, struct aead_job *jobs, unsigned n)
{
	run_burst(jobs, n, group_seal);
}

static void
open_burst(void *state, struct aead_job *jobs, unsigned n)
{
	run_burst(jobs, n, group_open);
}

/* Poly1305 of one message, of any parts, alone in its lane: this is for known answers. */
struct one_mac {
	struct poly4 *poly;
	uint8_t step[POLY4_STEP_BYTES];
	uint64_t bit[2][POLY4_LANES];
	unsigned second; /* the next block is the step's second one */
};

/* Takes a part, padded with zeros to whole blocks; every second block makes a step. */
static void
one_mac_take(struct one_mac *o, const uint8_t *part, size_t n_bytes)
{
	const uint8_t *at[POLY4_LANES] = {o->step, zeros, zeros, zeros};

	for (size_t from = 0; from < n_bytes; from += POLY_BLOCK_BYTES) {
		uint8_t *block = o->step + (size_t)o->second * POLY_BLOCK_BYTES;

		memset(block, 0, POLY_BLOCK_BYTES);
		memcpy(block, part + from, MIN_OF(n_bytes - from, (size_t)POLY_BLOCK_BYTES));
		o->bit[o->second][0] = POLY4_BIT;
		if (o->second)
			poly4_take(o->poly, at, _mm256_loadu_si256((const __m256i *)o->bit[0]),
				_mm256_loadu_si256((const __m256i *)o->bit[1]));
		o->second ^= 1;
	}
}

static void
one_mac(struct group *g, const struct aead_message *m, const uint8_t *text, uint8_t tag[16])
{
	size_t text_bytes = g->job[0]->n_bytes;
	/* An odd number of blocks is led by one that is none. */
	struct one_mac o = {.poly = &g->poly[0],
		.second = ((m->aad_bytes + 15) / 16 + (text_bytes + 15) / 16 + 1) % 2};
	uint8_t lengths[POLY_BLOCK_BYTES];
	__m256i low, high;

	store_le64(lengths, m->aad_bytes);
	store_le64(lengths + 8, text_bytes);
	half_start_poly(g, 0);
	one_mac_take(&o, m->aad, m->aad_bytes);
	one_mac_take(&o, text, text_bytes);
	one_mac_take(&o, lengths, sizeof(lengths));
	poly4_finish(&g->poly[0], &low, &high);
	store_le64(tag, (uint64_t)_mm256_extract_epi64(low, 0));
	store_le64(tag + 8, (uint64_t)_mm256_extract_epi64(high, 0));
}

/* A group of one job, which works on m->out. */
static void
one_start(struct group *g, struct aead_job *j, const uint8_t nonce[AEAD_NONCE_BYTES])
{
	memset(&g->step, 0, sizeof(g->step));
	j->counter = load_le64(nonce + 4);
	g->job[0] = j;
	g->n = 1;
	group_load(g, load_le32(nonce));
	group_run_first(g);
}

static int
seal_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct aead_job j = {.key = key, .data = m->out, .n_bytes = (uint32_t)m->in_bytes};
	struct group g;

	if (m->in_bytes > AEAD_JOB_MAX_BYTES)
		return -EIO;
	if (m->in_bytes)
		memmove(m->out, m->in, m->in_bytes);
	one_start(&g, &j, nonce);
	group_cipher(&g);
	one_mac(&g, m, m->out, m->out + m->in_bytes);
	secret_wipe(&g, sizeof(g));
	return 0;
}

static int
open_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct aead_job j = {.key = key, .data = m->out};
	uint8_t tag[AEAD_TAG_BYTES];
	struct group g;

	if (m->in_bytes < AEAD_TAG_BYTES || m->in_bytes > AEAD_JOB_MAX_BYTES + AEAD_TAG_BYTES)
		return -EBADMSG;
	j.n_bytes = (uint32_t)(m->in_bytes - AEAD_TAG_BYTES);
	one_start(&g, &j, nonce);
	one_mac(&g, m, m->in, tag);
	bool is_right = tag_is_right(m->in + j.n_bytes, load_le64(tag), load_le64(tag + 8));
	if (is_right && j.n_bytes) {
		memmove(m->out, m->in, j.n_bytes);
		group_cipher(&g);
	} else if (j.n_bytes) {
		secret_wipe(m->out, j.n_bytes);
	}
	secret_wipe(&g, sizeof(g));
	secret_wipe(tag, sizeof(tag));
	return is_right ? 0 : -EBADMSG;
}

/* There is no state: a group stands on the stack and is wiped. The pointer only says "not NULL". */
static void *
create(void)
{
	return (void *)&aead_avx2;
}

static void
destroy(void *state)
{
}

const struct aead_backend aead_avx2 = {
	.name = "avx2",
	.needs = "AVX2 with BMI2",
	.is_supported = is_supported,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
	.seal_one = seal_one,
	.open_one = open_one,
};
