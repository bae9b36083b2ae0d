/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/handshake.h"

#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "peer/activity.h"
#include "wire/wg.h"

bool
handshake_send(struct handshaker *h, struct order_mail *order, uint16_t worker,
	const void *message, size_t n_bytes)
{
	order->kind = ORDER_SEND;
	order->n_bytes = (uint16_t)n_bytes;
	memcpy(order->message, message, n_bytes);
	if (mailbox_put(h->boxes->orders[worker % h->boxes->n_workers], order))
		return true;
	log_write_limited(&h->not_sent, LOG_LEVEL_WARN,
		"worker %u takes no orders: a handshake message was dropped", worker);
	return false;
}

/* An authenticated message went out to the peer. */
static void
count_sent(struct handshaker *h, uint32_t peer_id, size_t n_bytes, ns_t now)
{
	struct peer_entry *e = tables_peer(h->tables, peer_id);
	__atomic_fetch_add(&e->handshake_tx_bytes, n_bytes, __ATOMIC_RELAXED);
	activity_sent(&e->activity, now);
}

/* An authenticated message came in: the peer is where it came from, unless disco knows better. */
static void
count_received(struct handshaker *h, uint32_t peer_id, const struct wire_mail *mail, ns_t now)
{
	struct peer_entry *e = tables_peer(h->tables, peer_id);
	__atomic_fetch_add(&e->handshake_rx_bytes, mail->n_bytes, __ATOMIC_RELAXED);
	activity_received(&e->activity, now);
	(void)tables_encap_roam(h->tables, peer_id, &mail->path.remote, &mail->path.local);
}

static void
log_refused(struct handshaker *h, const char *who, const struct wire_mail *mail,
	enum noise_result why)
{
	char from[ENDPOINT_TEXT_BYTES];
	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	log_write_limited(&h->refused, LOG_LEVEL_DEBUG, "%s: %s from %s refused: %s", who,
		wg_type_name(wg_type_of(mail->message, mail->n_bytes)),
		endpoint_format(&mail->path.remote, from), noise_result_name(why));
}

static void
log_done(const struct control_peer *p, const char *what, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_BYTES];
	log_debug("%s: %s %s", p->label, what, endpoint_format(e, text));
}

/* Everything a message of ours needs that is new each time. The caller wipes it. */
static struct noise_fresh
fresh_for(uint32_t index, const struct handshake_time *t)
{
	struct noise_fresh fresh = {.sender_index = index, .wall = t->wall};
	x25519_keygen(fresh.ephemeral.bytes);
	return fresh;
}

void
handshake_initiate(struct handshaker *h, struct control_peer *p, const struct handshake_time *t)
{
	struct order_mail order = {.peer_id = p->peer_id, .iface_id = p->iface_id};
	const struct identity *self = &h->peers->identities[p->iface_id];
	struct wg_initiation msg;
	uint32_t index;
	if (!tables_encap_get(h->tables, p->peer_id, &order.path.remote, &order.path.local)) {
		log_debug("%s: no handshake, for its endpoint is not known", p->label);
		return;
	}
	pthread_mutex_lock(&p->lock);
	if (tables_index_reserve(h->tables, p->peer_id, &index)) {
		pthread_mutex_unlock(&p->lock);
		log_warn("%s: no handshake, for all receiver indices are in use", p->label);
		return;
	}
	struct noise_fresh fresh = fresh_for(index, t);
	enum noise_result result = noise_initiate(&self->local, &p->remote, &fresh, &msg);
	if (result == NOISE_OK)
		cookie_add_macs(&p->cookies, &msg, sizeof(msg), t->now);
	else
		tables_index_release(h->tables, p->peer_id);
	pthread_mutex_unlock(&p->lock);
	secret_wipe(&fresh, sizeof(fresh));

	if (result != NOISE_OK) {
		log_debug("%s: no handshake: %s", p->label, noise_result_name(result));
	} else if (handshake_send(h, &order, 0, &msg, sizeof(msg))) {
		count_sent(h, p->peer_id, sizeof(msg), t->now);
		log_done(p, "sends handshake initiation to", &order.path.remote);
	}
}

/* ---- Upcalls: who sent this initiation ---- */

struct caller {
	struct handshaker *h;
	uint16_t iface_id;
};

static struct noise_remote *
remote_get(void *ctx, const struct key *public_key)
{
	struct caller *c = ctx;
	struct control_peer *p = peers_by_key(c->h->peers, c->iface_id, public_key);
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	return &p->remote;
}

static void
remote_put(void *ctx, struct noise_remote *remote)
{
	pthread_mutex_unlock(&CONTAINER_OF(remote, struct control_peer, remote)->lock);
}

/* ---- The three messages ---- */

/* Derives and installs; the peer is locked. Its session stands before anybody learns of it. */
static enum noise_result
begin_session(struct handshaker *h, struct control_peer *p, uint16_t worker, ns_t now)
{
	struct session_keys keys;
	enum noise_result result = noise_begin_session(&p->remote, &keys);
	if (result == NOISE_OK && tables_session_install(h->tables, &keys, worker, now))
		result = NOISE_WRONG_STATE;
	secret_wipe(&keys, sizeof(keys));
	return result;
}

/* The answer to the initiation just consumed; the peer is locked. */
static enum noise_result
make_response(struct handshaker *h, struct control_peer *p, const struct wire_mail *mail,
	const struct handshake_time *t, struct wg_response *msg)
{
	const struct identity *self = &h->peers->identities[p->iface_id];
	uint32_t index;
	if (tables_index_reserve(h->tables, p->peer_id, &index))
		return NOISE_WRONG_STATE;
	struct noise_fresh fresh = fresh_for(index, t);
	enum noise_result result = noise_respond(&self->local, &p->remote, &fresh, msg);
	secret_wipe(&fresh, sizeof(fresh));
	if (result == NOISE_OK) {
		cookie_add_macs(&p->cookies, msg, sizeof(*msg), t->now);
		result = begin_session(h, p, mail->worker, t->now);
	}
	if (result != NOISE_OK)
		tables_index_release(h->tables, p->peer_id);
	return result;
}

static void
take_initiation(struct handshaker *h, const struct wire_mail *mail,
	const struct handshake_time *t)
{
	const struct identity *self = &h->peers->identities[mail->iface_id];
	struct caller caller = {h, mail->iface_id};
	struct noise_upcalls up = {&caller, remote_get, remote_put};
	struct order_mail order = {.iface_id = mail->iface_id, .path = mail->path};
	struct noise_remote *remote;
	struct wg_response msg;

	enum noise_result result = noise_consume_initiation(&self->local, &up,
		(const struct wg_initiation *)mail->message, t->now, &remote);
	if (result != NOISE_OK) {
		log_refused(h, self->name, mail, result);
		return;
	}
	struct control_peer *p = CONTAINER_OF(remote, struct control_peer, remote);
	count_received(h, p->peer_id, mail, t->now);
	result = make_response(h, p, mail, t, &msg);
	remote_put(&caller, remote);
	if (result != NOISE_OK) {
		log_refused(h, p->label, mail, result);
		return;
	}
	order.peer_id = p->peer_id;
	if (handshake_send(h, &order, mail->worker, &msg, sizeof(msg)))
		count_sent(h, p->peer_id, sizeof(msg), t->now);
	log_done(p, "answers handshake initiation from", &mail->path.remote);
	handshake_tell(h, p, NEWS_RESPONDED);
}

/* Packets may be parked on any worker. */
static void
tell_session_ready(struct handshaker *h, const struct control_peer *p)
{
	struct order_mail order = {
		.kind = ORDER_SESSION_READY,
		.peer_id = p->peer_id,
		.iface_id = p->iface_id,
	};
	for (unsigned i = 0; i < h->boxes->n_workers; i++)
		mailbox_put(h->boxes->orders[i], &order);
}

static void
take_response(struct handshaker *h, const struct wire_mail *mail, const struct handshake_time *t)
{
	const struct wg_response *msg = (const struct wg_response *)mail->message;
	const struct identity *self = &h->peers->identities[mail->iface_id];
	struct control_peer *p = peers_by_id(h->peers,
		tables_index_peer(h->tables, msg->receiver_index));
	if (!p || p->iface_id != mail->iface_id) {
		log_refused(h, self->name, mail, NOISE_WRONG_STATE);
		return;
	}
	pthread_mutex_lock(&p->lock);
	enum noise_result result = noise_consume_response(&self->local, &p->remote, msg);
	if (result == NOISE_OK) {
		count_received(h, p->peer_id, mail, t->now);
		result = begin_session(h, p, mail->worker, t->now);
	}
	pthread_mutex_unlock(&p->lock);
	if (result != NOISE_OK) {
		log_refused(h, p->label, mail, result);
		return;
	}
	log_done(p, "received handshake response from", &mail->path.remote);
	tell_session_ready(h, p);
	handshake_tell(h, p, NEWS_COMPLETED);
}

static void
take_cookie(struct handshaker *h, const struct wire_mail *mail, const struct handshake_time *t)
{
	const struct wg_cookie *msg = (const struct wg_cookie *)mail->message;
	struct control_peer *p = peers_by_id(h->peers,
		tables_index_owner(h->tables, msg->receiver_index));
	if (!p || p->iface_id != mail->iface_id) {
		log_refused(h, h->peers->identities[mail->iface_id].name, mail, NOISE_WRONG_STATE);
		return;
	}
	pthread_mutex_lock(&p->lock);
	bool is_taken = cookie_consume_reply(&p->cookies, msg, t->now);
	pthread_mutex_unlock(&p->lock);
	if (is_taken)
		log_done(p, "is under load and sent a cookie from", &mail->path.remote);
	else
		log_refused(h, p->label, mail, NOISE_NOT_AUTHENTIC);
}

void
handshake_receive(struct handshaker *h, const struct wire_mail *mail,
	const struct handshake_time *t)
{
	bool is_ours = mail->iface_id < TABLES_MAX_IFACES && mail->n_bytes <= MAIL_MESSAGE_BYTES &&
		h->peers->identities[mail->iface_id].is_live;
	if (!is_ours)
		return;
	switch (wg_type_of(mail->message, mail->n_bytes)) {
	case WG_INITIATION:
		if (door_admits(h, mail, t->now))
			take_initiation(h, mail, t);
		break;
	case WG_RESPONSE:
		if (door_admits(h, mail, t->now))
			take_response(h, mail, t);
		break;
	case WG_COOKIE:
		take_cookie(h, mail, t);
		break;
	default:
		break;
	}
}
