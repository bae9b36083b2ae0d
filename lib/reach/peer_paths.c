/* SPDX-License-Identifier: BSD-3-Clause */
/* The events of a peer's paths. Their places stand in path_candidates.c, time in path_tick.c. */
#include "reach/peer_paths.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "reach/path_inner.h"

const struct path_times path_times_default = {
	.ping_timeout_ns = 5 * NS_IN_S,
	.ping_gap_ns = 5 * NS_IN_S,
	.heartbeat_ns = 3 * NS_IN_S,
	.active_ns = 45 * NS_IN_S,
	.trust_ns = 6500 * NS_IN_MS,
	.full_ping_ns = 60 * NS_IN_S,
	.good_latency_ns = 5 * NS_IN_MS,
	.learned_ns = 45 * NS_IN_S,
	.call_gap_ns = NS_IN_S,
	.pong_gap_ns = 50 * NS_IN_MS,
};

struct path_action *
path_act(struct path_actions *out, enum path_action_kind kind, const struct path_link *link)
{
	if (out->n == PATHS_MAX_ACTIONS)
		return NULL;
	struct path_action *a = &out->at[out->n++];
	*a = (struct path_action){.kind = kind, .link = *link};
	return a;
}

struct path_candidate *
path_best_of(struct peer_paths *p)
{
	return p->best ? &p->candidates[p->best - 1] : NULL;
}

void
path_lose(struct peer_paths *p, struct path_actions *out)
{
	struct path_candidate *best = path_best_of(p);
	if (!best)
		return;
	(void)path_act(out, PATH_LOST, &best->link);
	p->best = 0;
	p->trusted_until_ns = 0;
	path_prune(p, best);
}

/* The oldest of its pings makes room: it would have timed out first. */
void
path_ping(struct path_candidate *c, ns_t now, struct path_actions *out)
{
	struct path_action *a = path_act(out, PATH_PING, &c->link);
	if (!a)
		return;
	struct path_ping *ping = &c->pings[0];
	for (unsigned i = 1; i < PATHS_PINGS_EACH; i++)
		if (c->pings[i].sent_ns < ping->sent_ns)
			ping = &c->pings[i];
	secret_random(a->txid.bytes, sizeof(a->txid.bytes));
	*ping = (struct path_ping){.sent_ns = now, .txid = a->txid};
	c->pinged_ns = now;
}

/* Pongs have a budget: each moves pongs_paid_ns on, which may be ahead of now by the burst. */
static bool
may_pong(struct peer_paths *p, const struct path_now *now)
{
	ns_t paid_ns = MAX_OF(p->pongs_paid_ns, now->ns) + now->times->pong_gap_ns;
	if (paid_ns > now->ns + PATHS_PONG_BURST * now->times->pong_gap_ns)
		return false;
	p->pongs_paid_ns = paid_ns;
	return true;
}

static void
pong(struct peer_paths *p, const struct path_now *now, const struct path_link *link,
	const struct disco_txid *txid, struct path_actions *out)
{
	struct path_action *a = may_pong(p, now) ? path_act(out, PATH_PONG, link) : NULL;
	if (a)
		a->txid = *txid;
}

void
peer_paths_ping_received(struct peer_paths *p, const struct path_now *now,
	const struct path_link *link, const struct disco_txid *txid, struct path_actions *out)
{
	if (!path_is_usable(&link->remote))
		return;
	struct path_candidate *c = path_find(p, &link->remote);
	if (c && c->got_ns && disco_txid_is_equal(&c->got, txid))
		return;
	pong(p, now, link, txid, out);
	if (!c)
		c = path_take_learned(p, now, &link->remote);
	if (!c)
		return;
	c->sources |= PATH_FROM_PING;
	c->link.local = link->local;
	c->got = *txid;
	c->got_ns = now->ns;
	bool is_trusted = c == path_best_of(p) && now->ns < p->trusted_until_ns;
	if (!is_trusted && path_has_passed(c->pinged_ns, now->times->ping_gap_ns, now->ns))
		path_ping(c, now->ns, out);
}

/* Which candidate a pong is for; its ping is no more under way. */
static struct path_candidate *
credit(struct peer_paths *p, const struct path_now *now, const struct disco_txid *txid)
{
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES * PATHS_PINGS_EACH; i++) {
		struct path_candidate *c = &p->candidates[i / PATHS_PINGS_EACH];
		struct path_ping *ping = &c->pings[i % PATHS_PINGS_EACH];
		if (!ping->sent_ns || !disco_txid_is_equal(&ping->txid, txid))
			continue;
		ns_t sent_ns = ping->sent_ns;
		*ping = (struct path_ping){0};
		if (path_has_passed(sent_ns, now->times->ping_timeout_ns, now->ns))
			return NULL;
		c->latency_ns = now->ns - MIN_OF(sent_ns, now->ns);
		c->ponged_ns = now->ns;
		return c;
	}
	return NULL;
}

/* A path that is not trusted gives way to any that just proved itself. */
static bool
is_better_than_best(struct peer_paths *p, const struct path_now *now, struct path_candidate *c)
{
	const struct path_candidate *best = path_best_of(p);
	if (!best || now->ns >= p->trusted_until_ns)
		return true;
	return path_is_better(
		&c->link.remote, c->latency_ns, &best->link.remote, best->latency_ns);
}

/* c has just answered: the best path it becomes, or stays, or it is left beside it. */
static void
judge(struct peer_paths *p, const struct path_now *now, struct path_candidate *c,
	struct path_actions *out)
{
	struct path_candidate *was = path_best_of(p);
	bool is_news = c != was || now->ns >= p->trusted_until_ns;

	if (c != was && !is_better_than_best(p, now, c))
		return;
	p->best = (uint8_t)(1 + (c - p->candidates));
	p->trusted_until_ns = now->ns + now->times->trust_ns;
	if (was)
		path_prune(p, was);
	struct path_action *a = is_news ? path_act(out, PATH_BEST, &c->link) : NULL;
	if (a)
		a->latency_ns = c->latency_ns;
}

bool
peer_paths_pong_received(struct peer_paths *p, const struct path_now *now,
	const struct path_link *link, const struct disco_txid *txid, struct path_actions *out)
{
	struct path_candidate *c = credit(p, now, txid);
	if (!c)
		return false;
	/* A hub with several addresses may answer from another: then our end may be another too. */
	if (endpoint_is_equal(&link->remote, &c->link.remote))
		c->link.local = link->local;
	struct path_action *a = path_act(out, PATH_REACHED, &c->link);
	if (a) {
		a->latency_ns = c->latency_ns;
		a->txid = *txid;
	}
	judge(p, now, c, out);
	return true;
}

void
peer_paths_call_received(struct peer_paths *p, const struct path_now *now,
	const struct disco_message *call, struct path_actions *out)
{
	if (!path_has_passed(p->called_ns, now->times->call_gap_ns, now->ns))
		return;
	p->called_ns = now->ns;
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		p->candidates[i].sources &= (uint8_t)~PATH_FROM_CALL;
		path_prune(p, &p->candidates[i]);
	}
	for (unsigned i = 0; i < call->n_endpoints; i++) {
		struct path_candidate *c = NULL;
		if (path_is_usable(&call->endpoints[i])) {
			c = path_find(p, &call->endpoints[i]);
			c = c ? c : path_take_learned(p, now, &call->endpoints[i]);
		}
		if (c)
			c->sources |= PATH_FROM_CALL;
	}
	peer_paths_ping_all(p, now, out);
}

void
peer_paths_disco_changed(struct peer_paths *p, struct path_actions *out)
{
	path_lose(p, out);
	p->full_ping_ns = 0;
	for (unsigned i = 0; i < PATHS_MAX_CANDIDATES; i++) {
		struct path_candidate *c = &p->candidates[i];
		memset(c->pings, 0, sizeof(c->pings));
		c->got_ns = 0;
		c->pinged_ns = 0;
		c->ponged_ns = 0;
		c->sources &= (uint8_t)~PATH_FROM_CALL;
		path_prune(p, c);
	}
}

void
peer_paths_send_failed(
	struct peer_paths *p, const struct endpoint *remote, struct path_actions *out)
{
	const struct path_candidate *best = path_best_of(p);
	if (best && endpoint_is_equal(&best->link.remote, remote))
		path_lose(p, out);
}

bool
peer_paths_best(const struct peer_paths *p, ns_t now, struct path_best *out)
{
	if (!p->best)
		return false;
	const struct path_candidate *c = &p->candidates[p->best - 1];
	*out = (struct path_best){
		.link = c->link,
		.latency_ns = c->latency_ns,
		.is_trusted = now < p->trusted_until_ns,
	};
	return true;
}
