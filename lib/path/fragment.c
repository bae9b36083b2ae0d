/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/fragment.h"

#include "path/answer.h"
#include "path/worker.h"
#include "wire/fragment.h"
#include "wire/ip.h"

/* As much as p has in front of it, so that what still comes in front fits. */
static uint32_t
headroom(const struct packet *p, const struct fragment_plan *plan)
{
	uint32_t before = (uint32_t)(p->ip - (uint8_t *)p->mbuf->buf_addr);
	return before - (plan->fragment_header_bytes - plan->header_bytes);
}

/* Fragment k in a buffer of its own. */
static struct again_packet
cut(const struct packet *p, const struct fragment_plan *plan, uint32_t k, struct rte_mbuf *m,
	enum again_stage stage)
{
	uint32_t n_bytes, at = fragment_payload(plan, k, &n_bytes);
	uint32_t offset = headroom(p, plan);
	uint8_t *ip = (uint8_t *)m->buf_addr + offset;
	fragment_header(plan, k, ip);
	memcpy(ip + plan->fragment_header_bytes, plan->ip + at, n_bytes);
	m->data_off = (uint16_t)offset;
	m->data_len = (uint16_t)(plan->fragment_header_bytes + n_bytes);
	m->pkt_len = m->data_len;
	return (struct again_packet){.mbuf = m,
		.n_bytes = m->pkt_len,
		.ip_offset = (uint16_t)offset,
		.in_link = p->in_link,
		.out_link = p->out_link,
		.family = p->family,
		.stage = (uint8_t)stage};
}

/* p itself becomes the first fragment; its payload stays where it is. */
static void
cut_first(struct packet *p, const struct fragment_plan *plan)
{
	uint8_t header[FRAGMENT_HEADER_MAX_BYTES];
	uint32_t n_bytes, at = fragment_payload(plan, 0, &n_bytes);
	fragment_header(plan, 0, header);
	p->ip = p->ip + at - plan->fragment_header_bytes;
	memcpy(p->ip, header, plan->fragment_header_bytes);
	p->n_bytes = plan->fragment_header_bytes + n_bytes;
}

bool
fragment_packet(struct worker *w, struct packet *p, uint32_t mtu_bytes, enum again_stage stage)
{
	struct fragment_plan plan;
	struct rte_mbuf *mbufs[AGAIN_MAX];
	uint32_t identification = (uint32_t)w->answers.seed + w->n_fragmented++ * 0x9e3779b1u;
	if (!fragment_plan(&plan, p->ip, p->family, mtu_bytes, identification)) {
		packet_drop(p, DROP_TOO_BIG);
		return false;
	}
	if (!again_has_room(&w->again, plan.n - 1)) {
		packet_drop(p, DROP_FRAGMENTS);
		return false;
	}
	if (rte_pktmbuf_alloc_bulk(w->config->pool, mbufs, plan.n - 1) != 0) {
		packet_drop(p, DROP_NO_BUFFER);
		return false;
	}
	for (uint32_t k = 1; k < plan.n; k++) {
		struct again_packet next = cut(p, &plan, k, mbufs[k - 1], stage);
		again_add(&w->again, &next);
	}
	cut_first(p, &plan);
	return true;
}
