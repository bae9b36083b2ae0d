/* SPDX-License-Identifier: BSD-3-Clause */
/* The state and what a message does to it; the socket stands in mirror_socket.c. */
#include "host/mirror.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/mirror_inner.h"
#include "host/parse.h"

static void
tell(struct mirror *m, const struct net_object *old, const struct net_object *now)
{
	const struct mirror_observer *w = &m->observer;
	m->has_news = true;
	switch ((old ? old : now)->kind) {
	case NET_LINK:
		if (w->link_changed)
			w->link_changed(w->ctx, old ? &old->link : NULL, now ? &now->link : NULL);
		break;
	case NET_ADDR:
		if (w->addr_changed)
			w->addr_changed(w->ctx, old ? &old->addr : NULL, now ? &now->addr : NULL);
		break;
	case NET_RULE:
		if (w->rule_changed)
			w->rule_changed(w->ctx, old ? &old->rule : NULL, now ? &now->rule : NULL);
		break;
	case NET_ROUTE:
		if (w->route_changed)
			w->route_changed(w->ctx, old ? &old->route : NULL,
				now ? &now->route : NULL);
		break;
	case NET_NEIGH:
		if (w->neigh_changed)
			w->neigh_changed(w->ctx, old ? &old->neigh : NULL,
				now ? &now->neigh : NULL);
		break;
	}
}

/*
 * The kernel forgets IPv4 routes silently when their link goes down or their source address goes,
 * and marks hops dead without a word when a carrier is lost or comes back: look again.
 */
static void
suspect_routes(struct mirror *m, const struct net_object *old, const struct net_object *now)
{
	uint32_t bits = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	if (!old)
		return;
	if (old->kind == NET_ADDR && !now)
		m->due |= 1u << NET_ROUTE;
	if (old->kind == NET_LINK && (!now || (old->link.flags ^ now->link.flags) & bits))
		m->due |= 1u << NET_ROUTE;
}

static void
put(struct mirror *m, const struct net_object *o, bool has_shadow)
{
	struct objects_entry *old;
	struct objects_entry *e = objects_put(&m->tables[o->kind], o, &old);
	if (!e) {
		m->stats.n_no_memory++;
		log_write_limited(&m->limit, LOG_LEVEL_ERROR,
			"netlink mirror: no memory to keep an object; its state is incomplete");
		return;
	}
	e->round = m->round[o->kind];
	e->has_shadow = has_shadow;
	suspect_routes(m, old ? &old->object : NULL, o);
	tell(m, old ? &old->object : NULL, &e->object);
	free(old);
}

static void
drop(struct mirror *m, struct objects_entry *e)
{
	suspect_routes(m, &e->object, NULL);
	tell(m, &e->object, NULL);
	free(e);
}

static bool
has_hop(const struct net_route *r, const struct net_hop *hop)
{
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (net_hop_is_equal(&r->hops[i], hop))
			return true;
	}
	return false;
}

static bool
has_all_hops(const struct net_route *r, const struct net_route *other)
{
	for (unsigned i = 0; i < other->n_hops; i++) {
		if (!has_hop(r, &other->hops[i]))
			return false;
	}
	return true;
}

/*
 * The kernel may hold several routes of one key (`ip route append`) of which it uses the first;
 * a dump names that one first, an event does not say where its route stands. So in a dump the
 * first wins, and an event that adds to a key makes routes due for a dump. An IPv6 group is told
 * whole each time it grows, which is no such case.
 */
static void
come_again(struct mirror *m, struct objects_entry *e, const struct net_object *o, uint16_t flags)
{
	bool is_dump = flags & NLM_F_MULTI;
	if (is_dump && e->round == m->round[NET_ROUTE]) {
		e->has_shadow |= !net_object_is_equal(&e->object, o);
		return;
	}
	bool is_growth = o->route.dst.addr.family == ADDR_V6 &&
		has_all_hops(&o->route, &e->object.route);
	bool is_added = !is_dump && !(flags & NLM_F_REPLACE) && !is_growth;
	bool has_shadow = !is_dump && (e->has_shadow || is_added);
	if (has_shadow)
		m->due |= 1u << NET_ROUTE;
	if (net_object_is_equal(&e->object, o)) {
		e->round = m->round[NET_ROUTE];
		e->has_shadow = has_shadow;
	} else {
		put(m, o, has_shadow);
	}
}

static void
come(struct mirror *m, const struct net_object *o, uint16_t flags)
{
	struct objects_entry *e = objects_find(&m->tables[o->kind], o);
	if (e && net_object_is_equal(&e->object, o) && !e->has_shadow)
		e->round = m->round[o->kind];
	else if (e && o->kind == NET_ROUTE)
		come_again(m, e, o, flags);
	else
		put(m, o, false);
}

/* A deletion that names some hops of an IPv6 group leaves the others. */
static bool
leave_other_hops(struct mirror *m, const struct net_object *stored, const struct net_object *o)
{
	struct net_scratch rest;
	memset(&rest, 0, sizeof(rest));
	memcpy(&rest, stored, net_object_n_bytes(stored));
	struct net_route *r = &rest.object.route;
	r->n_hops = 0;
	for (unsigned i = 0; i < stored->route.n_hops; i++) {
		if (!has_hop(&o->route, &stored->route.hops[i]))
			r->hops[r->n_hops++] = stored->route.hops[i];
	}
	memset(&r->hops[r->n_hops], 0, (stored->route.n_hops - r->n_hops) * sizeof(r->hops[0]));
	if (!r->n_hops)
		return false;
	put(m, &rest.object, false);
	return true;
}

static void
go(struct mirror *m, const struct net_object *o)
{
	struct objects *t = &m->tables[o->kind];
	struct objects_entry *e = objects_find(t, o);
	if (!e)
		return;
	if (o->kind == NET_ROUTE) {
		/* Which of several routes went is not told apart here: the dump will say. */
		if (e->has_shadow)
			m->due |= 1u << NET_ROUTE;
		if (o->route.dst.addr.family == ADDR_V6 && leave_other_hops(m, &e->object, o))
			return;
	}
	drop(m, objects_remove(t, o));
}

/* The dump under way has ended: what it did not name is gone, unless it was not whole. */
static void
end_dump(struct mirror *m)
{
	struct objects_entry *e;
	uint32_t slot = 0;
	unsigned kind = m->dumping;
	m->dumping = NET_N_KINDS;
	if (m->is_torn) {
		m->due |= 1u << kind;
		return;
	}
	while ((e = objects_sweep(&m->tables[kind], m->round[kind], &slot)))
		drop(m, e);
}

static void
refused(struct mirror *m, const uint8_t *payload, size_t n_bytes)
{
	int32_t code = n_bytes >= sizeof(code) ? (int32_t)load_le32(payload) : -EPROTO;
	if (code == 0)
		return;
	m->is_torn = code == -EBUSY || code == -EINTR || code == -ENOBUFS;
	if (m->is_torn) {
		end_dump(m);
		return;
	}
	m->dumping = NET_N_KINDS;
	log_write_limited(&m->limit, LOG_LEVEL_WARN,
		"netlink mirror: the kernel refuses a dump: %s", strerror(-code));
}

static void
take(struct mirror *m, const struct nlmsghdr *head, const uint8_t *payload, size_t n_bytes)
{
	struct net_scratch scratch;
	bool is_ours = m->dumping < NET_N_KINDS && head->nlmsg_seq == m->seq &&
		(head->nlmsg_flags & NLM_F_MULTI || head->nlmsg_type == NLMSG_ERROR);
	uint16_t flags = is_ours ? NLM_F_MULTI : head->nlmsg_flags & NLM_F_REPLACE;

	m->stats.n_messages++;
	if (is_ours && head->nlmsg_flags & NLM_F_DUMP_INTR)
		m->is_torn = true;
	if (head->nlmsg_type == NLMSG_DONE && is_ours)
		end_dump(m);
	else if (head->nlmsg_type == NLMSG_ERROR && is_ours)
		refused(m, payload, n_bytes);
	else
		switch (parse_message(head->nlmsg_type, payload, n_bytes, &scratch)) {
		case PARSE_NEW:
			come(m, &scratch.object, flags);
			break;
		case PARSE_GONE:
			go(m, &scratch.object);
			break;
		case PARSE_MALFORMED:
			m->stats.n_malformed++;
			break;
		case PARSE_IGNORED:
			break;
		}
}

void
mirror_parse(struct mirror *m, const void *buf, size_t n_bytes)
{
	struct cursor c = cursor_of(buf, n_bytes);
	while (cursor_left(&c)) {
		struct nlmsghdr head;
		cursor_copy(&c, &head, sizeof(head));
		size_t n = head.nlmsg_len - sizeof(head);
		const uint8_t *payload = head.nlmsg_len < sizeof(head) ? NULL : cursor_take(&c, n);
		if (!payload) {
			m->stats.n_malformed++;
			return;
		}
		cursor_take(&c, MIN_OF((size_t)(-head.nlmsg_len & 3), cursor_left(&c)));
		take(m, &head, payload, n);
	}
}

struct mirror *
mirror_create_detached(const struct mirror_observer *observer)
{
	struct mirror *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->observer = *observer;
	m->dumping = NET_N_KINDS;
	m->limit = (struct log_limit)LOG_LIMIT_INIT;
	for (unsigned k = 0; k < NET_N_KINDS; k++) {
		if (objects_init(&m->tables[k])) {
			mirror_destroy(m);
			return NULL;
		}
	}
	return m;
}

void
mirror_destroy(struct mirror *m)
{
	if (!m)
		return;
	for (unsigned k = 0; k < NET_N_KINDS; k++)
		objects_fini(&m->tables[k]);
	if (m->socket)
		mnl_socket_close(m->socket);
	free(m);
}

bool
mirror_is_synced(const struct mirror *m)
{
	return !m->due && m->dumping == NET_N_KINDS;
}

void
mirror_resync(struct mirror *m)
{
	m->due = (1u << NET_N_KINDS) - 1;
}

static const struct net_object *
find(const struct mirror *m, const struct net_object *key)
{
	const struct objects_entry *e = objects_find(&m->tables[key->kind], key);
	return e ? &e->object : NULL;
}

const struct net_link *
mirror_link(const struct mirror *m, uint32_t ifindex)
{
	struct net_object key = {.kind = NET_LINK, .link.ifindex = ifindex};
	const struct net_object *o = find(m, &key);
	return o ? &o->link : NULL;
}

const struct net_neigh *
mirror_neigh(const struct mirror *m, uint32_t ifindex, const struct addr *addr)
{
	struct net_object key = {.kind = NET_NEIGH, .neigh = {.ifindex = ifindex, .addr = *addr}};
	const struct net_object *o = find(m, &key);
	return o ? &o->neigh : NULL;
}

struct by_name {
	const char *name;
	const struct net_link *found;
};

static void
match_name(void *ctx, const struct net_object *o)
{
	struct by_name *by = ctx;
	if (strcmp(o->link.name, by->name) == 0)
		by->found = &o->link;
}

const struct net_link *
mirror_link_by_name(const struct mirror *m, const char *name)
{
	struct by_name by = {.name = name};
	mirror_each(m, NET_LINK, match_name, &by);
	return by.found;
}

uint32_t
mirror_count(const struct mirror *m, enum net_kind kind)
{
	return m->tables[kind].n;
}

void
mirror_each(const struct mirror *m, enum net_kind kind,
	void (*fn)(void *ctx, const struct net_object *o), void *ctx)
{
	const struct objects *t = &m->tables[kind];
	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (const struct objects_entry *e = t->slots[i]; e; e = e->next)
			fn(ctx, &e->object);
	}
}

struct mirror_stats
mirror_stats(const struct mirror *m)
{
	return m->stats;
}
