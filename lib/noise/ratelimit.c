/* SPDX-License-Identifier: BSD-3-Clause */
#include "noise/ratelimit.h"

#include <errno.h>
#include <sodium/crypto_shorthash.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

/* A token is the time it takes to grow: so a bucket fills by adding the time that passed. */
#define TOKEN_NS (NS_IN_S / RATELIMIT_PER_S)
#define BUCKET_NS (TOKEN_NS * RATELIMIT_BURST)

struct bucket {
	uint64_t net;     /* an IPv4 address, or the first half of an IPv6 one */
	ns_t last_ns;
	uint32_t fill_ns; /* at most BUCKET_NS */
	uint8_t family;   /* ADDR_NONE: never used */
};

struct ratelimit_set {
	struct bucket ways[RATELIMIT_WAYS];
};

_Static_assert(sizeof(struct ratelimit_set) == 192, "a set is three cache lines");
_Static_assert(RATELIMIT_IDLE_NS >= BUCKET_NS, "an idle bucket is full");
_Static_assert(sizeof(((struct ratelimit *)0)->hash_key) == crypto_shorthash_KEYBYTES, "siphash");

int
ratelimit_init(struct ratelimit *r, uint32_t n_sets)
{
	if (n_sets == 0 || (n_sets & (n_sets - 1)))
		return -EINVAL;
	*r = (struct ratelimit){.sets = calloc(n_sets, sizeof(*r->sets)), .n_sets = n_sets};
	if (!r->sets)
		return -ENOMEM;
	secret_random(r->hash_key, sizeof(r->hash_key));
	return 0;
}

void
ratelimit_fini(struct ratelimit *r)
{
	free(r->sets);
	secret_wipe(r, sizeof(*r));
}

static uint64_t
net_of(const struct addr *source)
{
	return source->family == ADDR_V6 ? load_be64(source->bytes) : load_be32(source->bytes);
}

static struct ratelimit_set *
set_of(const struct ratelimit *r, uint64_t net, uint8_t family)
{
	uint8_t input[9], hash[crypto_shorthash_BYTES];
	store_le64(input, net);
	input[8] = family;
	crypto_shorthash(hash, input, sizeof(input), r->hash_key);
	return &r->sets[load_le64(hash) & (r->n_sets - 1)];
}

static ns_t
idle_for(const struct bucket *b, ns_t now)
{
	return now > b->last_ns ? now - b->last_ns : 0;
}

static bool
take_token(struct bucket *b, ns_t now)
{
	b->fill_ns = (uint32_t)MIN_OF(BUCKET_NS, b->fill_ns + idle_for(b, now));
	b->last_ns = MAX_OF(b->last_ns, now);
	if (b->fill_ns < TOKEN_NS)
		return false;
	b->fill_ns -= TOKEN_NS;
	return true;
}

bool
ratelimit_allow(struct ratelimit *r, const struct addr *source, ns_t now)
{
	uint64_t net = net_of(source);
	struct ratelimit_set *set = set_of(r, net, source->family);
	struct bucket *place = NULL;
	for (unsigned i = 0; i < RATELIMIT_WAYS; i++) {
		struct bucket *b = &set->ways[i];
		if (b->family == source->family && b->net == net)
			return take_token(b, now);
		if (b->family == ADDR_NONE || idle_for(b, now) > RATELIMIT_IDLE_NS)
			place = b;
	}
	if (!place)
		return false;
	*place = (struct bucket){
		.net = net, .family = source->family, .last_ns = now, .fill_ns = BUCKET_NS};
	return take_token(place, now);
}
