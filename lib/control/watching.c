/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/watching.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/core.h"
#include "control/watching_json.h"
#include "watch/pcapng.h"
#include "watch/request.h"

enum {
	PIECE_BYTES = 256 << 10, /* at once, so that control's other work goes on */
	PIECE_RECORDS = 512,
};

struct watching {
	struct control *control;
	struct watch *watch;
	uint64_t n_left;               /* packets; 0: without end */
	uint64_t n_told;
	bool is_begun;                 /* the file's head was written */
	uint16_t links[LINK_COUNT];    /* a capture's interfaces, in their order */
	unsigned n_links;
	uint8_t interface_of[LINK_COUNT];
	uint64_t n_of[LINK_COUNT];     /* packets of an interface */
};

/* ---- The names of a request ---- */

static bool
link_is_known(const struct control *c, uint16_t link_id)
{
	return control_link_name(c, link_id)[0];
}

static int
find_link(const struct control *c, const char *name, uint16_t *link_id)
{
	for (uint16_t id = 0; id < LINK_COUNT; id++) {
		if (link_is_known(c, id) && strcmp(control_link_name(c, id), name) == 0) {
			*link_id = id;
			return 0;
		}
	}
	return -ENOENT;
}

static bool
is_called(const struct control_peer *p, const char *name)
{
	char key[KEY_BASE64_BYTES];
	const char *label = strchr(p->label, ' ');
	key_to_base64(&p->public_key, key);
	return strcmp(key, name) == 0 || strcmp(p->label, name) == 0 ||
	       (label && strcmp(label + 1, name) == 0);
}

static int
find_peer(const struct control *c, const char *name, struct watch_peer *out)
{
	for (uint32_t id = 1; id <= c->peers.max_peers; id++) {
		const struct control_peer *p = peers_by_id(&c->peers, id);
		if (p && is_called(p, name)) {
			*out = (struct watch_peer){id, tables_peer(c->tables, id)->generation};
			return 0;
		}
	}
	return -ENOENT;
}

static int
resolve_match(const struct control *c, struct watch_match *m, struct err *err)
{
	if (m->peer_name && find_peer(c, m->peer_name, &m->peer))
		return err_set(err, -ENOENT, "there is no peer %s: give its name or public key",
			m->peer_name);
	if (m->link_name && find_link(c, m->link_name, &m->link_id))
		return err_set(err, -ENOENT, "there is no port or interface %s", m->link_name);
	return 0;
}

static bool
is_wanted(const struct watch_request *r, const char *name)
{
	for (unsigned i = 0; i < r->n_links; i++) {
		if (strcmp(r->links[i], name) == 0)
			return true;
	}
	return r->n_links == 0;
}

static int
resolve_links(struct watching *w, const struct control *c, struct watch_request *r,
	struct err *err)
{
	uint16_t id;
	for (unsigned i = 0; i < r->n_links; i++) {
		if (find_link(c, r->links[i], &id))
			return err_set(err, -ENOENT, "there is no port or interface %s",
				r->links[i]);
	}
	for (id = 0; id < LINK_COUNT; id++) {
		bool is_side = link_is_tunnel(id) ? r->is_inner : r->is_outer;
		if (!is_side || !link_is_known(c, id) || !is_wanted(r, control_link_name(c, id)))
			continue;
		w->interface_of[id] = (uint8_t)w->n_links;
		w->links[w->n_links++] = id;
		watch_add_link(&r->plan, id);
	}
	if (!w->n_links)
		return err_set(err, -ENOENT, "nothing is left to capture: inside the cipher are "
			"the interfaces, outside of it the ports");
	return 0;
}

/* ---- Beginning and end ---- */

static int
publish(struct watching *w, struct err *err)
{
	struct tables *t = w->control->tables;
	struct watch_set *was = t->watches;
	struct watch_set *set = watch_set_with(was, w->watch);
	if (!set && was && was->n == WATCH_MAX)
		return err_set(err, -EBUSY, "%d traces and captures run already: end one of them",
			WATCH_MAX);
	if (!set)
		return err_set(err, -ENOMEM, "no memory to look at packets");
	rcu_publish(t->watches, set);
	if (was)
		rcu_retire(&was->rcu, watch_set_free);
	return 0;
}

static int
begin(struct watching *w, struct watch_request *r, struct err *err)
{
	struct control *c = w->control;
	int rc = r->plan.kind == WATCH_TRACE ? resolve_match(c, &r->plan.match, err)
					     : resolve_links(w, c, r, err);
	if (rc)
		return rc;
	w->n_left = r->n_pkts;
	w->watch = watch_create(&r->plan, c->config.n_workers, err);
	if (!w->watch)
		return -ENOMEM;
	rc = publish(w, err);
	if (rc)
		watch_destroy(w->watch);
	return rc;
}

struct watching *
watching_begin(struct control *c, enum watch_kind kind, const char *text, struct err *err)
{
	struct watching *w = calloc(1, sizeof(*w));
	struct watch_request *r = calloc(1, sizeof(*r));
	int rc = w && r ? 0 : err_set(err, -ENOMEM, "no memory to look at packets");
	if (!rc) {
		w->control = c;
		rc = watch_request_parse(r, kind, text, err);
		if (!rc)
			rc = begin(w, r, err);
		watch_request_fini(r);
	}
	free(r);
	if (!rc) {
		log_info("a %s of packets begins", kind == WATCH_TRACE ? "trace" : "capture");
		return w;
	}
	free(w);
	return NULL;
}

void
watching_end(struct watching *w)
{
	if (!w)
		return;
	struct tables *t = w->control->tables;
	struct watch_set *was = t->watches;
	struct watch_set *set = watch_set_without(was, w->watch);
	rcu_publish(t->watches, set->n ? set : NULL);
	if (!set->n)
		free(set);
	rcu_retire(&was->rcu, watch_set_free);
	rcu_retire(&w->watch->rcu, watch_free);
	log_info("a %s of packets ends after %llu", w->watch->plan.kind == WATCH_TRACE ? "trace"
		: "capture", (unsigned long long)w->n_told);
	free(w);
}

/* ---- What is told ---- */

static uint64_t
n_lost(const struct watching *w)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < w->watch->n_lanes; i++)
		n += __atomic_load_n(&w->watch->lanes[i].n_lost, __ATOMIC_RELAXED);
	return n;
}

static int
append(const char *data, size_t n_bytes, void *reply)
{
	text_add_bytes(reply, data, n_bytes);
	return ((struct text *)reply)->failed ? -1 : 0;
}

static void
tell_line(struct text *reply, json_t *j)
{
	if (!j || json_dump_callback(j, append, reply, JSON_COMPACT))
		reply->failed = true;
	text_add_bytes(reply, "\n", 1);
	json_decref(j);
}

static void
tell_trace(struct watching *w, const struct watch_record *r, struct text *reply)
{
	struct watch_flows flows;
	memcpy(&flows, r + 1, sizeof(flows));
	tell_line(reply, watching_json(w->control, r, &flows));
}

static void
tell_captured(struct watching *w, const struct watch_record *r, struct text *reply)
{
	char comment[WATCHING_COMMENT_BYTES];
	uint8_t *out = (uint8_t *)text_room(reply, PCAPNG_BLOCK_BYTES + r->n_captured);
	if (!out)
		return;
	watching_comment(w->control, r, comment);
	const struct pcapng_packet packet = {
		.interface = w->interface_of[r->link_id],
		.time_ns = r->time_ns,
		.n_bytes = r->n_bytes,
		.n_captured = r->n_captured,
		.bytes = (const uint8_t *)(r + 1),
		.direction = r->is_out ? PCAPNG_OUT : PCAPNG_IN,
		.comment = comment,
	};
	w->n_of[packet.interface]++;
	text_grew(reply, pcapng_packet(out, &packet));
}

/* The record of all lanes that is the oldest; NULL: there is none. */
static const struct watch_record *
oldest(struct watching *w, struct watch_ring **ring)
{
	const struct watch_record *first = NULL;
	for (unsigned i = 0; i < w->watch->n_lanes; i++) {
		uint32_t n_bytes;
		const struct watch_record *r = watch_ring_first(w->watch->lanes[i].ring, &n_bytes);
		if (r && (!first || r->time_ns < first->time_ns)) {
			first = r;
			*ring = w->watch->lanes[i].ring;
		}
	}
	return first;
}

/* True: as many as were asked for were told. */
static bool
tell_records(struct watching *w, struct text *reply)
{
	const struct watch_record *r;
	struct watch_ring *ring = NULL;
	for (unsigned n = 0; n < PIECE_RECORDS && reply->n_bytes < PIECE_BYTES && !reply->failed &&
		(r = oldest(w, &ring)); n++) {
		if (w->watch->plan.kind == WATCH_TRACE)
			tell_trace(w, r, reply);
		else
			tell_captured(w, r, reply);
		watch_ring_drop(ring);
		w->n_told++;
		if (w->n_left && --w->n_left == 0)
			return true;
	}
	return false;
}

static void
tell_head(struct watching *w, struct text *reply)
{
	uint8_t *out = (uint8_t *)text_room(reply, PCAPNG_BLOCK_BYTES);
	if (out)
		text_grew(reply, pcapng_section(out, "headgate"));
	for (unsigned i = 0; i < w->n_links; i++) {
		const struct pcapng_interface interface = {
			.name = control_link_name(w->control, w->links[i]),
			.link_type = link_is_tunnel(w->links[i]) ? PCAPNG_RAW_IP : PCAPNG_ETHERNET,
			.snap_bytes = w->watch->plan.snap_bytes,
		};
		out = (uint8_t *)text_room(reply, PCAPNG_BLOCK_BYTES);
		if (out)
			text_grew(reply, pcapng_interface(out, &interface));
	}
}

/* What was lost is not known by interface: the first one bears it. */
static void
tell_statistics(struct watching *w, struct text *reply)
{
	struct wall_time now = clock_wall();
	for (unsigned i = 0; i < w->n_links; i++) {
		const struct pcapng_statistics statistics = {
			.interface = i,
			.time_ns = now.s * NS_IN_S + now.ns,
			.n_received = w->n_of[i],
			.n_dropped = i == 0 ? n_lost(w) : 0,
		};
		uint8_t *out = (uint8_t *)text_room(reply, PCAPNG_BLOCK_BYTES);
		if (out)
			text_grew(reply, pcapng_statistics(out, &statistics));
	}
}

enum server_step
watching_more(struct watching *w, bool is_asked_to_end, struct text *reply)
{
	bool is_trace = w->watch->plan.kind == WATCH_TRACE;
	if (!w->is_begun && !is_trace)
		tell_head(w, reply);
	w->is_begun = true;
	bool is_done = tell_records(w, reply);
	if (!is_done && !is_asked_to_end)
		return SERVER_MORE;
	if (is_trace)
		tell_line(reply, json_pack("{s:I, s:I}", "told", (json_int_t)w->n_told, "lost",
					 (json_int_t)n_lost(w)));
	else
		tell_statistics(w, reply);
	return SERVER_LAST;
}
