/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/again.h"

#include "path/worker.h"

void
again_release(struct worker *w, struct burst *b)
{
	struct stage_list *lists[] = {[AGAIN_ROUTED] = &b->routed, [AGAIN_SEALED] = &b->sealed};
	for (uint32_t i = 0; i < w->again.n; i++) {
		const struct again_packet *a = &w->again.packets[i];
		struct packet *p = burst_add(b, a->mbuf, a->in_link);
		p->ip = (uint8_t *)a->mbuf->buf_addr + a->ip_offset;
		p->n_bytes = a->n_bytes;
		p->family = a->family;
		p->out_link = a->out_link;
		list_add(lists[a->stage], p);
	}
	w->again.n = 0;
}

void
again_fini(struct again *a)
{
	while (a->n)
		rte_pktmbuf_free(a->packets[--a->n].mbuf);
}
