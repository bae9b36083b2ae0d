/* SPDX-License-Identifier: BSD-3-Clause */
#include "mailbox/mail.h"

#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "mailbox/ring_mode.h"

enum {
	WIRE_SLOTS = 4096, /* as many as the kernel queues under load */
	REACH_SLOTS = 1024,
	EVENT_SLOTS = 4096,
	ORDER_SLOTS = 1024,
	ROOM_KEPT = 64, /* as many workers may have looked at once */
};

_Static_assert(sizeof(struct wire_mail) % 4 == 0, "rte_ring copies words");
_Static_assert(sizeof(struct reach_mail) % 4 == 0, "rte_ring copies words");
_Static_assert(sizeof(struct event_mail) % 4 == 0, "rte_ring copies words");
_Static_assert(sizeof(struct order_mail) % 4 == 0, "rte_ring copies words");

struct mailbox {
	struct rte_ring *ring;
	unsigned mail_bytes;
	ring_turn turn;
};

struct mailbox *
mailbox_create(const char *name, unsigned mail_bytes, unsigned slots)
{
	struct mailbox *box = calloc(1, sizeof(*box));
	if (!box)
		return NULL;
	box->mail_bytes = mail_bytes;
	ring_turn_init(&box->turn);
	box->ring = rte_ring_create_elem(name, mail_bytes, slots, SOCKET_ID_ANY,
		RING_MANY_PUT | RING_MANY_TAKE);
	if (!box->ring) {
		free(box);
		return NULL;
	}
	return box;
}

void
mailbox_destroy(struct mailbox *box)
{
	if (!box)
		return;
	rte_ring_free(box->ring);
	free(box);
}

bool
mailbox_put(struct mailbox *box, const void *mail)
{
	void *from = (void *)(uintptr_t)mail;
	ring_turn_begin(&box->turn);
	bool is_in = rte_ring_enqueue_elem(box->ring, from, box->mail_bytes) == 0;
	ring_turn_end(&box->turn);
	return is_in;
}

unsigned
mailbox_take(struct mailbox *box, void *mails, unsigned max)
{
	return rte_ring_dequeue_burst_elem(box->ring, mails, box->mail_bytes, max, NULL);
}

unsigned
mailbox_count(const struct mailbox *box)
{
	/* As rte_ring_count, but said to be atomic. */
	uint32_t put = __atomic_load_n(&box->ring->prod.tail, __ATOMIC_RELAXED);
	uint32_t taken = __atomic_load_n(&box->ring->cons.tail, __ATOMIC_RELAXED);
	uint32_t n = (put - taken) & box->ring->mask;
	return MIN_OF(n, box->ring->capacity);
}

bool
mailbox_has_room(const struct mailbox *box)
{
	return box->ring->capacity - mailbox_count(box) > ROOM_KEPT;
}

bool
mailbox_is_half_empty(const struct mailbox *box)
{
	return mailbox_count(box) <= box->ring->capacity / 2;
}

int
mailboxes_init(struct mailboxes *boxes, unsigned n_workers)
{
	memset(boxes, 0, sizeof(*boxes));
	boxes->n_workers = n_workers;
	boxes->wire = mailbox_create("hg-wire", sizeof(struct wire_mail), WIRE_SLOTS);
	boxes->wire_cookied = mailbox_create("hg-cookied", sizeof(struct wire_mail), WIRE_SLOTS);
	boxes->reach = mailbox_create("hg-reach", sizeof(struct reach_mail), REACH_SLOTS);
	boxes->events = mailbox_create("hg-events", sizeof(struct event_mail), EVENT_SLOTS);
	boxes->orders = calloc(n_workers, sizeof(struct mailbox *));
	bool is_whole = boxes->wire && boxes->wire_cookied && boxes->reach && boxes->events &&
		boxes->orders;
	for (unsigned i = 0; is_whole && i < n_workers; i++) {
		char name[24];
		snprintf(name, sizeof(name), "hg-orders-%u", i);
		boxes->orders[i] = mailbox_create(name, sizeof(struct order_mail), ORDER_SLOTS);
		is_whole = boxes->orders[i] != NULL;
	}
	if (is_whole)
		return 0;
	mailboxes_fini(boxes);
	return -ENOMEM;
}

void
mailboxes_fini(struct mailboxes *boxes)
{
	mailbox_destroy(boxes->wire);
	mailbox_destroy(boxes->wire_cookied);
	mailbox_destroy(boxes->reach);
	mailbox_destroy(boxes->events);
	for (unsigned i = 0; boxes->orders && i < boxes->n_workers; i++)
		mailbox_destroy(boxes->orders[i]);
	free(boxes->orders);
	memset(boxes, 0, sizeof(*boxes));
}
