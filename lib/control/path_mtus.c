/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/path_mtus.h"

#include <string.h>

#include "base/log.h"

/* Another peer may have the slot by now, and a path of its own. */
static void
forget(struct path_mtus *m, struct tables *t, unsigned at)
{
	if (tables_peer(t, m->items[at].peer_id)->generation == m->items[at].generation)
		tables_path_mtu_forget(t, m->items[at].peer_id);
}

static void
cut_out(struct path_mtus *m, unsigned at)
{
	m->n--;
	memmove(&m->items[at], &m->items[at + 1], (m->n - at) * sizeof(m->items[0]));
}

void
path_mtus_learn(struct path_mtus *m, struct tables *t, const struct event_mail *ev, ns_t now)
{
	const struct path_mtu_news news = {
		.remote = ev->path.remote,
		.remote_index = ev->local_index,
		.mtu = ev->mtu,
	};
	char text[ADDR_TEXT_BYTES];
	uint32_t peer_id = tables_path_mtu_learn(t, &news);
	if (!peer_id)
		return;
	uint32_t generation = tables_peer(t, peer_id)->generation;
	for (unsigned i = 0; i < m->n; i++)
		if (m->items[i].peer_id == peer_id && m->items[i].generation == generation)
			return; /* its time runs from when it was first heard of */
	if (m->n == PATH_MTUS_MAX) {
		forget(m, t, 0);
		cut_out(m, 0);
	}
	m->items[m->n].peer_id = peer_id;
	m->items[m->n].generation = generation;
	m->items[m->n++].until_ns = now + PATH_MTUS_S * NS_IN_S;
	log_info("the path to %s takes packets of %u bytes: larger ones are cut or refused",
		addr_format(&news.remote.addr, text), news.mtu);
}

void
path_mtus_tick(struct path_mtus *m, struct tables *t, ns_t now)
{
	while (m->n && m->items[0].until_ns <= now) {
		forget(m, t, 0);
		cut_out(m, 0);
	}
}
