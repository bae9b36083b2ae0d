/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Known answers of the AEAD: RFC 8439 and every Wycheproof case, through the one-message calls
 * and through every backend: all cases by its *_one entries, and brought into WireGuard's form by
 * its bursts as well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium/crypto_onetimeauth.h>

#include "base/secret.h"
#include "crypto/aead_burst.h"
#include "crypto/init.h"
#include "unit/crypto/hex.h"

struct aead_row {
	unsigned id, valid;
	const char *key, *nonce, *aad, *plain, *sealed, *tag;
};
static const struct aead_row wycheproof[] = {
#include "vectors/wycheproof_chacha20_poly1305.inc"
};
static const struct aead_row wycheproof_x[] = {
#include "vectors/wycheproof_xchacha20_poly1305.inc"
};
static const struct {
	const char *key, *nonce, *aad, *plain, *sealed, *tag;
} rfc8439[] = {
#include "vectors/rfc8439_aead.inc"
};
static const struct {
	const char *key, *nonce, *poly_key;
} poly_keys[] = {
#include "vectors/rfc8439_polykey.inc"
};

enum {
	ROOM_BYTES = 1024,
};

/* A row as bytes. */
struct vector {
	uint8_t key[32], nonce[64], aad[ROOM_BYTES], plain[ROOM_BYTES + 16],
		sealed[ROOM_BYTES + 16];
	size_t nonce_bytes, aad_bytes, n_bytes;
};

/* One way of sealing and opening: the library calls, or a backend and a state of it. */
struct way {
	const char *name;
	size_t nonce_bytes;
	struct aead a;
	bool extended;
};

/* A row of the table alone. */
static int
create(struct aead *a, unsigned row)
{
	return aead_create(a, &(struct aead_choice){.backend = aead_backends[row]}, NULL);
}

static void
vector_read(struct vector *v, const struct aead_row *row)
{
	hex_parse_exact(v->key, 32, row->key);
	v->nonce_bytes = hex_parse(v->nonce, sizeof(v->nonce), row->nonce);
	v->aad_bytes = hex_parse(v->aad, sizeof(v->aad), row->aad);
	v->n_bytes = hex_parse(v->plain, sizeof(v->plain), row->plain);
	hex_parse_exact(v->sealed, v->n_bytes, row->sealed);
	size_t tag_bytes = hex_parse(v->sealed + v->n_bytes, 16, row->tag);
	/* Rows about nonces of wrong lengths carry no tag. */
	assert_true(tag_bytes == 16 || !row->valid);
}

static void
way_seal(const struct way *w, const struct vector *v, const struct aead_message *m)
{
	if (w->a.backend)
		assert_int_equal(w->a.backend->seal_one(w->a.state, v->key, v->nonce, m), 0);
	else if (w->extended)
		xaead_seal(v->key, v->nonce, m);
	else
		aead_seal(v->key, v->nonce, m);
}

static int
way_open(const struct way *w, const struct vector *v, const struct aead_message *m)
{
	if (w->a.backend)
		return w->a.backend->open_one(w->a.state, v->key, v->nonce, m);
	return w->extended ? xaead_open(v->key, v->nonce, m) : aead_open(v->key, v->nonce, m);
}

/* Whether the row comes out as it says, one way, out of place and in place. */
static void
check_one(const struct way *w, const struct aead_row *row, const struct vector *v)
{
	uint8_t out[ROOM_BYTES + 16], in_place[ROOM_BYTES + 16], untouched[16];
	struct aead_message m = {v->aad, v->aad_bytes, v->plain, v->n_bytes, out};

	way_seal(w, v, &m);
	if ((memcmp(out, v->sealed, v->n_bytes + 16) == 0) != (row->valid == 1))
		fail_msg("%s: case %u: seal", w->name, row->id);
	memcpy(in_place, v->sealed, v->n_bytes + 16);
	memset(out, 0xaa, sizeof(out));
	memset(untouched, 0xaa, sizeof(untouched));
	m = (struct aead_message){v->aad, v->aad_bytes, v->sealed, v->n_bytes + 16, out};
	struct aead_message same = {v->aad, v->aad_bytes, in_place, v->n_bytes + 16, in_place};
	if (way_open(w, v, &m) != (row->valid ? 0 : -EBADMSG) ||
		way_open(w, v, &same) != (row->valid ? 0 : -EBADMSG))
		fail_msg("%s: case %u: open", w->name, row->id);
	assert_memory_equal(out, in_place, v->n_bytes);
	/* Only sealing may use the room of a tag. */
	assert_memory_equal(out + v->n_bytes, untouched, sizeof(untouched));
	assert_memory_equal(in_place + v->n_bytes, v->sealed + v->n_bytes, sizeof(untouched));
	if (row->valid)
		assert_memory_equal(out, v->plain, v->n_bytes);
	else
		assert_true(secret_is_zero(out, v->n_bytes));
}

/*
 * No case has the form of a burst (a nonce that starts with 4 zero bytes, no associated data). So
 * every case's key, nonce and plain text are brought into that form, sealed by the oracle, and run
 * as one burst; the invalid ones with a wrong tag.
 */
static void
check_as_one_burst(struct way *w, const struct aead_row *rows, unsigned n)
{
	static struct vector v[ARRAY_COUNT(wycheproof)];
	static uint8_t data[ARRAY_COUNT(wycheproof)][ROOM_BYTES + 16];
	static struct aead_job jobs[ARRAY_COUNT(wycheproof)];

	for (unsigned i = 0; i < n; i++) {
		vector_read(&v[i], &rows[i]);
		jobs[i] = (struct aead_job){.key = v[i].key,
			.data = data[i],
			.counter = load_le64(v[i].nonce + 4),
			.n_bytes = (uint32_t)v[i].n_bytes};
		store_le32(v[i].nonce, 0);
		aead_seal(v[i].key, v[i].nonce,
			&(struct aead_message){
				.in = v[i].plain, .in_bytes = v[i].n_bytes, .out = v[i].sealed});
		memcpy(data[i], v[i].plain, v[i].n_bytes);
	}
	aead_seal_burst(&w->a, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		if (!jobs[i].is_ok || memcmp(data[i], v[i].sealed, v[i].n_bytes + 16) != 0)
			fail_msg("%s: case %u: burst seal", w->name, rows[i].id);
		data[i][v[i].n_bytes + i % 16] ^= (uint8_t)!rows[i].valid;
	}
	aead_open_burst(&w->a, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].is_ok != rows[i].valid)
			fail_msg("%s: case %u: burst open", w->name, rows[i].id);
		assert_true(rows[i].valid ? memcmp(data[i], v[i].plain, v[i].n_bytes) == 0
					  : secret_is_zero(data[i], v[i].n_bytes));
	}
}

/* Rows whose nonce has another length cannot be said through these interfaces; they are invalid. */
static void
check_rows(struct way *w, const struct aead_row *rows, unsigned n)
{
	static struct vector v;
	unsigned n_one = 0, n_wrong_nonce = 0;

	for (unsigned i = 0; i < n; i++) {
		vector_read(&v, &rows[i]);
		if (v.nonce_bytes != w->nonce_bytes) {
			assert_false(rows[i].valid);
			n_wrong_nonce++;
			continue;
		}
		check_one(w, &rows[i], &v);
		n_one++;
	}
	print_message("%-10s %u cases, %u with a nonce of another length (not expressible)\n",
		w->name, n_one, n_wrong_nonce);
	assert_int_equal(n_wrong_nonce, 9);
}

static void
wycheproof_one_message(void **state)
{
	struct way w = {.name = "aead", .nonce_bytes = 12};

	assert_int_equal(ARRAY_COUNT(wycheproof), 325);
	check_rows(&w, wycheproof, ARRAY_COUNT(wycheproof));
}

static void
wycheproof_extended_nonce(void **state)
{
	struct way w = {.name = "xaead", .nonce_bytes = 24, .extended = true};

	assert_int_equal(ARRAY_COUNT(wycheproof_x), 315);
	check_rows(&w, wycheproof_x, ARRAY_COUNT(wycheproof_x));
}

static void
wycheproof_every_backend(void **state)
{
	for (unsigned i = 0; aead_backends[i]; i++) {
		struct way w = {.name = aead_backends[i]->name, .nonce_bytes = 12};

		if (!aead_backends[i]->is_supported()) {
			print_message("%s left out: no %s\n", w.name, aead_backends[i]->needs);
			continue;
		}
		assert_non_null(aead_backends[i]->seal_one);
		assert_non_null(aead_backends[i]->open_one);
		assert_int_equal(create(&w.a, i), 0);
		check_rows(&w, wycheproof, ARRAY_COUNT(wycheproof));
		check_as_one_burst(&w, wycheproof, ARRAY_COUNT(wycheproof));
		aead_destroy(&w.a);
	}
}

static void
check_rfc8439(const struct way *w)
{
	static struct vector v;
	uint8_t out[ROOM_BYTES + 16];

	for (unsigned i = 0; i < ARRAY_COUNT(rfc8439); i++) {
		struct aead_row row = {i, 1, rfc8439[i].key, rfc8439[i].nonce, rfc8439[i].aad,
			rfc8439[i].plain, rfc8439[i].sealed, "00000000000000000000000000000000"};
		bool has_tag = rfc8439[i].tag[0];

		if (has_tag)
			row.tag = rfc8439[i].tag;
		vector_read(&v, &row);
		if (has_tag)
			check_one(w, &row, &v);
		way_seal(
			w, &v, &(struct aead_message){v.aad, v.aad_bytes, v.plain, v.n_bytes, out});
		assert_memory_equal(out, v.sealed, v.n_bytes);
	}
}

/* The RFC's ChaCha20 examples have a nonce that a burst can say. */
static void
check_rfc8439_burst(struct way *w)
{
	static struct vector v;
	unsigned n_checked = 0;

	for (unsigned i = 0; i < ARRAY_COUNT(rfc8439); i++) {
		struct aead_row row = {i, 0, rfc8439[i].key, rfc8439[i].nonce, rfc8439[i].aad,
			rfc8439[i].plain, rfc8439[i].sealed, ""};
		vector_read(&v, &row);
		if (v.aad_bytes || load_le32(v.nonce) != 0)
			continue;
		struct aead_job j = {.key = v.key,
			.data = v.plain,
			.counter = load_le64(v.nonce + 4),
			.n_bytes = (uint32_t)v.n_bytes};
		aead_seal_burst(&w->a, &j, 1);
		assert_memory_equal(v.plain, v.sealed, v.n_bytes);
		n_checked++;
	}
	assert_int_equal(n_checked, 2);
}

/* The tag of a message is Poly1305 under the RFC's one-time key of the padded text and lengths. */
static void
check_poly_keys(const struct way *w)
{
	static struct vector v;

	for (unsigned i = 0; i < ARRAY_COUNT(poly_keys); i++) {
		uint8_t sealed[64 + 16] = {0}, maced[80] = {0}, poly_key[32], tag[16];

		hex_parse_exact(v.key, 32, poly_keys[i].key);
		hex_parse_exact(v.nonce, 12, poly_keys[i].nonce);
		hex_parse_exact(poly_key, 32, poly_keys[i].poly_key);
		way_seal(w, &v, &(struct aead_message){NULL, 0, v.plain, 61, sealed});
		memcpy(maced, sealed, 61);
		store_le64(maced + 64 + 8, 61);
		crypto_onetimeauth(tag, maced, sizeof(maced), poly_key);
		assert_memory_equal(tag, sealed + 61, 16);
	}
}

static void
rfc8439_every_way(void **state)
{
	struct way w = {.name = "aead", .nonce_bytes = 12};

	check_rfc8439(&w);
	check_poly_keys(&w);
	for (unsigned i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->is_supported())
			continue;
		w.name = aead_backends[i]->name;
		assert_int_equal(create(&w.a, i), 0);
		check_rfc8439(&w);
		check_rfc8439_burst(&w);
		check_poly_keys(&w);
		aead_destroy(&w.a);
	}
}

static void
what_is_shorter_than_a_tag_is_refused(void **state)
{
	const uint8_t key[32] = {1}, nonce[24] = {2}, in[16] = {3};

	for (size_t n = 0; n < 16; n++) {
		uint8_t out[16] = {0xaa};
		struct aead_message m = {NULL, 0, in, n, out};

		assert_int_equal(aead_open(key, nonce, &m), -EBADMSG);
		assert_int_equal(xaead_open(key, nonce, &m), -EBADMSG);
		assert_int_equal(out[0], 0xaa);
		for (unsigned i = 0; aead_backends[i]; i++) {
			struct aead a;

			if (!aead_backends[i]->is_supported())
				continue;
			assert_int_equal(create(&a, i), 0);
			assert_int_equal(a.backend->open_one(a.state, key, nonce, &m), -EBADMSG);
			aead_destroy(&a);
		}
	}
}

static int
set_up(void **state)
{
	return crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8439_every_way),
		cmocka_unit_test(wycheproof_one_message),
		cmocka_unit_test(wycheproof_extended_nonce),
		cmocka_unit_test(wycheproof_every_backend),
		cmocka_unit_test(what_is_shorter_than_a_tag_is_refused),
	};
	return cmocka_run_group_tests_name("aead", tests, set_up, NULL);
}
