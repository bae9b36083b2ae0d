/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/clamp.h"

#include "path/worker.h"
#include "wire/mss.h"

static const uint32_t no_limit = UINT32_MAX;

/* The MTU that a link sets for TCP; a port sets none. */
static uint32_t
limit_of(const struct worker *w, uint16_t link_id)
{
	if (!link_is_tunnel(link_id))
		return no_limit;
	const struct iface_entry *iface = &w->tables->ifaces[link_id - LINK_FIRST_TUNNEL];
	if (!__atomic_load_n(&iface->clamps_mss, __ATOMIC_RELAXED))
		return no_limit;
	return __atomic_load_n(&iface->mtu, __ATOMIC_RELAXED);
}

void
clamp_syn(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	uint32_t in = limit_of(w, p->in_link);
	uint32_t out = !nh ? limit_of(w, p->out_link)
		: nh->type == NEXTHOP_TUNNEL ? limit_of(w, link_of_iface(nh->iface_id))
					     : no_limit;
	uint32_t limit = MIN_OF(in, out);
	if (limit == no_limit)
		return;
	if (nh && nh->type == NEXTHOP_LINK)
		limit = MIN_OF(limit, (uint32_t)nh->mtu);
	(void)mss_clamp(p->ip, p->family, p->n_bytes, limit);
}
