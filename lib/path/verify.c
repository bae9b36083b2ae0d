/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold of an opened packet before it is passed on: the tag was right, the counter is
 * new, the inner source address belongs to the peer that sealed it (cryptokey routing), and its
 * ECN bits go together with the outer ones (RFC 6040, section 4.2). Here, too, is noted what an
 * authenticated packet tells of the peer: that it lives, where it is, that it holds the keys.
 */
#include "path/encap.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Whether the packet came along the path we send on; its outer IP header starts the frame. */
static inline bool
is_same_path(const struct packet *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->mbuf, const uint8_t *, ETHERNET_BYTES);
	uint64_t mark = path_mark(p->family, ip_source(ip, p->family), p->ip - UDP_BYTES,
		ip_destination(ip, p->family));
	return mark == __atomic_load_n(&p->peer->path_mark, __ATOMIC_RELAXED);
}

/* Whether a packet may come from there. False: it has its verdict. */
static bool
source_is_possible(const struct worker *w, struct packet *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->mbuf, const uint8_t *, ETHERNET_BYTES);
	if (ip_source_is_martian(ip, p->family))
		packet_drop(p, DROP_IP_SOURCE);
	else if (tables_is_local(w->tables, p->family, ip_source(ip, p->family)))
		packet_drop(p, DROP_OWN_SOURCE);
	return p->verdict == VERDICT_NONE;
}

/*
 * A peer whose path disco chose stays there. IPv4 options may stand between the outer IP header
 * and the datagram.
 */
static void
follow_roamed(struct worker *w, struct packet *p, struct encap *was)
{
	if (__atomic_load_n(&p->peer->is_pinned, __ATOMIC_RELAXED))
		return;
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->mbuf, const uint8_t *, ETHERNET_BYTES);
	struct event_mail mail = {
		.kind = EVENT_ROAMED,
		.peer_id = p->peer_id,
		.local_index = __atomic_load_n(&p->session->local_index, __ATOMIC_RELAXED),
		.worker = w->idx,
		.path.remote.addr = addr_from_bytes(p->family, ip_source(ip, p->family)),
		.path.remote.port = load_be16(p->ip - UDP_BYTES),
		.path.local = addr_from_bytes(p->family, ip_destination(ip, p->family)),
	};
	if (!encap_renew(w, p, was, &mail.path))
		(void)event_put_once(w, &p->peer->roam_is_told, &mail);
}

static void
tell_confirmed(struct worker *w, struct packet *p)
{
	struct session *s = p->session;
	struct event_mail mail = {
		.kind = EVENT_CONFIRMED,
		.peer_id = p->peer_id,
		.local_index = __atomic_load_n(&s->local_index, __ATOMIC_RELAXED),
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
	if (!session_has_expired(s->recv_birth_ns, w->now_ns, limit) ||
		__atomic_load_n(&s->rekey_is_wanted, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&s->rekey_is_wanted, event_put(w, EVENT_HANDSHAKE_WANTED, p->peer_id),
		__ATOMIC_RELAXED);
}

/* What a run of authentic packets of one session tells of its peer; noted once a run. */
struct proof {
	struct packet *last; /* NULL: none yet */
	uint64_t n_bytes;
	bool has_data;
};

/* By value: whose address was taken would live in memory, through every packet's turn. */
static void
note_proof(struct worker *w, struct proof proof)
{
	struct packet *p = proof.last;
	struct peer_entry *peer = p->peer;
	activity_received(&peer->activity, w->now_ns);
	workers_counter_add(w, &peer->rx_bytes, proof.n_bytes);
	if (unlikely_true(!p->session->is_confirmed))
		tell_confirmed(w, p);
	if (p->session->recv_is_initiator)
		renew_if_old(w, p);
	if (!proof.has_data)
		return;
	activity_data_received(&peer->activity, w->now_ns);
	if (unlikely_true(!__atomic_load_n(&peer->is_armed, __ATOMIC_RELAXED)))
		activity_tell(w, p);
}

/* Adds an authentic packet; one of another session first ends the run. */
static inline void
proof_add(struct worker *w, struct proof *proof, struct packet *p)
{
	if (proof->last && proof->last->session != p->session) {
		note_proof(w, *proof);
		proof->n_bytes = 0;
		proof->has_data = false;
	}
	proof->last = p;
	proof->n_bytes += p->n_bytes;
	proof->has_data |= p->n_bytes != WG_DATA_OVERHEAD_BYTES;
}

/*
 * Tag, outer source if it is not the one we know, and counter; a peer that has moved is followed.
 * False: the packet has its verdict.
 */
static inline bool
is_authentic(struct worker *w, struct packet *p, const struct aead_job *job)
{
	if (unlikely_true(!job->is_ok)) {
		packet_drop(p, DROP_WG_AUTH);
		return false;
	}
	bool has_moved = !is_same_path(p);
	if (unlikely_true(has_moved) && !source_is_possible(w, p))
		return false;
	if (unlikely_true(!replay_accept(&p->session->replay, p->counter))) {
		packet_drop(p, DROP_WG_REPLAY);
		return false;
	}
	if (unlikely_true(has_moved))
		follow_roamed(w, p, rcu_read(p->peer->encap));
	return true;
}

/* Makes p the inner packet. False: the packet has its verdict. */
static inline bool
unwrap(struct packet *p, const struct aead_job *job)
{
	if (unlikely_true(job->n_bytes == 0)) {
		p->verdict = VERDICT_DONE; /* a keepalive */
		return false;
	}
	uint8_t family;
	p->ip = job->data;
	p->n_bytes = ip_check(p->ip, job->n_bytes, &family);
	p->family = family;
	if (unlikely_true(!p->n_bytes)) {
		packet_drop(p, p->family == ADDR_NONE ? DROP_IP_VERSION : DROP_IP_HEADER);
		return false;
	}
	return true;
}

/*
 * RFC 6040, figure 4: CE outside goes inside, or the packet cannot be kept (false: dropped);
 * ECT(1) outside turns ECT(0) into ECT(1); else the inner mark stays.
 */
static inline bool
ecn_decap(struct packet *p)
{
	if (likely_true(p->outer_tos == ECN_NOT_ECT || p->outer_tos == ECN_ECT0))
		return true;
	uint8_t inner = ip_ecn(p->ip, p->family);
	if (p->outer_tos == ECN_CE && inner == ECN_NOT_ECT) {
		packet_drop(p, DROP_ECN);
		return false;
	}
	if (p->outer_tos == ECN_CE || inner == ECN_ECT0)
		ip_ecn_set(p->ip, p->family, p->outer_tos);
	return true;
}

static void
check_sources(struct worker *w, struct burst *b)
{
	struct lookup *l = &b->lookup;
	bool any_allows_own = false;
	struct lookup_fill fill = lookup_begin(l);
	for (uint32_t i = 0; i < b->data.n; i++) {
		const struct packet *p = b->data.packets[i];
		const struct iface_entry *iface =
			&w->tables->ifaces[p->in_link - LINK_FIRST_TUNNEL];
		any_allows_own |= __atomic_load_n(&iface->allows_own, __ATOMIC_RELAXED);
		lookup_add(&fill, iface->allowed[family_index(p->family)],
			ip_source(p->ip, p->family), p->family);
	}
	lookup_run(&fill);
	for (uint32_t i = 0; i < b->data.n; i++) {
		struct packet *p = b->data.packets[i];
		if (unlikely_true(lookup_value(l, i) != p->peer_id))
			packet_drop(p, DROP_WG_INNER_SOURCE);
		else if (unlikely_true(ip_source_is_martian(p->ip, p->family)))
			packet_drop(p, DROP_IP_SOURCE);
		else if (unlikely_true(any_allows_own) &&
			 tables_is_local(w->tables, p->family, ip_source(p->ip, p->family)))
			packet_drop(p, DROP_OWN_SOURCE); /* AllowedIPs = 0.0.0.0/0 is not us */
		else if (unlikely_true(ip_destination_is_special(p->ip, p->family)))
			packet_drop(p, ip_destination_is_multicast(p->ip, p->family)
					       ? DROP_MULTICAST
					       : DROP_IP_DESTINATION);
		else if (ecn_decap(p))
			list_add(&b->routed, p);
	}
}

void
verify_burst(struct worker *w, struct burst *b)
{
	struct proof proof = {0};
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->data.n; i++) {
		struct packet *p = b->data.packets[i];
		if (!is_authentic(w, p, &b->jobs[i]))
			continue;
		proof_add(w, &proof, p);
		if (!unwrap(p, &b->jobs[i]))
			continue;
		p->in_link = p->out_link; /* the tunnel whose port it came to */
		b->data.packets[n++] = p;
	}
	if (proof.last)
		note_proof(w, proof);
	b->data.n = n;
	if (unlikely_true(w->filter != NULL))
		filter_look_opened(w, b);
	check_sources(w, b);
}
