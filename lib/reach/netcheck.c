/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach/netcheck.h"

#include <string.h>

#include "base/secret.h"

/* When a request is sent, after the beginning; and when those without an answer are given up. */
static const ns_t try_ns[NETCHECK_TRIES] = {0, 400 * NS_IN_MS, 1200 * NS_IN_MS};
#define GIVE_UP_NS (2500 * NS_IN_MS)

void
netcheck_begin(struct netcheck *n, const struct netcheck_target *targets, size_t n_targets,
	ns_t now)
{
	*n = (struct netcheck){.begun_ns = now};
	for (size_t i = 0; i < n_targets && n->n_probes < NETCHECK_MAX_TARGETS; i++)
		n->probes[n->n_probes++].target = targets[i];
}

static bool
has_answered(const struct netcheck_probe *p)
{
	return endpoint_is_known(&p->seen);
}

static void
ask(struct netcheck_probe *p, ns_t now, struct netcheck_request *out)
{
	struct stun_txid *txid = &p->txids[p->n_sent];
	secret_random(txid->bytes, sizeof(txid->bytes));
	p->sent_ns[p->n_sent++] = now;
	out->server = p->target.server;
	stun_request(out->bytes, txid);
}

unsigned
netcheck_tick(struct netcheck *n, ns_t now, struct netcheck_request out[NETCHECK_MAX_TARGETS],
	ns_t *next_ns)
{
	unsigned n_out = 0;
	ns_t age_ns = now - n->begun_ns;

	*next_ns = 0;
	if (!n->begun_ns || age_ns >= GIVE_UP_NS)
		return 0;
	for (unsigned i = 0; i < n->n_probes; i++) {
		struct netcheck_probe *p = &n->probes[i];
		if (has_answered(p))
			continue;
		if (p->n_sent < NETCHECK_TRIES && age_ns >= try_ns[p->n_sent])
			ask(p, now, &out[n_out++]);
		ns_t due_ns = p->n_sent < NETCHECK_TRIES ? try_ns[p->n_sent] : GIVE_UP_NS;
		due_ns = MAX_OF(n->begun_ns + due_ns, now + 1);
		*next_ns = *next_ns ? MIN_OF(*next_ns, due_ns) : due_ns;
	}
	return n_out;
}

static bool
take_answer(struct netcheck_probe *p, const struct stun_txid *txid, const struct endpoint *seen,
	ns_t now)
{
	for (unsigned i = 0; i < p->n_sent; i++) {
		if (memcmp(&p->txids[i], txid, sizeof(*txid)) != 0)
			continue;
		if (!has_answered(p)) {
			p->seen = *seen;
			p->latency_ns = now - MIN_OF(p->sent_ns[i], now);
		}
		return true;
	}
	return false;
}

bool
netcheck_answer(struct netcheck *n, ns_t now, const void *payload, size_t n_bytes)
{
	struct stun_txid txid;
	struct endpoint seen;
	if (stun_parse(payload, n_bytes, &txid, &seen) || !seen.port || addr_is_zero(&seen.addr))
		return false;
	if (!n->begun_ns || now - n->begun_ns >= GIVE_UP_NS)
		return false;
	for (unsigned i = 0; i < n->n_probes; i++)
		if (take_answer(&n->probes[i], &txid, &seen, now))
			return true;
	return false;
}

/* ---- What it amounts to ---- */

static struct netcheck_region *
region_of(struct netcheck_report *out, int32_t id)
{
	for (unsigned i = 0; i < out->n_regions; i++)
		if (out->regions[i].id == id)
			return &out->regions[i];
	out->regions[out->n_regions] = (struct netcheck_region){.id = id};
	return &out->regions[out->n_regions++];
}

/* The lesser of two latencies of which 0 means none. */
static ns_t
lesser(ns_t a, ns_t b)
{
	return a && b ? MIN_OF(a, b) : MAX_OF(a, b);
}

/* A family's answers, put together. */
struct family {
	ns_t nearest_ns;
	struct endpoint seen;
	unsigned n;
	bool varies;
};

static void
count_in(struct family *f, const struct netcheck_probe *p)
{
	f->varies |= f->n && !endpoint_is_equal(&f->seen, &p->seen);
	f->n++;
	if (f->n == 1 || p->latency_ns < f->nearest_ns) {
		f->nearest_ns = p->latency_ns;
		f->seen = p->seen;
	}
}

void
netcheck_report(const struct netcheck *n, ns_t now, struct netcheck_report *out)
{
	struct family v4 = {0}, v6 = {0};
	ns_t nearest_ns = 0;

	*out = (struct netcheck_report){.is_done = true};
	for (unsigned i = 0; i < n->n_probes; i++) {
		const struct netcheck_probe *p = &n->probes[i];
		bool is_v6 = p->target.server.addr.family == ADDR_V6;
		struct netcheck_region *r = region_of(out, p->target.region);
		ns_t latency_ns = MAX_OF(p->latency_ns, 1);
		if (!has_answered(p)) {
			out->is_done &= now - n->begun_ns >= GIVE_UP_NS;
			continue;
		}
		ns_t *of_region = is_v6 ? &r->v6_ns : &r->v4_ns;
		*of_region = lesser(*of_region, latency_ns);
		count_in(is_v6 ? &v6 : &v4, p);
		if (lesser(nearest_ns, latency_ns) != nearest_ns) {
			nearest_ns = latency_ns;
			out->nearest = r->id;
		}
	}
	out->v4 = v4.seen;
	out->v6 = v6.seen;
	if (v4.n > 1 || v6.n > 1)
		out->mapping = v4.varies || v6.varies ? MAPPING_VARIES : MAPPING_SAME;
}
