/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intel's ipsec-mb (1.3 to 2.x) as a backend. Its ChaCha20-Poly1305 works inside one message and
 * finishes within the submit call, so a burst is a loop over the job interface without argument
 * checks, and one nonce and one tag a state are enough. The burst interface measures within 2 %
 * of this and differs between 1.3 and 2.0 (session ids); the init/update/finalize calls are dearer.
 */
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"

#if IMB_VERSION_NUM < IMB_VERSION(1, 3, 0)
#error "ipsec-mb 1.3 or later is needed"
#endif

struct state {
	uint8_t nonce[16];
	uint8_t tag[16]; /* as computed by open */
	size_t mgr_bytes;
	IMB_MGR *mgr;
};

static bool
is_supported(void)
{
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("pclmul");
}

/* The library tests itself as it starts; a version that says nothing of it counts as well. */
static bool
has_started(IMB_MGR *mgr)
{
	if (imb_get_errno(mgr) != 0)
		return false;
	return !(mgr->features & IMB_FEATURE_SELF_TEST) ||
	       (mgr->features & IMB_FEATURE_SELF_TEST_PASS);
}

static void
destroy(void *state)
{
	struct state *s = state;

	secret_wipe(s->mgr, s->mgr_bytes);
	free(s->mgr);
	secret_wipe(s, sizeof(*s));
	free(s);
}

/* The manager stands in memory of ours, so that its size is known when it is wiped. */
static void *
create(void)
{
	struct state *s = aligned_alloc(CACHE_LINE_BYTES, CACHE_LINE_BYTES);
	size_t n_bytes =
		(imb_get_mb_mgr_size() + CACHE_LINE_BYTES - 1) & ~(size_t)(CACHE_LINE_BYTES - 1);
	void *room = aligned_alloc(CACHE_LINE_BYTES, n_bytes);

	if (!s || !room)
		goto fail;
	*s = (struct state){.mgr_bytes = n_bytes};
	s->mgr = imb_set_pointers_mb_mgr(room, 0, 1);
	if (!s->mgr)
		goto fail;
	init_mb_mgr_auto(s->mgr, NULL);
	if (!has_started(s->mgr))
		goto fail;
	return s;
fail:
	free(room);
	free(s);
	return NULL;
}

struct text {
	const uint8_t *key;
	const uint8_t *in;
	uint8_t *out;
	uint64_t n_bytes;
	uint8_t *tag;
	const void *aad;
	uint64_t aad_bytes;
};

/* Runs one message under s->nonce. false: the library did not finish it, which it never should. */
static inline bool
run(struct state *s, const struct text *t, IMB_CIPHER_DIRECTION direction)
{
	IMB_JOB *j = IMB_GET_NEXT_JOB(s->mgr);

	j->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	j->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	j->cipher_direction = direction;
	j->chain_order =
		direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	j->enc_keys = t->key;
	j->dec_keys = t->key;
	j->key_len_in_bytes = AEAD_KEY_BYTES;
	j->src = t->in;
	j->dst = t->out;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = t->n_bytes;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = t->n_bytes;
	j->iv = s->nonce;
	j->iv_len_in_bytes = AEAD_NONCE_BYTES;
	j->auth_tag_output = t->tag;
	j->auth_tag_output_len_in_bytes = AEAD_TAG_BYTES;
	j->u.CHACHA20_POLY1305.aad = t->aad;
	j->u.CHACHA20_POLY1305.aad_len_in_bytes = t->aad_bytes;
	IMB_JOB *done = IMB_SUBMIT_JOB_NOCHECK(s->mgr);
	return likely_true(done == j && done->status == IMB_STATUS_COMPLETED);
}

/* Constant time: no branch before both halves are folded. */
static inline bool
tag_is_equal(const uint8_t a[AEAD_TAG_BYTES], const uint8_t b[AEAD_TAG_BYTES])
{
	bool is_equal =
		((load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8))) == 0;

	/* The verdict is public: a forged message is dropped. */
	secret_is_public(&is_equal, sizeof(is_equal));
	return is_equal;
}

static void
seal_burst(void *state, struct aead_job *jobs, unsigned n)
{
	struct state *s = state;

	for (struct aead_job *j = jobs; j < jobs + n; j++) {
		struct text t = {.key = j->key,
			.in = j->data,
			.out = j->data,
			.n_bytes = j->n_bytes,
			.tag = j->data + j->n_bytes};

		aead_nonce_of_counter(s->nonce, j->counter);
		j->is_ok = run(s, &t, IMB_DIR_ENCRYPT);
		if (unlikely_true(!j->is_ok))
			secret_wipe(j->data, j->n_bytes + AEAD_TAG_BYTES);
	}
}

static void
open_burst(void *state, struct aead_job *jobs, unsigned n)
{
	struct state *s = state;

	for (struct aead_job *j = jobs; j < jobs + n; j++) {
		struct text t = {.key = j->key,
			.in = j->data,
			.out = j->data,
			.n_bytes = j->n_bytes,
			.tag = s->tag};

		aead_nonce_of_counter(s->nonce, j->counter);
		/* The library deciphers before it knows the tag: take it back when wrong. */
		j->is_ok =
			run(s, &t, IMB_DIR_DECRYPT) && tag_is_equal(s->tag, j->data + j->n_bytes);
		if (unlikely_true(!j->is_ok))
			secret_wipe(j->data, j->n_bytes);
	}
}

static int
seal_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct state *s = state;
	struct text t = {
		key, m->in, m->out, m->in_bytes, m->out + m->in_bytes, m->aad, m->aad_bytes};

	memcpy(s->nonce, nonce, AEAD_NONCE_BYTES);
	if (run(s, &t, IMB_DIR_ENCRYPT))
		return 0;
	secret_wipe(m->out, m->in_bytes + AEAD_TAG_BYTES);
	return -EIO;
}

static int
open_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct state *s = state;

	if (m->in_bytes < AEAD_TAG_BYTES)
		return -EBADMSG;
	size_t n_bytes = m->in_bytes - AEAD_TAG_BYTES;
	struct text t = {key, m->in, m->out, n_bytes, s->tag, m->aad, m->aad_bytes};

	memcpy(s->nonce, nonce, AEAD_NONCE_BYTES);
	if (run(s, &t, IMB_DIR_DECRYPT) && tag_is_equal(s->tag, m->in + n_bytes))
		return 0;
	secret_wipe(m->out, n_bytes);
	return -EBADMSG;
}

const struct aead_backend aead_ipsecmb = {
	.name = "ipsecmb",
	.needs = "SSE4.2 with AES-NI and PCLMULQDQ",
	.is_supported = is_supported,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
	.seal_one = seal_one,
	.open_one = open_one,
};
