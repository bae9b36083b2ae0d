/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshake messages from a hostile wire. The input is a script for two ends with fixed keys and
 * one message between them: an end writes it, the fuzzer alters or replaces it, gives it right
 * macs if it likes (anyone who knows the public key can), and an end reads it. Whatever the
 * script, an end takes only what the other wrote, byte for byte below the macs, and a message
 * refused changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "noise/cookie.h"
#include "noise/noise.h"
#include "noise/ratelimit.h"

enum {
	MAX_STEPS = 24,
	MESSAGE_ROOM = 255,
};

enum step {
	STEP_INITIATE,      /* an end writes an initiation */
	STEP_RESPOND,       /* an end answers what it has taken */
	STEP_COOKIE,        /* an end answers the message with a cookie */
	STEP_REPLACE,       /* by bytes of the fuzzer's: length, bytes */
	STEP_ALTER,         /* offset, bits to flip */
	STEP_RIGHT_MACS,    /* for the given reader */
	STEP_READ,          /* an end reads it */
	STEP_BEGIN_SESSION, /* of an end */
	STEP_WAIT,          /* milliseconds times 16 */
	N_STEPS,
};

struct end {
	struct noise_local local;
	struct noise_remote remote;
	struct cookie_checker checker;
	struct cookie_maker maker;
	bool is_locked;
	/* What this end wrote last, for the other's judgement. */
	uint8_t wrote[WG_DATA + 1][sizeof(struct wg_initiation)];
};

struct scene {
	struct end ends[2];
	struct ratelimit limit;
	struct endpoint source;
	uint8_t msg[MESSAGE_ROOM];
	size_t n_bytes;
	ns_t now;
	uint32_t next_index;
};

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static struct noise_remote *
remote_get(void *ctx, const struct key *public_key)
{
	struct end *e = ctx;
	must(!e->is_locked);
	if (!key_is_equal(&e->remote.public_key, public_key))
		return NULL;
	e->is_locked = true;
	return &e->remote;
}

static void
remote_put(void *ctx, struct noise_remote *remote)
{
	struct end *e = ctx;
	must(e->is_locked && remote == &e->remote);
	e->is_locked = false;
}

static void
scene_init(struct scene *s, bool has_psk)
{
	struct key private_key[2] = {{{1, 2, 3}}, {{4, 5, 6}}}, psk = {{has_psk}};
	memset(s, 0, sizeof(*s));
	s->now = 1000 * NS_IN_S;
	s->source = (struct endpoint){.addr = addr_from_v4(0xc0000201), .port = 51820};
	for (int i = 0; i < 2; i++)
		noise_local_set_private_key(&s->ends[i].local, &private_key[i]);
	for (int i = 0; i < 2; i++) {
		struct end *e = &s->ends[i];
		noise_remote_init(&e->remote, &s->ends[!i].local.public_key);
		noise_remote_set_psk(&e->remote, &psk);
		cookie_checker_init(&e->checker, &e->local.public_key);
		memset(e->checker.secret, i + 1, sizeof(e->checker.secret));
		e->checker.secret_born_ns = s->now;
		e->checker.has_secret = true;
		cookie_maker_init(&e->maker, &e->remote.public_key);
	}
}

static struct noise_fresh
fresh(struct scene *s)
{
	struct noise_fresh f = {.sender_index = ++s->next_index,
		.wall = {1700000000 + s->now / NS_IN_S, (uint32_t)(s->now % NS_IN_S)}};
	memset(f.ephemeral.bytes, (int)s->next_index, KEY_BYTES);
	return f;
}

static void
sent(struct scene *s, struct end *e, size_t n_bytes)
{
	s->n_bytes = n_bytes;
	memcpy(e->wrote[s->msg[0]], s->msg, n_bytes);
}

static void
initiate(struct scene *s, struct end *e)
{
	struct noise_fresh f = fresh(s);
	struct wg_initiation *msg = (void *)s->msg;
	must(noise_initiate(&e->local, &e->remote, &f, msg) == NOISE_OK);
	cookie_add_macs(&e->maker, msg, sizeof(*msg), s->now);
	sent(s, e, sizeof(*msg));
}

static void
respond(struct scene *s, struct end *e)
{
	struct noise_fresh f = fresh(s);
	struct wg_response *msg = (void *)s->msg;
	if (noise_respond(&e->local, &e->remote, &f, msg) != NOISE_OK)
		return;
	cookie_add_macs(&e->maker, msg, sizeof(*msg), s->now);
	sent(s, e, sizeof(*msg));
}

static void
answer_by_cookie(struct scene *s, struct end *e)
{
	static const uint8_t nonce[WG_XNONCE_BYTES];
	struct wg_cookie reply;
	struct cookie_packet packet = {s->msg, s->n_bytes, &s->source};
	if (cookie_check(&e->checker, &packet, s->now, true) != COOKIE_VALID_MAC1)
		return;
	cookie_make_reply(&e->checker, &packet, s->now, nonce, &reply);
	memcpy(s->msg, &reply, sizeof(reply));
	sent(s, e, sizeof(reply));
}

/* What anyone can do who knows the reader's public key and, as its owner, the source address. */
static void
right_macs(struct scene *s, struct end *reader)
{
	struct cookie_maker maker;
	enum wg_type type = wg_type_of(s->msg, s->n_bytes);
	if (type != WG_INITIATION && type != WG_RESPONSE)
		return;
	cookie_maker_init(&maker, &reader->local.public_key);
	cookie_add_macs(&maker, s->msg, s->n_bytes, s->now);
}

static bool
is_genuine(const struct scene *s, const struct end *writer)
{
	enum wg_type type = wg_type_of(s->msg, s->n_bytes);
	size_t n_bytes = s->n_bytes - (type == WG_COOKIE ? 0 : sizeof(struct wg_macs));
	size_t from = type == WG_INITIATION ? offsetof(struct wg_initiation, ephemeral)
		: type == WG_RESPONSE ? offsetof(struct wg_response, receiver_index)
		: offsetof(struct wg_cookie, nonce);
	return memcmp(s->msg + from, writer->wrote[type] + from, n_bytes - from) == 0;
}

/* The remote without what it keeps of both static keys, which any initiation may make. */
static struct noise_remote
without_product(const struct noise_remote *remote)
{
	struct noise_remote r;
	memcpy(&r, remote, sizeof(r));
	memset(&r.static_static, 0, sizeof(r.static_static));
	memset(&r.static_static_of, 0, sizeof(r.static_static_of));
	r.has_static_static = false;
	return r;
}

/* Handshake messages, behind the macs. */
static bool
consume(struct scene *s, struct end *e, enum wg_type type)
{
	const struct noise_upcalls up = {e, remote_get, remote_put};
	struct noise_remote before = without_product(&e->remote), after, *remote = NULL;
	enum noise_result r;
	if (type == WG_INITIATION)
		r = noise_consume_initiation(&e->local, &up, (void *)s->msg, s->now, &remote);
	else
		r = noise_consume_response(&e->local, &e->remote, (void *)s->msg);
	must(e->is_locked == (remote != NULL));
	if (remote)
		remote_put(e, remote);
	after = without_product(&e->remote);
	must(r == NOISE_OK || memcmp(&before, &after, sizeof(before)) == 0);
	return r == NOISE_OK;
}

static void
read_message(struct scene *s, struct end *e, bool under_load)
{
	struct cookie_packet packet = {s->msg, s->n_bytes, &s->source};
	enum wg_type type = wg_type_of(s->msg, s->n_bytes);
	enum cookie_verdict verdict = cookie_check(&e->checker, &packet, s->now, under_load);
	bool is_taken = false;
	must(verdict != COOKIE_VALID_MAC2 || under_load);
	if (type == WG_COOKIE)
		is_taken = cookie_consume_reply(&e->maker, (void *)s->msg, s->now);
	else if (verdict == (under_load ? COOKIE_VALID_MAC2 : COOKIE_VALID_MAC1))
		is_taken = (!under_load || ratelimit_allow(&s->limit, &s->source.addr, s->now)) &&
			consume(s, e, type);
	must(!is_taken || is_genuine(s, &s->ends[e == &s->ends[0]]));
}

static void
begin_session(struct end *e)
{
	struct session_keys keys;
	if (noise_begin_session(&e->remote, &keys) == NOISE_OK)
		must(e->remote.state == NOISE_IDLE &&
			secret_is_zero(e->remote.chain_key, NOISE_HASH_BYTES));
}

static void
alter(struct scene *s, uint8_t at, uint8_t bits)
{
	if (at < s->n_bytes)
		s->msg[at] ^= bits;
}

static void
replace(struct scene *s, struct cursor *c)
{
	size_t n_bytes = MIN_OF((size_t)cursor_u8(c), cursor_left(c));
	cursor_copy(c, s->msg, n_bytes);
	s->n_bytes = n_bytes;
}

/* A step's byte: the step in the low four bits, the end in the next, load in the highest. */
static void
do_step(struct scene *s, struct cursor *c)
{
	uint8_t byte = cursor_u8(c);
	struct end *e = &s->ends[byte >> 4 & 1];
	switch ((enum step)(byte & 15) % N_STEPS) {
	case STEP_INITIATE:
		initiate(s, e);
		break;
	case STEP_RESPOND:
		respond(s, e);
		break;
	case STEP_COOKIE:
		answer_by_cookie(s, e);
		break;
	case STEP_REPLACE:
		replace(s, c);
		break;
	case STEP_ALTER: {
		uint8_t at = cursor_u8(c);
		alter(s, at, cursor_u8(c));
		break;
	}
	case STEP_RIGHT_MACS:
		right_macs(s, e);
		break;
	case STEP_READ:
		read_message(s, e, byte >> 7);
		break;
	case STEP_BEGIN_SESSION:
		begin_session(e);
		break;
	case STEP_WAIT:
		s->now += cursor_u8(c) * 16 * NS_IN_MS;
		break;
	case N_STEPS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct scene s;
	struct cursor c = cursor_of(data, n_bytes);
	scene_init(&s, cursor_u8(&c) & 1);
	if (ratelimit_init(&s.limit, 1))
		return 0;
	for (int n = 0; n < MAX_STEPS && cursor_left(&c); n++)
		do_step(&s, &c);
	ratelimit_fini(&s.limit);
	return 0;
}
