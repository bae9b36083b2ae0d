/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * perf-blake2s: libb2 against OpenSSL for the hashes of a handshake; the figures behind
 * docs/decisions/0001. Libraries take turns in each round, the median round counts. "new" makes
 * and frees OpenSSL's context for each call, "kept" uses one again.
 */
#include <blake2.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

enum {
	ROUNDS = 301,
	CALLS = 64,
};

struct bench {
	EVP_MD *md;
	EVP_MD_CTX *md_ctx;
	EVP_MAC *mac;
	EVP_MAC_CTX *mac_ctx;
	uint8_t in[256], out[32], key[32];
};

static void
libb2_hash(struct bench *b, size_t n)
{
	blake2s(b->out, b->in, NULL, 32, n, 0);
}

static void
libb2_mac(struct bench *b, size_t n)
{
	blake2s(b->out, b->in, b->key, 16, n, 32);
}

static void
hash_with(struct bench *b, EVP_MD_CTX *c, size_t n)
{
	if (!EVP_DigestInit_ex2(c, b->md, NULL) || !EVP_DigestUpdate(c, b->in, n) ||
		!EVP_DigestFinal_ex(c, b->out, NULL))
		abort();
}

static void
mac_with(struct bench *b, EVP_MAC_CTX *c, size_t n)
{
	size_t size = 16, got;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end()};

	if (!EVP_MAC_init(c, b->key, sizeof(b->key), params) || !EVP_MAC_update(c, b->in, n) ||
		!EVP_MAC_final(c, b->out, &got, sizeof(b->out)) || got != 16)
		abort();
}

static void
kept_hash(struct bench *b, size_t n)
{
	hash_with(b, b->md_ctx, n);
}

static void
kept_mac(struct bench *b, size_t n)
{
	mac_with(b, b->mac_ctx, n);
}

static void
new_hash(struct bench *b, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	hash_with(b, c, n);
	EVP_MD_CTX_free(c);
}

static void
new_mac(struct bench *b, size_t n)
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(b->mac);

	mac_with(b, c, n);
	EVP_MAC_CTX_free(c);
}

static const struct {
	const char *name;
	void (*call)(struct bench *b, size_t n);
} cases[] = {
	{"libb2 hash", libb2_hash},
	{"openssl hash, kept", kept_hash},
	{"openssl hash, new", new_hash},
	{"libb2 mac16", libb2_mac},
	{"openssl mac16, kept", kept_mac},
	{"openssl mac16, new", new_mac},
};
enum {
	N_CASES = sizeof(cases) / sizeof(cases[0]),
};

static int
compare_clk(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
measure(struct bench *b, size_t n)
{
	static uint64_t clk[N_CASES][ROUNDS];

	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned i = 0; i < N_CASES; i++) {
			uint64_t start = __rdtsc();
			for (unsigned k = 0; k < CALLS; k++)
				cases[i].call(b, n);
			clk[i][r] = (__rdtsc() - start) / CALLS;
		}
	}
	for (unsigned i = 0; i < N_CASES; i++) {
		qsort(clk[i], ROUNDS, sizeof(clk[i][0]), compare_clk);
		printf("%4zu  %-20s %6llu\n", n, cases[i].name,
			(unsigned long long)clk[i][ROUNDS / 2]);
	}
}

int
main(void)
{
	static const size_t sizes[] = {32, 64, 116, 148};
	static struct bench b;

	b.md = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	b.mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	b.md_ctx = EVP_MD_CTX_new();
	b.mac_ctx = b.mac ? EVP_MAC_CTX_new(b.mac) : NULL;
	if (!b.md || !b.md_ctx || !b.mac_ctx) {
		fputs("perf-blake2s: this libcrypto has no BLAKE2s\n", stderr);
		return 1;
	}
	puts("bytes call               clk");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure(&b, sizes[i]);
	EVP_MAC_CTX_free(b.mac_ctx);
	EVP_MD_CTX_free(b.md_ctx);
	EVP_MAC_free(b.mac);
	EVP_MD_free(b.md);
	return 0;
}
