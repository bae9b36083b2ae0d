/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one exit: each packet's verdict is carried out. Then tx_flush hands the batches to the ports.
 */
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "host/urgent.h"
#include "path/vlan.h"
#include "path/watched.h"
#include "path/worker.h"

static void
drop(struct worker *w, struct packet *p, enum drop_reason reason)
{
	packet_drop(p, reason); /* for those who look on */
	drops_count(w, p, reason);
	rte_pktmbuf_free(p->mbuf);
}

/* What the port has not taken. */
static __attribute__((noinline)) void
drop_unsent(struct worker *w, uint16_t link_id, struct rte_mbuf **mbufs, uint32_t n)
{
	const struct drop_cause cause = {
		.reason = rcu_read(w->config->ports[link_id]) ? DROP_TX_FULL : DROP_LINK_DOWN,
		.link_id = link_id,
	};
	const struct watch_fate fate = {.first_link = LINK_NONE, .in_link = LINK_NONE,
		.out_link = link_id, .verdict = VERDICT_DROP, .stage = STAGE_TX,
		.reason_or_target = (uint8_t)cause.reason};
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(mbufs[i], const uint8_t *);
		watched_lose(w, &(struct watched_loss){fate, frame, mbufs[i]->data_len, true});
	}
	drops_count_cause(w, &cause, n);
	rte_pktmbuf_free_bulk(mbufs, n);
}

static void
flush_link(struct worker *w, uint16_t link_id)
{
	struct tx_batch *batch = &w->tx[link_id];
	const struct port *port = rcu_read(w->config->ports[link_id]);
	uint64_t n_bytes = 0;
	uint16_t n = 0;
	if (port) {
		for (uint32_t i = 0; i < batch->n; i++)
			n_bytes += batch->mbufs[i]->pkt_len;
		n = rte_eth_tx_burst(port->dpdk_id, w->idx, batch->mbufs, (uint16_t)batch->n);
		for (uint32_t i = n; i < batch->n; i++)
			n_bytes -= batch->mbufs[i]->pkt_len;
	}
	if (unlikely_true(n < batch->n))
		drop_unsent(w, link_id, batch->mbufs + n, batch->n - n);
	counter_add(&w->links[link_id].tx_pkts, n);
	counter_add(&w->links[link_id].tx_bytes, n_bytes);
	batch->n = 0;
}

void
tx_flush(struct worker *w)
{
	for (; w->tx_links; w->tx_links &= w->tx_links - 1)
		flush_link(w, (uint16_t)__builtin_ctzll(w->tx_links));
}

static void
hand_over(struct worker *w, struct packet *p, unsigned target, uint32_t tag)
{
	p->mbuf->hash.usr = tag;
	if (target >= w->config->n_workers ||
		rte_ring_enqueue(w->config->handoff[target], p->mbuf) != 0)
		drop(w, p, DROP_HANDOFF_FULL);
}

/*
 * The port, if this worker can put packets on it itself; else p has been dropped or handed over.
 */
static const struct port *
sendable_port(struct worker *w, struct packet *p)
{
	const struct port *port = rcu_read(w->config->ports[p->out_link]);
	if (unlikely_true(!port || !__atomic_load_n(&port->is_up, __ATOMIC_RELAXED))) {
		drop(w, p, DROP_LINK_DOWN);
		return NULL;
	}
	if (unlikely_true(w->idx >= port->n_tx_queues)) {
		/* Fewer queues than workers: worker 0 sends for those without one. */
		hand_over(w, p, 0, HANDOFF_TX | p->out_link);
		return NULL;
	}
	return port;
}

/* The batch of the link that was found sendable last. */
struct open_batch {
	uint16_t link_id; /* LINK_NONE at first */
	struct tx_batch *batch;
};

/* A VLAN's frame goes into its parent's batch. */
static __attribute__((noinline)) void
transmit_tagged(struct worker *w, struct packet *p, const struct port *vlan)
{
	struct tx_batch *batch = &w->tx[vlan->parent];
	struct link_counters *c = &w->links[vlan->link_id];
	uint32_t n_bytes = p->mbuf->pkt_len;
	if (!vlan_put_tag(p->mbuf, vlan->vlan_id)) {
		drop(w, p, DROP_TOO_BIG);
		return;
	}
	counter_add(&c->tx_pkts, 1);
	counter_add(&c->tx_bytes, n_bytes);
	w->tx_links |= 1ull << vlan->parent;
	batch->mbufs[batch->n++] = p->mbuf;
}

static inline void
transmit(struct worker *w, struct packet *p, struct open_batch *open)
{
	if (unlikely_true(p->out_link != open->link_id)) {
		const struct port *port = sendable_port(w, p);
		if (!port)
			return;
		if (port->vlan_id) {
			transmit_tagged(w, p, port);
			return;
		}
		*open = (struct open_batch){.link_id = p->out_link, .batch = &w->tx[p->out_link]};
		w->tx_links |= 1ull << p->out_link;
	}
	open->batch->mbufs[open->batch->n++] = p->mbuf;
}

/* To the twin of in_link: a port's gets the frame, a tunnel's the IP packet alone. */
static void
to_kernel(struct worker *w, struct packet *p)
{
	if (unlikely_true(!w->config->has_host)) {
		drop(w, p, DROP_NO_HOST);
		return;
	}
	const struct kernel_rings *rings = &w->config->kernel[w->idx];
	struct rte_mbuf *m = p->mbuf;
	bool is_tunnel = link_is_tunnel(p->in_link);
	if (is_tunnel) {
		m->data_off = (uint16_t)(p->ip - (uint8_t *)m->buf_addr);
		m->data_len = (uint16_t)p->n_bytes;
		m->pkt_len = p->n_bytes;
	}
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	/* ARP, neighbour discovery and routing sessions must not queue behind a flood. */
	bool urgent = is_tunnel ? urgent_is_packet(data, m->data_len)
				: urgent_is_frame(data, m->data_len);
	struct frame *f = (struct frame *)m;
	frame_set_link(f, p->in_link);
	if (frame_ring_push(urgent ? rings->to_kernel_urgent : rings->to_kernel_bulk, &f, 1) != 1)
		drop(w, p, DROP_KERNEL_RING_FULL);
}

void
finish_burst(struct worker *w, struct burst *b)
{
	struct open_batch open = {.link_id = LINK_NONE};
	for (struct packet *p = b->packets; p < b->packets + b->n; p++) {
		switch ((enum verdict)p->verdict) {
		case VERDICT_TX:
			transmit(w, p, &open);
			break;
		case VERDICT_KERNEL:
			to_kernel(w, p);
			break;
		case VERDICT_HANDOFF:
			hand_over(w, p, p->reason_or_target, p->in_link);
			break;
		case VERDICT_KEPT:
			break;
		case VERDICT_DROP:
			drop(w, p, (enum drop_reason)p->reason_or_target);
			break;
		case VERDICT_NONE:
		case VERDICT_DONE:
			rte_pktmbuf_free(p->mbuf);
			break;
		}
	}
}
