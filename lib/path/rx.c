/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a turn's packets come from, in this order: what other workers handed over, what the
 * kernel sends out of its twins, and the ports, starting with another one each turn.
 */
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "base/prefetch.h"
#include "path/worker.h"

enum { RX_PER_QUEUE = 32, PREFETCH_AHEAD = 4 };

/* The packet's IP header is read next; its first line holds Ethernet and IP, and mostly UDP. */
static void
prefetch_packets(struct burst *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++)
		prefetch_read(rte_pktmbuf_mtod(b->packets[i].mbuf, void *));
}

static void
rx_ring(struct burst *b, struct rte_ring *ring)
{
	struct rte_mbuf *mbufs[RX_PER_QUEUE];
	unsigned room = RTE_MIN((unsigned)RX_PER_QUEUE, BURST_MAX - b->n);
	unsigned n = rte_ring_dequeue_burst(ring, (void **)mbufs, room, NULL);
	for (unsigned i = 0; i < n; i++) {
		uint32_t tag = mbufs[i]->hash.usr;
		struct packet *p = burst_add(b, mbufs[i], (uint16_t)tag);
		if (tag & HANDOFF_TX) {
			p->out_link = p->in_link;
			p->verdict = VERDICT_TX;
		}
	}
}

/* A frame that the kernel sent out of a port's twin leaves by the port; a tunnel's is sealed. */
static void
rx_kernel(struct worker *w, struct burst *b, struct frame_ring *ring)
{
	struct frame *frames[RX_PER_QUEUE];
	unsigned room = RTE_MIN((unsigned)RX_PER_QUEUE, BURST_MAX - b->n);
	unsigned n = frame_ring_pop(ring, frames, room);
	for (unsigned i = 0; i < n; i++) {
		struct packet *p =
			burst_add(b, (struct rte_mbuf *)frames[i], frame_link(frames[i]));
		if (p->in_link < TABLES_MAX_PORTS) {
			p->out_link = p->in_link;
			p->verdict = VERDICT_TX;
		}
	}
}

static void
rx_port(struct worker *w, struct burst *b, const struct port *port)
{
	struct link_counters *c = &w->links[port->link_id];
	for (uint16_t q = w->idx; q < port->n_rx_queues; q += w->config->n_workers) {
		struct rte_mbuf *mbufs[RX_PER_QUEUE];
		uint16_t room = RTE_MIN((uint16_t)RX_PER_QUEUE, (uint16_t)(BURST_MAX - b->n));
		if (!room)
			return;
		uint16_t n = rte_eth_rx_burst(port->dpdk_id, q, mbufs, room);
		uint64_t n_bytes = 0;
		for (uint16_t i = 0; i < n; i++) {
			burst_add(b, mbufs[i], port->link_id);
			n_bytes += mbufs[i]->pkt_len;
		}
		if (n) {
			counter_add(&c->rx_pkts, n);
			counter_add(&c->rx_bytes, n_bytes);
		}
	}
}

void
rx_burst(struct worker *w, struct burst *b)
{
	struct path_config *config = w->config;
	uint32_t from = b->n;
	if (config->handoff[w->idx])
		rx_ring(b, config->handoff[w->idx]);
	b->n_handed = b->n;
	if (config->has_host) {
		rx_kernel(w, b, config->kernel[w->idx].from_kernel_urgent);
		rx_kernel(w, b, config->kernel[w->idx].from_kernel_bulk);
	}
	for (unsigned i = 0; i < TABLES_MAX_PORTS; i++) {
		unsigned at = (i + w->rx_turn) % TABLES_MAX_PORTS;
		const struct port *port = rcu_read(config->ports[at]);
		if (port)
			rx_port(w, b, port);
	}
	w->rx_turn++;
	prefetch_packets(b, from);
}
