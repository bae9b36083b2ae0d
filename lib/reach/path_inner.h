/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a peer's paths share; not for others. */
#pragma once

#include "reach/peer_paths.h"

/* Whether period_ns have passed since a time of which 0 means never: then they have. */
static inline bool
path_has_passed(ns_t since_ns, ns_t period_ns, ns_t now)
{
	return since_ns == 0 || (now >= since_ns && now - since_ns >= period_ns);
}

/* Adds an action and returns it to be filled in. NULL: there is no room. */
struct path_action *path_act(
	struct path_actions *out, enum path_action_kind kind, const struct path_link *link);
/* NULL: there is none. */
struct path_candidate *path_best_of(struct peer_paths *p);
/* There is no best path any more, if there was one. */
void path_lose(struct peer_paths *p, struct path_actions *out);
/* Pings c now. */
void path_ping(struct path_candidate *c, ns_t now, struct path_actions *out);
/* Frees c's place if no source names it and it is not the best path. */
void path_prune(struct peer_paths *p, struct path_candidate *c);
/* Whether a packet can be sent there. Link-local IPv6 would need to say by which link. */
bool path_is_usable(const struct endpoint *e);
/* NULL: it is none of the candidates. */
struct path_candidate *path_find(struct peer_paths *p, const struct endpoint *remote);
/*
 * A place, without a source yet, for one that was learned. When there is none, the oldest gives
 * way, if it was silent for longer than ping_gap: so nobody can drive out those that are in use,
 * nor have us ping more than PATHS_MAX_LEARNED addresses in that time. NULL: all are in use.
 */
struct path_candidate *path_take_learned(struct peer_paths *p, const struct path_now *now,
	const struct endpoint *remote);
