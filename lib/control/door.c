/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The door before the handshakes: who does not know our public key is turned away by mac1, and
 * under load who cannot be reached at its address, or comes too often, as well (whitepaper 5.3).
 */
#include "base/log.h"
#include "base/secret.h"
#include "control/handshake.h"

void
door_look_at_load(struct handshaker *h, ns_t now)
{
	unsigned n = mailbox_count(h->boxes->wire) + mailbox_count(h->boxes->wire_cookied);
	if (n >= HANDSHAKER_LOAD_MAILS)
		__atomic_store_n(&h->loaded_until_ns, now + NS_IN_S, __ATOMIC_RELAXED);
}

static bool
is_under_load(const struct handshaker *h, ns_t now)
{
	return now < __atomic_load_n(&h->loaded_until_ns, __ATOMIC_RELAXED);
}

static void
log_turned_away(struct handshaker *h, const struct wire_mail *mail, const char *why)
{
	char from[ENDPOINT_TEXT_BYTES];
	if (!log_is_on(LOG_LEVEL_DEBUG))
		return; /* a flood is no time to format addresses for nobody */
	log_write_limited(&h->turned_away, LOG_LEVEL_DEBUG, "%s: %s from %s: %s",
		h->peers->identities[mail->iface_id].name,
		wg_type_name(wg_type_of(mail->message, mail->n_bytes)),
		endpoint_format(&mail->path.remote, from), why);
}

/* Cookies may fill half of a worker's box: the rest is for those who are let in. */
static bool
has_room_for_cookie(const struct handshaker *h, const struct wire_mail *mail)
{
	return mailbox_is_half_empty(h->boxes->orders[mail->worker % h->boxes->n_workers]);
}

static void
send_cookie(struct handshaker *h, const struct wire_mail *mail, const struct wg_cookie *msg)
{
	struct order_mail order = {.path = mail->path, .iface_id = mail->iface_id};
	handshake_send(h, &order, mail->worker, msg, sizeof(*msg));
	log_turned_away(h, mail, "under load, answered with a cookie");
}

bool
door_admits(struct handshaker *h, const struct wire_mail *mail, ns_t now)
{
	struct cookie_checker *checker = &h->peers->identities[mail->iface_id].checker;
	struct cookie_packet packet = {mail->message, mail->n_bytes, &mail->path.remote};
	bool under_load = is_under_load(h, now);
	bool is_admitted = true, gets_cookie = under_load && has_room_for_cookie(h, mail);
	struct wg_cookie reply;
	uint8_t nonce[WG_XNONCE_BYTES];
	secret_random(nonce, gets_cookie ? sizeof(nonce) : 0);

	pthread_mutex_lock(&h->door_lock);
	enum cookie_verdict verdict = cookie_check(checker, &packet, now, under_load);
	if (gets_cookie && verdict == COOKIE_VALID_MAC1)
		cookie_make_reply(checker, &packet, now, nonce, &reply);
	else if (under_load && verdict == COOKIE_VALID_MAC2)
		is_admitted = ratelimit_allow(&h->limiter, &mail->path.remote.addr, now);
	pthread_mutex_unlock(&h->door_lock);

	if (verdict == COOKIE_INVALID_MAC1) {
		log_turned_away(h, mail, "its mac1 is wrong: it does not know our public key");
		return false;
	}
	if (under_load && verdict == COOKIE_VALID_MAC1) {
		if (gets_cookie)
			send_cookie(h, mail, &reply);
		else
			log_turned_away(h, mail, "under load, with no room for a cookie");
		return false;
	}
	if (!is_admitted)
		log_turned_away(h, mail, "under load, and it comes too often");
	return is_admitted;
}
