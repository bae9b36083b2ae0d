/* SPDX-License-Identifier: BSD-3-Clause */
/* What the paths to peers take, as routers say. */
#include "tables/tables.h"

enum {
	PATH_MTU_LEAST = 1280,         /* RFC 8200, 5 */
	OVERHEAD_BYTES = 40 + 8 + 32, /* IPv6, UDP, the data message's header and tag */
	PAD_BYTES = 16,
};

static void
store(struct peer_entry *p, uint16_t mtu)
{
	unsigned inner = mtu ? (mtu - OVERHEAD_BYTES) / PAD_BYTES * PAD_BYTES : UINT16_MAX;
	__atomic_store_n(&p->path_mtu, mtu, __ATOMIC_RELAXED);
	__atomic_store_n(&p->inner_mtu, (uint16_t)inner, __ATOMIC_RELAXED);
}

/* Whether the news are of the session that the peer seals with. Lock held. */
static bool
is_about(const struct peer_entry *p, const struct path_mtu_news *news)
{
	const struct encap *e = rcu_read(p->encap);
	const struct session *s = rcu_read(p->tx);
	return p->is_live && e && s && s->remote_index == news->remote_index &&
	       e->remote.port == news->remote.port &&
	       addr_is_equal(&e->remote.addr, &news->remote.addr);
}

uint32_t
tables_path_mtu_learn(struct tables *t, const struct path_mtu_news *news)
{
	uint32_t found = 0;
	if (news->remote.addr.family != ADDR_V6 || news->mtu < PATH_MTU_LEAST)
		return 0;
	pthread_mutex_lock(&t->lock);
	uint32_t end = __atomic_load_n(&t->peers.next_fresh, __ATOMIC_RELAXED);
	for (uint32_t id = 1; id < end && !found; id++) {
		struct peer_entry *p = tables_peer(t, id);
		if (!is_about(p, news))
			continue;
		found = id;
		if (!p->path_mtu || news->mtu < p->path_mtu)
			store(p, news->mtu);
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

void
tables_path_mtu_forget(struct tables *t, uint32_t peer_id)
{
	pthread_mutex_lock(&t->lock);
	store(tables_peer(t, peer_id), 0);
	pthread_mutex_unlock(&t->lock);
}
