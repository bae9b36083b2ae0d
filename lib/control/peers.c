/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

/* What a peer is found by: a key may stand at several interfaces. */
struct lookup {
	uint8_t bytes[KEY_BYTES + 2];
};

static struct lookup
lookup_of(uint16_t iface_id, const struct key *k)
{
	struct lookup l;
	memcpy(l.bytes, k->bytes, KEY_BYTES);
	store_le16(l.bytes + KEY_BYTES, iface_id);
	return l;
}

int
peers_init(struct peers *d, uint32_t max_peers, struct err *err)
{
	memset(d, 0, sizeof(*d));
	d->max_peers = max_peers;
	d->by_id = calloc((size_t)max_peers + 1, sizeof(*d->by_id));
	if (!d->by_id)
		return err_set(err, -ENOMEM, "no memory for a directory of %u peers", max_peers);
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	/* A flood keeps readers coming; control must still get in. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&d->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	hash_init(&d->by_key);
	return 0;
}

void
peers_fini(struct peers *d)
{
	if (!d->by_id)
		return;
	for (uint32_t id = 0; id <= d->max_peers; id++)
		if (d->by_id[id])
			peers_remove(d, d->by_id[id]);
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++)
		peers_identity_remove(d, i);
	hash_fini(&d->by_key);
	free(d->by_id);
	pthread_rwlock_destroy(&d->lock);
	memset(d, 0, sizeof(*d));
}

void
peers_lock_read(struct peers *d)
{
	pthread_rwlock_rdlock(&d->lock);
}

void
peers_lock_write(struct peers *d)
{
	pthread_rwlock_wrlock(&d->lock);
}

void
peers_unlock(struct peers *d)
{
	pthread_rwlock_unlock(&d->lock);
}

struct control_peer *
peers_by_id(const struct peers *d, uint32_t peer_id)
{
	return peer_id <= d->max_peers ? d->by_id[peer_id] : NULL;
}

struct control_peer *
peers_by_key(const struct peers *d, uint16_t iface_id, const struct key *k)
{
	struct lookup l = lookup_of(iface_id, k);
	struct hash_link *link = hash_first(&d->by_key, hash_of(&d->by_key, l.bytes, sizeof(l)));
	for (; link; link = hash_next(link)) {
		struct control_peer *p = CONTAINER_OF(link, struct control_peer, by_key);
		if (p->iface_id == iface_id && key_is_equal(&p->public_key, k))
			return p;
	}
	return NULL;
}

struct control_peer *
peers_add(struct peers *d, uint16_t iface_id, uint32_t peer_id, const struct key *public_key)
{
	struct lookup l = lookup_of(iface_id, public_key);
	struct control_peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	if (hash_add(&d->by_key, &p->by_key, hash_of(&d->by_key, l.bytes, sizeof(l)))) {
		free(p);
		return NULL;
	}
	p->peer_id = peer_id;
	p->iface_id = iface_id;
	p->public_key = *public_key;
	pthread_mutex_init(&p->lock, NULL);
	noise_remote_init(&p->remote, public_key);
	cookie_maker_init(&p->cookies, public_key);
	peers_set_label(d, p, "");
	d->by_id[peer_id] = p;
	return p;
}

void
peers_remove(struct peers *d, struct control_peer *p)
{
	hash_remove(&d->by_key, &p->by_key);
	d->by_id[p->peer_id] = NULL;
	noise_remote_wipe(&p->remote);
	cookie_maker_wipe(&p->cookies);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
peers_set_label(struct peers *d, struct control_peer *p, const char *name)
{
	char text[KEY_SHORT_BYTES];
	const char *iface = d->identities[p->iface_id].name;
	if (!name[0])
		name = key_short(&p->public_key, text);
	snprintf(p->label, sizeof(p->label), "%s %s", iface, name);
}

void
peers_identity_add(struct peers *d, uint16_t iface_id, const char *name)
{
	struct identity *i = &d->identities[iface_id];
	memset(i, 0, sizeof(*i));
	snprintf(i->name, sizeof(i->name), "%s", name);
	i->is_live = true;
}

void
peers_identity_set_key(struct peers *d, uint16_t iface_id, const struct key *private_key)
{
	struct identity *i = &d->identities[iface_id];
	noise_local_set_private_key(&i->local, private_key);
	cookie_checker_init(&i->checker, &i->local.public_key);
}

void
peers_identity_remove(struct peers *d, uint16_t iface_id)
{
	struct identity *i = &d->identities[iface_id];
	noise_local_wipe(&i->local);
	cookie_checker_wipe(&i->checker);
	memset(i, 0, sizeof(*i));
}
