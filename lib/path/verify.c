/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold of an opened packet before it is passed on: the tag was right, the counter is
 * new, the inner source address belongs to the peer that sealed it (cryptokey routing), and its
 * ECN bits go together with the outer ones (RFC 6040, section 4.2). Here, too, is noted what an
 * authenticated packet tells of the peer: that it lives, where it is, that it holds the keys.
 */
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Whether the outer header in front of the data came along the path we send on. */
static bool
is_same_path(const struct packet *p, const struct encap *e)
{
	const uint8_t *udp = p->ip - UDP_BYTES;
	const uint8_t *header = e->header;
	if (e->family == ADDR_V4) {
		const uint8_t *ip = udp - IPV4_BYTES;
		return p->family == ADDR_V4 && load_le32(ip + 12) == load_le32(header + 16) &&
		       load_le32(ip + 16) == load_le32(header + 12) &&
		       load_le16(udp) == load_le16(header + 22);
	}
	const uint8_t *ip = udp - IPV6_BYTES;
	return p->family == ADDR_V6 && load_le64(ip + 8) == load_le64(header + 24) &&
	       load_le64(ip + 16) == load_le64(header + 32) &&
	       load_le64(ip + 24) == load_le64(header + 8) &&
	       load_le64(ip + 32) == load_le64(header + 16) && load_le16(udp) == load_le16(header + 42);
}

/* The outer IP header starts the frame; IPv4 options may stand between it and the datagram. */
static void
tell_roamed(struct worker *w, struct packet *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->mbuf, const uint8_t *, ETHERNET_BYTES);
	struct event_mail mail = {
		.kind = EVENT_ROAMED,
		.peer_id = p->peer_id,
		.worker = w->idx,
		.path.remote.addr = addr_from_bytes(p->family, ip_source(ip, p->family)),
		.path.remote.port = load_be16(p->ip - UDP_BYTES),
		.path.local = addr_from_bytes(p->family, ip_destination(ip, p->family)),
	};
	if (!__atomic_load_n(&p->peer->roam_is_told, __ATOMIC_ACQUIRE) &&
		mailbox_put(w->config->boxes->events, &mail))
		__atomic_store_n(&p->peer->roam_is_told, true, __ATOMIC_RELEASE);
}

static void
tell_confirmed(struct worker *w, struct packet *p)
{
	struct session *s = p->session;
	struct event_mail mail = {
		.kind = EVENT_CONFIRMED,
		.peer_id = p->peer_id,
		.local_index = s->local_index,
		.worker = w->idx,
	};
	if (mailbox_put(w->config->boxes->events, &mail))
		s->is_confirmed = true;
}

/* A receiver that is the initiator renews a session that is about to be refused (kernel, 6.2). */
static void
renew_if_old(struct worker *w, struct packet *p)
{
	const struct protocol_times *t = w->tables->times;
	ns_t limit = t->reject_after_ns - t->keepalive_ns - t->rekey_timeout_ns;
	struct session *s = p->session;
	if (s->rekey_is_wanted || !session_has_expired(s->birth_ns, w->now_ns, limit))
		return;
	s->rekey_is_wanted = event_put(w, EVENT_HANDSHAKE_WANTED, p->peer_id);
}

static void
note_authenticated(struct worker *w, struct packet *p)
{
	struct peer_entry *peer = p->peer;
	struct session *s = p->session;
	activity_received(&peer->activity, w->now_ns);
	__atomic_fetch_add(&peer->rx_bytes, p->n_bytes, __ATOMIC_RELAXED);
	if (unlikely_true(!s->is_confirmed))
		tell_confirmed(w, p);
	if (unlikely_true(s->is_initiator))
		renew_if_old(w, p);
	const struct encap *e = rcu_read(peer->encap);
	if (unlikely_true(!e || !is_same_path(p, e)))
		tell_roamed(w, p);
}

static void
note_data(struct worker *w, struct packet *p)
{
	struct peer_entry *peer = p->peer;
	activity_data_received(&peer->activity, w->now_ns);
	if (unlikely_true(!__atomic_load_n(&peer->is_armed, __ATOMIC_RELAXED)) &&
		event_put(w, EVENT_ACTIVITY, p->peer_id))
		__atomic_store_n(&peer->is_armed, true, __ATOMIC_RELAXED);
}

/* Tag, counter, and the plain text's own shape. False: the packet has its verdict. */
static bool
is_authentic(struct worker *w, struct packet *p, const struct aead_job *job)
{
	if (unlikely_true(!job->is_ok)) {
		packet_drop(p, DROP_WG_AUTH);
		return false;
	}
	if (unlikely_true(!replay_accept(&p->session->replay, p->counter))) {
		packet_drop(p, DROP_WG_REPLAY);
		return false;
	}
	note_authenticated(w, p);
	if (job->n_bytes == 0) {
		p->verdict = VERDICT_DONE; /* a keepalive */
		return false;
	}
	note_data(w, p);
	p->ip = job->data;
	p->n_bytes = ip_check(p->ip, job->n_bytes, &p->family);
	if (unlikely_true(!p->n_bytes)) {
		packet_drop(p, p->family == ADDR_NONE ? DROP_IP_VERSION : DROP_IP_HEADER);
		return false;
	}
	return true;
}

/* RFC 6040 4.2: CE outside goes inside, or the packet cannot be kept. False: dropped. */
static bool
ecn_decap(struct packet *p)
{
	if (likely_true(p->outer_tos != ECN_CE))
		return true;
	if ((ip_traffic_class(p->ip, p->family) & ECN_MASK) == ECN_NOT_ECT) {
		packet_drop(p, DROP_ECN);
		return false;
	}
	ip_ecn_set_ce(p->ip, p->family);
	return true;
}

static void
check_sources(struct worker *w, struct burst *b, uint32_t n)
{
	route_lookup_bulk(b->queries, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = b->data.at[i];
		struct packet *p = &b->packets[at];
		if (unlikely_true(b->queries[i].value != p->peer_id))
			packet_drop(p, DROP_WG_INNER_SOURCE);
		else if (unlikely_true(ip_destination_is_multicast(p->ip, p->family)))
			packet_drop(p, DROP_MULTICAST);
		else if (ecn_decap(p))
			list_add(&b->routed, at);
	}
}

void
verify_burst(struct worker *w, struct burst *b)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->data.n; i++) {
		uint32_t at = b->data.at[i];
		struct packet *p = &b->packets[at];
		if (!is_authentic(w, p, &b->jobs[i]))
			continue;
		p->in_link = link_of_iface(p->session->recv_iface_id);
		const struct iface_entry *iface = &w->tables->ifaces[p->session->recv_iface_id];
		b->queries[n] = (struct route_query){
			.table = iface->allowed[family_index(p->family)],
			.addr = ip_source(p->ip, p->family),
		};
		b->data.at[n++] = (uint8_t)at;
	}
	b->data.n = n;
	check_sources(w, b, n);
}
