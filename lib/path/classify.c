/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet is. From a port: WireGuard data goes on to be opened, handshake messages into
 * the mailbox, IP packets to another address are routed, everything else is the twin's. From a
 * tunnel's TUN: an IP packet that the kernel has routed into that tunnel.
 */
#include "host/exception.h"
#include "path/clamp.h"
#include "path/vlan.h"
#include "path/worker.h"
#include "reach/disco.h"
#include "reach/stun.h"
#include "wire/ip.h"
#include "wire/mss.h"
#include "wire/wg.h"

/* Each packet's way: a call, and what it saves and restores, would cost as much as the work. */
#define EACH_PACKET inline __attribute__((always_inline))

/* What would be answered to a multicast group or to ourselves is not even looked at. */
static bool
may_be_answered(struct worker *w, struct packet *p)
{
	if (ip_source_is_martian(p->ip, p->family))
		packet_drop(p, DROP_IP_SOURCE);
	else if (tables_is_local(w->tables, p->family, ip_source(p->ip, p->family)))
		packet_drop(p, DROP_OWN_SOURCE);
	return p->verdict == VERDICT_NONE;
}

static struct mail_path
mail_path_of(const struct packet *p, const uint8_t *udp)
{
	return (struct mail_path){
		.remote.addr = addr_from_bytes(p->family, ip_source(p->ip, p->family)),
		.remote.port = load_be16(udp),
		.local = addr_from_bytes(p->family, ip_destination(p->ip, p->family)),
	};
}

/* Copies a handshake or cookie message to the handshake threads. */
static __attribute__((noinline)) void
mail_handshake(struct worker *w, struct packet *p, const uint8_t *udp, uint32_t n_bytes)
{
	struct wire_mail mail = {
		.received_ns = w->now_ns,
		.iface_id = (uint16_t)(p->out_link - LINK_FIRST_TUNNEL),
		.worker = w->idx,
		.n_bytes = (uint16_t)n_bytes,
		.path = mail_path_of(p, udp),
	};
	if (!may_be_answered(w, p))
		return;
	memcpy(mail.message, udp + UDP_BYTES, n_bytes);
	const struct mailboxes *boxes = w->config->boxes;
	bool is_cookied = wg_has_mac2(udp + UDP_BYTES, n_bytes);
	if (mailbox_put(is_cookied ? boxes->wire_cookied : boxes->wire, &mail))
		p->verdict = VERDICT_DONE;
	else
		packet_drop(p, DROP_MAILBOX_FULL);
}

/* What is no WireGuard message: disco and STUN answers go to the reach thread of a node. */
static __attribute__((noinline)) void
mail_reach(struct worker *w, struct packet *p, const uint8_t *udp, uint32_t n_bytes)
{
	uint16_t iface_id = (uint16_t)(p->out_link - LINK_FIRST_TUNNEL);
	bool is_node = __atomic_load_n(&w->tables->ifaces[iface_id].is_node, __ATOMIC_RELAXED);
	const uint8_t *datagram = udp + UDP_BYTES;
	if (!is_node || !(disco_is_packet(datagram, n_bytes) ||
				stun_is_response(datagram, n_bytes))) {
		packet_drop(p, DROP_WG_TYPE);
		return;
	}
	if (n_bytes > MAIL_REACH_BYTES) {
		packet_drop(p, DROP_REACH_LENGTH);
		return;
	}
	if (!may_be_answered(w, p))
		return;
	struct reach_mail mail;
	mail.path = mail_path_of(p, udp);
	mail.received_ns = w->now_ns;
	mail.iface_id = iface_id;
	mail.worker = w->idx;
	mail.n_bytes = (uint16_t)n_bytes;
	memcpy(mail.datagram, datagram, n_bytes);
	if (mailbox_put(w->config->boxes->reach, &mail))
		p->verdict = VERDICT_DONE;
	else
		packet_drop(p, DROP_REACH_FULL);
}

/* udp: the header of a datagram to one of our listen ports. p->out_link is that tunnel. */
static EACH_PACKET void
classify_wireguard(struct worker *w, struct burst *b, struct packet *p, const uint8_t *udp)
{
	uint32_t left = p->n_bytes - (uint32_t)(udp - p->ip);
	uint32_t udp_bytes = load_be16(udp + 4);
	if (unlikely_true(udp_bytes < UDP_BYTES || udp_bytes > left)) {
		packet_drop(p, DROP_WG_LENGTH);
		return;
	}
	uint32_t n_bytes = udp_bytes - UDP_BYTES;
	enum wg_type type = wg_type_of(udp + UDP_BYTES, n_bytes);
	if (likely_true(type == WG_DATA)) {
		p->outer_tos = ip_ecn(p->ip, p->family);
		p->ip = (uint8_t *)(uintptr_t)(udp + UDP_BYTES);
		p->n_bytes = n_bytes;
		tables_session_prefetch(w->tables, load_le32(p->ip + 4));
		list_add(&b->data, p);
	} else if (type != WG_NONE) {
		mail_handshake(w, p, udp, n_bytes);
	} else {
		mail_reach(w, p, udp, n_bytes);
	}
}

/* The UDP header when the packet is an unfragmented datagram to a listen port of ours. */
static EACH_PACKET const uint8_t *
wireguard_header(const struct tables *t, struct packet *p)
{
	const uint8_t *udp;
	if (p->family == ADDR_V4) {
		if (p->ip[9] != IP_PROTO_UDP || ipv4_is_fragment(p->ip))
			return NULL;
		udp = p->ip + ipv4_header_bytes(p->ip);
	} else {
		if (p->ip[6] != IP_PROTO_UDP)
			return NULL;
		udp = p->ip + IPV6_BYTES;
	}
	if (p->ip + p->n_bytes < udp + UDP_BYTES)
		return NULL;
	uint16_t port = load_be16(udp + 2);
	uint8_t holder = __atomic_load_n(&t->iface_by_port[port], __ATOMIC_ACQUIRE);
	const uint8_t *to = ip_destination(p->ip, p->family);
	if (!holder || !tables_is_local(t, p->family, to))
		return NULL;
	if (unlikely_true(holder == TABLES_BY_ADDRESS))
		holder = tables_listener(t, p->family, to, port);
	if (unlikely_true(!holder))
		return NULL;
	p->out_link = link_of_iface((uint16_t)(holder - 1));
	return udp;
}

/* Lengths and, for IPv4, the header checksum. False: the packet has its verdict. */
static EACH_PACKET bool
ip_is_sound(struct packet *p, uint32_t n_bytes)
{
	uint8_t family;
	p->n_bytes = ip_check(p->ip, n_bytes, &family);
	p->family = family;
	if (unlikely_true(!p->n_bytes)) {
		packet_drop(p, p->family == ADDR_NONE ? DROP_IP_VERSION : DROP_IP_HEADER);
		return false;
	}
	bool is_vouched = (p->mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) ==
			  RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (p->family == ADDR_V4 && !is_vouched && unlikely_true(!ipv4_checksum_is_right(p->ip))) {
		packet_drop(p, DROP_IP_CHECKSUM);
		return false;
	}
	return true;
}

static void
classify_ip(struct worker *w, struct burst *b, struct packet *p, const struct port *port)
{
	p->ip = rte_pktmbuf_mtod_offset(p->mbuf, uint8_t *, ETHERNET_BYTES);
	if (!ip_is_sound(p, p->mbuf->data_len - ETHERNET_BYTES))
		return;
	const uint8_t *udp = wireguard_header(w->tables, p);
	if (udp) {
		classify_wireguard(w, b, p, udp);
		return;
	}
	if (port->completes_checksums)
		ip_l4_checksum_complete(p->ip, p->family, p->n_bytes);
	/* Multicast and loopback are the kernel's; so is what is to be thought of such a source. */
	if (unlikely_true(ip_destination_is_special(p->ip, p->family) ||
			  ip_source_is_martian(p->ip, p->family)))
		p->verdict = VERDICT_KERNEL;
	else
		list_add(&b->routed, p);
}

static bool
is_addressed_to(const uint8_t *eth, const struct mac *mac)
{
	return load_le32(eth) == load_le32(mac->bytes) &&
	       load_le16(eth + 4) == load_le16(mac->bytes + 4);
}

static inline bool
is_ip(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

static inline void
classify_frame(struct worker *w, struct burst *b, struct packet *p)
{
	const struct port *port = rcu_read(w->config->ports[p->in_link]);
	const uint8_t *eth = rte_pktmbuf_mtod(p->mbuf, const uint8_t *);
	if (unlikely_true(!port)) {
		packet_drop(p, DROP_LINK_DOWN);
	} else if (unlikely_true(p->mbuf->nb_segs != 1)) {
		packet_drop(p, DROP_FRAME_SEGMENTED);
	} else if (unlikely_true(p->mbuf->data_len < ETHERNET_BYTES)) {
		packet_drop(p, DROP_FRAME_SHORT);
	} else if (unlikely_true(eth[0] & 1)) {
		p->verdict = VERDICT_KERNEL;
		(void)vlan_take_tag(w, p); /* a VLAN's is its own twin's */
	} else if (unlikely_true(!is_addressed_to(eth, &port->mac))) {
		packet_drop(p, DROP_FRAME_NOT_OURS);
	} else {
		uint16_t ethertype = load_be16(eth + 12);
		if (unlikely_true(!is_ip(ethertype))) {
			ethertype = vlan_take_tag(w, p);
			port = rcu_read(w->config->ports[p->in_link]);
		}
		if (is_ip(ethertype))
			classify_ip(w, b, p, port);
		else if (p->verdict == VERDICT_NONE)
			p->verdict = VERDICT_KERNEL;
	}
}

/* From the kernel's side of a tunnel: the packet starts with its IP header. */
static __attribute__((noinline)) void
classify_tun(struct worker *w, struct burst *b, struct packet *p)
{
	p->ip = rte_pktmbuf_mtod(p->mbuf, uint8_t *);
	if (!ip_is_sound(p, p->mbuf->data_len))
		return;
	p->out_link = p->in_link;
	if (unlikely_true(ip_destination_is_multicast(p->ip, p->family)))
		packet_drop(p, DROP_MULTICAST);
	else
		list_add(&b->tunnel, p);
	/* The kernel passes on what containers and other links send, too. */
	if (unlikely_true(mss_is_syn(p->ip, p->family)))
		clamp_syn(w, p, NULL);
}

/* A datagram whose outer header stands behind an Ethernet header's room, rebuilt below. */
static __attribute__((noinline)) void
classify_rebuilt(struct worker *w, struct burst *b, struct packet *p)
{
	p->ip = rte_pktmbuf_mtod_offset(p->mbuf, uint8_t *, ETHERNET_BYTES);
	p->n_bytes = ip_check(p->ip, p->mbuf->data_len - ETHERNET_BYTES, &p->family);
	const uint8_t *udp = p->n_bytes ? wireguard_header(w->tables, p) : NULL;
	if (udp)
		classify_wireguard(w, b, p, udp);
	else
		packet_drop(p, DROP_WG_TYPE);
}

/* Writes the IP and UDP header that the datagram would have had, had it come in one piece. */
static void
rebuild_header(uint8_t *payload, const struct exception_datagram *d)
{
	struct encap e = {.remote = {.addr = d->dst, .port = d->port}, .local = d->src.addr};
	encap_template(&e, d->src.port);
	uint8_t *ip = payload - e.header_bytes;
	uint16_t udp_bytes = (uint16_t)(UDP_BYTES + d->payload_bytes);
	memcpy(ip, e.header, e.header_bytes);
	if (e.family == ADDR_V4) {
		ip[1] = d->tos;
		store_be16(ip + 2, (uint16_t)(IPV4_BYTES + udp_bytes));
	} else {
		ip[0] = (uint8_t)(0x60 | d->tos >> 4);
		ip[1] = (uint8_t)(d->tos << 4);
		store_be16(ip + 4, udp_bytes);
	}
	store_be16(payload - 4, udp_bytes);
}

/*
 * The kernel put the fragments of a datagram together and the exception thread read it from the
 * ListenPort's socket: from here on it is as one that came in one piece.
 */
static void
classify_datagram(struct worker *w, struct burst *b, struct packet *p)
{
	struct rte_mbuf *m = p->mbuf;
	struct exception_datagram d;
	memcpy(&d, rte_pktmbuf_mtod(m, void *), sizeof(d));
	uint8_t *payload = rte_pktmbuf_mtod_offset(m, uint8_t *, sizeof(d));
	uint32_t header_bytes = d.dst.family == ADDR_V4 ? IPV4_BYTES + UDP_BYTES : sizeof(d);
	rebuild_header(payload, &d);
	uint8_t *frame = payload - header_bytes - ETHERNET_BYTES;
	m->data_off = (uint16_t)(frame - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(ETHERNET_BYTES + header_bytes + d.payload_bytes);
	m->pkt_len = m->data_len;
	p->in_link = LINK_REBUILT;
	classify_rebuilt(w, b, p);
}

void
classify_burst(struct worker *w, struct burst *b)
{
	for (struct packet *p = b->packets + b->n_ready; p < b->packets + b->n; p++) {
		if (p->verdict != VERDICT_NONE)
			continue;
		if (likely_true(p->in_link < TABLES_MAX_PORTS))
			classify_frame(w, b, p);
		else if (link_is_tunnel(p->in_link))
			classify_tun(w, b, p);
		else if (p->in_link == EXCEPTION_LINK_DATAGRAM)
			classify_datagram(w, b, p);
		else if (p->in_link == LINK_REBUILT)
			classify_rebuilt(w, b, p);
		else
			packet_drop(p, DROP_LINK_DOWN);
	}
}
