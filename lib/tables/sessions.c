/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trio of sessions a peer has, and the receiver indices of all. An index is the session's
 * slot in its low bits and random bits above, so that a look-up is one address computation and
 * one comparison. It is published last and cleared first: a worker that finds it finds a whole
 * session, and one that still holds a retired session holds it until its next quiescent report.
 */
#include <errno.h>

#include "base/secret.h"
#include "tables/tables.h"

static struct session_slot *
slot_at(struct tables *t, uint32_t slot)
{
	return arena_at(&t->sessions, slot);
}

static uint32_t
slot_of_index(uint32_t index)
{
	return index & ((1u << TABLES_SLOT_BITS) - 1);
}

static void
slot_free(struct rcu_node *node)
{
	struct session_slot *s = CONTAINER_OF(node, struct session_slot, rcu);
	struct tables *t = s->tables;
	session_wipe(&s->session);
	pthread_mutex_lock(&t->lock);
	arena_put(&t->sessions, s->slot);
	pthread_mutex_unlock(&t->lock);
}

/* Takes the session in *slot, if any, out of readers' sight and has it wiped. Lock held. */
static void
retire(struct tables *t, uint32_t *slot)
{
	if (!*slot)
		return;
	struct session_slot *s = slot_at(t, *slot);
	__atomic_store_n(&s->session.local_index, 0, __ATOMIC_RELEASE);
	s->pending_index = 0;
	*slot = 0;
	rcu_retire(&s->rcu, slot_free);
}

/* What workers seal with follows current_slot. Lock held. */
static void
publish_current(struct tables *t, struct peer_entry *p)
{
	rcu_publish(p->tx, p->current_slot ? &slot_at(t, p->current_slot)->session : NULL);
}

int
tables_index_reserve(struct tables *t, uint32_t peer_id, uint32_t *index)
{
	int rc = -ENOSPC;
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	retire(t, &p->pending_slot);
	uint32_t random[2];
	secret_random(random, sizeof(random));
	uint32_t slot = arena_get_any(&t->sessions, random[0], TABLES_SLOT_CHOICE);
	if (slot) {
		struct session_slot *s = slot_at(t, slot);
		s->tables = t;
		s->slot = slot;
		s->pending_index = random[1] << TABLES_SLOT_BITS | slot;
		s->session.peer_id = peer_id;
		p->pending_slot = slot;
		*index = s->pending_index;
		rc = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
tables_index_release(struct tables *t, uint32_t peer_id)
{
	pthread_mutex_lock(&t->lock);
	retire(t, &tables_peer(t, peer_id)->pending_slot);
	pthread_mutex_unlock(&t->lock);
}

/* The slot of an index off the wire, or NULL. Lock held. */
static struct session_slot *
slot_by_index(struct tables *t, uint32_t index)
{
	uint32_t slot = slot_of_index(index);
	return slot && slot < t->sessions.next_fresh ? slot_at(t, slot) : NULL;
}

uint32_t
tables_index_peer(struct tables *t, uint32_t index)
{
	pthread_mutex_lock(&t->lock);
	struct session_slot *s = slot_by_index(t, index);
	uint32_t peer_id = s && s->pending_index == index ? s->session.peer_id : 0;
	pthread_mutex_unlock(&t->lock);
	return peer_id;
}

uint32_t
tables_index_owner(struct tables *t, uint32_t index)
{
	pthread_mutex_lock(&t->lock);
	struct session_slot *s = slot_by_index(t, index);
	bool is_known =
		s && index && (s->pending_index == index || s->session.local_index == index);
	uint32_t peer_id = is_known ? s->session.peer_id : 0;
	pthread_mutex_unlock(&t->lock);
	return peer_id;
}

/*
 * The initiator's new session is current at once; what was current (or the responder's session
 * still waiting as next, which is younger) becomes previous. The responder's waits as next.
 */
static void
install_in_trio(struct tables *t, struct peer_entry *p, bool is_initiator)
{
	uint32_t slot = p->pending_slot;
	p->pending_slot = 0;
	if (!is_initiator) {
		retire(t, &p->next_slot);
		retire(t, &p->previous_slot);
		p->next_slot = slot;
		return;
	}
	retire(t, &p->previous_slot);
	if (p->next_slot) {
		retire(t, &p->current_slot);
		p->previous_slot = p->next_slot;
		p->next_slot = 0;
	} else {
		p->previous_slot = p->current_slot;
	}
	p->current_slot = slot;
	publish_current(t, p);
}

int
tables_session_install(struct tables *t, const struct session_keys *keys, uint16_t owner_worker,
	ns_t now_ns)
{
	int rc = -ENOENT;
	pthread_mutex_lock(&t->lock);
	struct session_slot *s = slot_by_index(t, keys->local_index);
	if (s && keys->local_index && s->pending_index == keys->local_index) {
		uint32_t peer_id = s->session.peer_id;
		struct peer_entry *p = tables_peer(t, peer_id);
		session_init(&s->session, keys, peer_id, p->iface_id, now_ns);
		s->session.owner_worker = owner_worker;
		s->pending_index = 0;
		__atomic_store_n(&s->session.local_index, keys->local_index, __ATOMIC_RELEASE);
		install_in_trio(t, p, keys->is_initiator);
		rc = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
tables_session_confirm(struct tables *t, uint32_t index)
{
	int rc = -ENOENT;
	pthread_mutex_lock(&t->lock);
	struct session_slot *s = slot_by_index(t, index);
	if (s && index && s->session.local_index == index) {
		struct peer_entry *p = tables_peer(t, s->session.peer_id);
		if (p->next_slot == s->slot) {
			retire(t, &p->previous_slot);
			p->previous_slot = p->current_slot;
			p->current_slot = p->next_slot;
			p->next_slot = 0;
			publish_current(t, p);
			rc = 0;
		}
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
tables_sessions_wipe(struct tables *t, uint32_t peer_id)
{
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	rcu_publish(p->tx, NULL);
	retire(t, &p->current_slot);
	retire(t, &p->previous_slot);
	retire(t, &p->next_slot);
	pthread_mutex_unlock(&t->lock);
}

void
tables_session_info(struct tables *t, uint32_t peer_id, struct session_info *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	if (p->current_slot) {
		struct session *s = &slot_at(t, p->current_slot)->session;
		out->has_current = true;
		out->is_initiator = s->is_initiator;
		out->birth_ns = s->birth_ns;
		out->send_counter = __atomic_load_n(&s->send_counter, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&t->lock);
}
