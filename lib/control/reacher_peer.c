/* SPDX-License-Identifier: BSD-3-Clause */
/* One node's paths: what reach/peer_paths.h decides is done here. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/reacher_inner.h"

/* Data sealed for it, ever. */
static uint64_t
tx_bytes(const struct reacher *r, const struct reach_peer *p)
{
	return __atomic_load_n(&tables_peer(r->tables, p->peer_id)->tx_bytes, __ATOMIC_RELAXED);
}

struct reach_peer *
reach_peer_create(struct reacher *r, uint32_t peer_id, struct tailnet_node *node)
{
	struct reach_peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->peer_id = peer_id;
	p->node = node_get(node);
	p->tx_bytes_seen = tx_bytes(r, p);
	return p;
}

static void
unpin(struct reacher *r, const struct reach_peer *p)
{
	tables_encap_unpin(r->tables, p->peer_id);
}

void
reach_peer_destroy(struct reacher *r, struct reach_peer *p)
{
	wheel_clear(&r->wheel, &p->timer);
	unpin(r, p);
	node_put(p->node);
	free(p->paths);
	secret_wipe(p, sizeof(*p));
	free(p);
}

/* Whoever is never spoken to has no paths: they take 4 KB. False: memory is short. */
static bool
has_paths(struct reach_peer *p)
{
	if (p->paths)
		return true;
	p->paths = calloc(1, sizeof(*p->paths));
	if (p->paths)
		peer_paths_set_map(p->paths, p->node->endpoints, p->node->n_endpoints);
	return p->paths;
}

/* ---- What was decided ---- */

static void
log_path(const struct reach_peer *p, const char *what, const struct path_action *a)
{
	char text[ENDPOINT_TEXT_BYTES];
	log_debug("%s: %s %s", p->node->name, what, endpoint_format(&a->link.remote, text));
}

static void
send_disco(struct reacher *r, struct reach_peer *p, enum disco_type type,
	const struct path_action *a)
{
	struct mail_path path = {.remote = a->link.remote, .local = a->link.local};
	struct disco_message m = {
		.type = type,
		.txid = a->txid,
		.has_node_key = type == DISCO_PING,
		.node_key = r->self.node_public,
		.observed = a->link.remote,
	};
	(void)reach_send(r, p, &path, &m); /* a full box is as a packet lost */
}

/* Control has it do a handshake, if it waits for one. */
static void
tell_found(struct reacher *r, const struct reach_peer *p)
{
	struct event_mail ev = {.kind = EVENT_PATH_FOUND, .peer_id = p->peer_id};
	(void)mailbox_put(r->boxes->events, &ev);
}

static void
take_best(struct reacher *r, struct reach_peer *p, const struct path_action *a)
{
	if (tables_encap_pin(r->tables, p->peer_id, &a->link.remote, &a->link.local)) {
		log_error("%s: no memory for its path", p->node->name);
		return;
	}
	log_path(p, "its path is", a);
	tell_found(r, p);
}

static void
act(struct reacher *r, struct reach_peer *p, const struct path_action *a)
{
	switch (a->kind) {
	case PATH_PING:
		send_disco(r, p, DISCO_PING, a);
		break;
	case PATH_PONG:
		send_disco(r, p, DISCO_PONG, a);
		break;
	case PATH_REACHED:
		p->reached = (struct reach_pong){p->reached.n + 1, a->link.remote, a->latency_ns};
		break;
	case PATH_BEST:
		take_best(r, p, a);
		break;
	case PATH_DOUBTED:
		unpin(r, p);
		break;
	case PATH_LOST:
		log_path(p, "it is no longer at", a);
		unpin(r, p);
		break;
	}
}

/* ---- What leads here ---- */

/* Whether data was sent since this was last asked: when, is known to a heartbeat. */
static void
note_sent(struct reacher *r, struct reach_peer *p, ns_t now)
{
	uint64_t n_bytes = tx_bytes(r, p);
	if (n_bytes != p->tx_bytes_seen)
		p->sent_ns = now;
	p->tx_bytes_seen = n_bytes;
}

/* After an event that led to `actions`, if any: what is due as well, and all of it is done. */
static void
settle(struct reacher *r, struct reach_peer *p, struct path_actions *actions, ns_t now)
{
	const struct path_now at = {&path_times_default, now};
	note_sent(r, p, now);
	ns_t next_ns = peer_paths_tick(p->paths, &at, p->sent_ns, actions);
	for (unsigned i = 0; i < actions->n; i++)
		act(r, p, &actions->at[i]);
	if (next_ns)
		wheel_set(&r->wheel, &p->timer, next_ns);
	else
		wheel_clear(&r->wheel, &p->timer);
}

void
reach_peer_renew(struct reacher *r, struct reach_peer *p, struct tailnet_node *node)
{
	struct path_actions actions = {.n = 0};
	node_put(p->node);
	p->node = node_get(node);
	if (!p->paths)
		return;
	peer_paths_set_map(p->paths, node->endpoints, node->n_endpoints);
	settle(r, p, &actions, clock_boot_ns());
}

void
reach_peer_rekey(struct reacher *r, struct reach_peer *p)
{
	struct path_actions actions = {.n = 0};
	disco_box_wipe(&p->box);
	p->has_box = p->has_tried_box = false;
	if (!p->paths)
		return;
	peer_paths_disco_changed(p->paths, &actions);
	settle(r, p, &actions, clock_boot_ns());
}

void
reach_peer_stir(struct reacher *r, struct reach_peer *p, ns_t now)
{
	p->sent_ns = now;
	reach_peer_run(r, p, now);
}

void
reach_peer_run(struct reacher *r, struct reach_peer *p, ns_t now)
{
	struct path_actions actions = {.n = 0};
	if (has_paths(p))
		settle(r, p, &actions, now);
}

void
reach_peer_ping(struct reacher *r, struct reach_peer *p, ns_t now)
{
	const struct path_now at = {&path_times_default, now};
	struct path_actions actions = {.n = 0};
	if (!has_paths(p))
		return;
	peer_paths_ping_all(p->paths, &at, &actions);
	settle(r, p, &actions, now);
}

void
reach_peer_look(const struct reach_peer *p, struct reacher_view *out, ns_t now)
{
	struct path_best best;
	out->last_pong = p->reached;
	out->is_active = p->sent_ns && now < p->sent_ns + path_times_default.active_ns;
	out->was_sought = p->paths;
	for (unsigned i = 0; p->paths && i < PATHS_MAX_CANDIDATES; i++)
		out->n_candidates += path_candidate_is_used(&p->paths->candidates[i]);
	if (!p->paths || !peer_paths_best(p->paths, now, &best))
		return;
	out->has_path = true;
	out->is_trusted = best.is_trusted;
	out->via = best.link.remote;
	out->latency_ns = best.latency_ns;
}

static struct path_link
link_of(const struct reach_mail *mail)
{
	return (struct path_link){.remote = mail->path.remote, .local = mail->path.local};
}

void
reach_peer_pinged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *ping, ns_t now)
{
	const struct path_now at = {&path_times_default, now};
	const struct path_link link = link_of(mail);
	struct path_actions actions = {.n = 0};
	if (!has_paths(p))
		return;
	peer_paths_ping_received(p->paths, &at, &link, &ping->txid, &actions);
	settle(r, p, &actions, now);
}

void
reach_peer_ponged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *pong, ns_t now)
{
	/* The mail waited for us, but not the pong for the mail. */
	const struct path_now at = {&path_times_default, MIN_OF(mail->received_ns, now)};
	const struct path_link link = link_of(mail);
	struct path_actions actions = {.n = 0};
	if (p->paths && peer_paths_pong_received(p->paths, &at, &link, &pong->txid, &actions))
		settle(r, p, &actions, now);
}
