/* SPDX-License-Identifier: BSD-3-Clause */
/* The exception thread's packets: descriptor → frame → ring, and back. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/exception_inner.h"
#include "host/urgent.h"

struct frame *
exception_take_frame(struct exception *e)
{
	if (!e->n_stash) {
		e->n_stash = frame_alloc_burst(e->pool, e->stash, EXCEPTION_STASH / 2);
		if (!e->n_stash)
			return frame_alloc(e->pool);
	}
	return e->stash[--e->n_stash];
}

void
exception_return_frame(struct exception *e, struct frame *f)
{
	if (e->n_stash < EXCEPTION_STASH)
		e->stash[e->n_stash++] = f;
	else
		frame_free(f);
}

void
exception_flush(struct exception *e, struct frame_ring *ring, struct exception_batch *b,
	struct exception_counters *c)
{
	uint64_t n_bytes = 0;
	uint32_t lens[EXCEPTION_BATCH];
	if (!b->n)
		return;
	/* Once pushed, a frame is the worker's: its length is read before. */
	for (unsigned i = 0; i < b->n; i++)
		lens[i] = frame_len(b->frames[i]);
	unsigned n = frame_ring_push(ring, b->frames, b->n);
	for (unsigned i = 0; i < n; i++)
		n_bytes += lens[i];
	exception_count(&c->from_kernel_pkts, n);
	exception_count(&c->from_kernel_bytes, n_bytes);
	if (n < b->n) {
		exception_count(&c->drop_ring_full, b->n - n);
		frame_free_burst(b->frames + n, b->n - n);
	}
	b->n = 0;
}

enum got {
	GOT_FRAME,
	GOT_DROPPED, /* a packet was there, and could not be kept */
	GOT_NOTHING,
	GOT_DEAD,
};

/* One packet of fd into f, or with f NULL into the void. */
static enum got
read_one(int fd, struct frame *f, struct exception_counters *c)
{
	uint8_t spill[64]; /* what does not fit ends here, and tells so */
	size_t room = f ? frame_room(f) : 0;
	struct iovec iov[2] = {
		{.iov_base = f ? frame_data(f) : NULL, .iov_len = room},
		{.iov_base = spill, .iov_len = sizeof(spill)},
	};
	ssize_t n = readv(fd, f ? iov : iov + 1, f ? 2 : 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GOT_NOTHING;
	if (n <= 0)
		return GOT_DEAD;
	if (!f || (size_t)n > room) {
		exception_count(f ? &c->drop_oversize : &c->drop_no_frame, 1);
		return GOT_DROPPED;
	}
	frame_set_len(f, (uint32_t)n);
	return GOT_FRAME;
}

static void
bury_link(struct exception *e, uint16_t link_id)
{
	struct exception_link *link = &e->links[link_id];
	log_warn("the kernel device of link %u is gone: %s", link_id, strerror(errno));
	exception_unwatch(e, link->fd);
	link->is_dead = true;
}

unsigned
exception_read_link(struct exception *e, uint16_t link_id)
{
	struct exception_link *link = &e->links[link_id];
	struct exception_counters *c = &e->counters[link_id];
	struct exception_lane *lane = &e->workers[link_id % e->n_workers].from_kernel;
	struct exception_batch urgent = {.n = 0}, bulk = {.n = 0};
	enum got got = GOT_NOTHING;
	unsigned n = 0;

	if (link->fd < 0 || link->is_dead)
		return 0;
	for (; n < EXCEPTION_BATCH; n++) {
		struct frame *f = exception_take_frame(e);
		got = read_one(link->fd, f, c);
		if (got != GOT_FRAME && f)
			exception_return_frame(e, f);
		if (got == GOT_NOTHING || got == GOT_DEAD)
			break;
		if (got == GOT_DROPPED)
			continue;
		frame_set_link(f, link_id);
		bool is_urgent = link->kind == EXCEPTION_TAP
			? urgent_is_frame(frame_data(f), frame_len(f))
			: urgent_is_packet(frame_data(f), frame_len(f));
		struct exception_batch *b = is_urgent ? &urgent : &bulk;
		b->frames[b->n++] = f;
	}
	exception_flush(e, lane->urgent, &urgent, c);
	exception_flush(e, lane->bulk, &bulk, c);
	if (got == GOT_DEAD)
		bury_link(e, link_id);
	return n;
}

/* One frame to its link; it stays the caller's. */
static void
write_one(struct exception *e, struct frame *f)
{
	uint16_t link_id = frame_link(f);
	if (link_id >= EXCEPTION_MAX_LINKS || e->links[link_id].fd < 0) {
		exception_count(&e->unknown_link_pkts, 1);
		return;
	}
	struct exception_counters *c = &e->counters[link_id];
	ssize_t n = write(e->links[link_id].fd, frame_data(f), frame_len(f));
	if (n < 0) {
		exception_count(&c->drop_refused, 1);
		return;
	}
	exception_count(&c->to_kernel_pkts, 1);
	exception_count(&c->to_kernel_bytes, (uint64_t)n);
}

static unsigned
drain_ring(struct exception *e, struct frame_ring *ring)
{
	struct frame *frames[EXCEPTION_BATCH];
	unsigned n = frame_ring_pop(ring, frames, EXCEPTION_BATCH);
	for (unsigned i = 0; i < n; i++)
		write_one(e, frames[i]);
	if (n)
		frame_free_burst(frames, n);
	return n;
}

unsigned
exception_drain_workers(struct exception *e)
{
	unsigned n = 0;
	for (unsigned i = 0; i < e->n_workers; i++)
		n += drain_ring(e, e->workers[i].to_kernel.urgent);
	for (unsigned i = 0; i < e->n_workers; i++)
		n += drain_ring(e, e->workers[i].to_kernel.bulk);
	return n;
}
