/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/vlan.h"

#include "path/worker.h"
#include "wire/ip.h"

enum { MACS_BYTES = 12 };

static bool
is_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ;
}

/* The link of a frame with this tag control information that came by p's link, or -1. */
static int
link_of_tag(const struct worker *w, const struct packet *p, uint16_t tci)
{
	const struct port *port = rcu_read(w->config->ports[p->in_link]);
	uint16_t id = tci & VLAN_ID_MASK;
	return id && port ? port_vlan_link(port, id) : p->in_link;
}

uint16_t
vlan_take_tag(struct worker *w, struct packet *p)
{
	struct rte_mbuf *m = p->mbuf;
	uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);
	if (load_be16(eth + MACS_BYTES) != ETHERTYPE_VLAN)
		return 0;
	if (m->data_len < ETHERNET_BYTES + VLAN_TAG_BYTES) {
		packet_drop(p, DROP_FRAME_SHORT);
		return 0;
	}
	uint16_t ethertype = load_be16(eth + MACS_BYTES + VLAN_TAG_BYTES);
	int link = link_of_tag(w, p, load_be16(eth + ETHERNET_BYTES));
	if (link < 0 || is_tag(ethertype))
		return 0;
	memmove(eth + VLAN_TAG_BYTES, eth, MACS_BYTES);
	m->data_off = (uint16_t)(m->data_off + VLAN_TAG_BYTES);
	m->data_len = (uint16_t)(m->data_len - VLAN_TAG_BYTES);
	m->pkt_len = m->data_len;
	if (link != p->in_link) {
		counter_add(&w->links[link].rx_pkts, 1);
		counter_add(&w->links[link].rx_bytes, m->pkt_len);
	}
	p->in_link = (uint16_t)link;
	return ethertype;
}

bool
vlan_put_tag(struct rte_mbuf *m, uint16_t vlan_id)
{
	uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);
	if (m->data_len < ETHERNET_BYTES)
		return false;
	if (load_be16(eth + MACS_BYTES) == ETHERTYPE_VLAN &&
		m->data_len >= ETHERNET_BYTES + VLAN_TAG_BYTES &&
		!(load_be16(eth + ETHERNET_BYTES) & VLAN_ID_MASK)) {
		store_be16(eth + ETHERNET_BYTES, load_be16(eth + ETHERNET_BYTES) | vlan_id);
		return true;
	}
	eth = (uint8_t *)rte_pktmbuf_prepend(m, VLAN_TAG_BYTES);
	if (!eth)
		return false;
	memmove(eth, eth + VLAN_TAG_BYTES, MACS_BYTES);
	store_be16(eth + MACS_BYTES, ETHERTYPE_VLAN);
	store_be16(eth + ETHERNET_BYTES, vlan_id);
	return true;
}
