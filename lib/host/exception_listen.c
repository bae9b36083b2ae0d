/* SPDX-License-Identifier: BSD-3-Clause */
/* The UDP sockets of the ListenPorts: opened by the control side, read by the thread. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/exception_inner.h"

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int
set_options(int fd, const struct endpoint *at, uint32_t fwmark)
{
	int rc = 0;
	if (at->addr.family == ADDR_V6) {
		rc = rc ? rc : set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		rc = rc ? rc : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		rc = rc ? rc : set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	} else {
		rc = rc ? rc : set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
		rc = rc ? rc : set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
	/* The address may come later, with its port. The option is IPv4's, and serves both. */
	if (!addr_is_zero(&at->addr))
		rc = rc ? rc : set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (fwmark)
		rc = rc ? rc : set_int(fd, SOL_SOCKET, SO_MARK, (int)fwmark);
	return rc;
}

/* A socket bound to that address and port (0: any), or a negative errno. */
static int
open_one(const struct endpoint *at, uint32_t fwmark)
{
	struct sockaddr_storage ss;
	socklen_t n = endpoint_to_sockaddr(at, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int rc = set_options(fd, at, fwmark);
	if (rc == 0 && bind(fd, (struct sockaddr *)&ss, n) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	struct endpoint e = {0};
	socklen_t n = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
		endpoint_from_sockaddr((struct sockaddr *)&ss, &e);
	return e.port;
}

static void
close_all(struct exception_listening *l)
{
	for (int i = 0; i < EXCEPTION_LISTENER_FDS; i++) {
		if (l->fds[i] >= 0)
			close(l->fds[i]);
		l->fds[i] = -1;
	}
}

/*
 * A socket for each address, all on one port; the first one may let the kernel choose it. A kernel
 * without IPv6 has none for "any address of IPv6".
 */
static int
open_all(struct exception_listening *out, const struct exception_listener *l)
{
	static const struct addr any[] = {{.family = ADDR_V4}, {.family = ADDR_V6}};
	const struct addr *addrs = l->n_addrs ? l->addrs : any;
	unsigned n = l->n_addrs ? l->n_addrs : ARRAY_COUNT(any);
	memset(out->fds, -1, sizeof(out->fds));
	out->port = l->port;
	for (unsigned i = 0; i < n; i++) {
		struct endpoint at = {.addr = addrs[i], .port = out->port};
		int fd = open_one(&at, l->fwmark);
		if (fd == -EAFNOSUPPORT && i && !l->n_addrs)
			break;
		if (fd < 0) {
			close_all(out);
			return fd;
		}
		out->fds[i] = fd;
		out->port = port_of(fd);
	}
	return 0;
}

/* The kernel picks a port that is free at the first address; with bad luck not at the others. */
static int
open_any(struct exception_listening *out, const struct exception_listener *l)
{
	int rc;
	unsigned tries = l->port ? 1 : 32;
	do {
		rc = open_all(out, l);
	} while (rc == -EADDRINUSE && --tries);
	return rc;
}

static struct exception_listening *
find(struct exception *e, uint16_t interface_idx)
{
	for (unsigned i = 0; i < EXCEPTION_MAX_LISTENERS; i++) {
		if (e->listeners[i].is_used && e->listeners[i].interface_idx == interface_idx)
			return &e->listeners[i];
	}
	return NULL;
}

/* On the thread. */
static void
forget(struct exception *e, struct exception_listening *l)
{
	for (int i = 0; i < EXCEPTION_LISTENER_FDS; i++) {
		if (l->fds[i] >= 0)
			exception_unwatch(e, l->fds[i]);
	}
	l->is_used = false;
}

/* On the thread: takes over the sockets. */
static int
run_listen(struct exception *e, struct exception_command *c)
{
	unsigned slot = 0;
	if (find(e, c->listening.interface_idx))
		return -EEXIST;
	while (slot < EXCEPTION_MAX_LISTENERS && e->listeners[slot].is_used)
		slot++;
	if (slot == EXCEPTION_MAX_LISTENERS)
		return -ENOSPC;
	struct exception_listening *l = &e->listeners[slot];
	*l = c->listening;
	l->is_used = true;
	for (unsigned i = 0; i < EXCEPTION_LISTENER_FDS; i++) {
		int rc = l->fds[i] < 0 ? 0
			: exception_watch(e, l->fds[i], SOURCE_LISTENER,
				slot * EXCEPTION_LISTENER_FDS + i);
		if (rc) {
			forget(e, l);
			return rc;
		}
	}
	return 0;
}

/* On the thread: gives the sockets back. */
static int
run_unlisten(struct exception *e, struct exception_command *c)
{
	struct exception_listening *l = find(e, c->id);
	if (!l)
		return -ENOENT;
	c->listening = *l;
	forget(e, l);
	return 0;
}

/* On the thread: the sockets stay where they are. */
static int
run_find(struct exception *e, struct exception_command *c)
{
	struct exception_listening *l = find(e, c->id);
	if (!l)
		return -ENOENT;
	c->listening = *l;
	return 0;
}

int
exception_listen(struct exception *e, const struct exception_listener *l, struct err *err)
{
	struct exception_command c = {.run = run_listen};
	c.listening.interface_idx = l->interface_idx;
	if (l->n_addrs > EXCEPTION_LISTENER_FDS)
		return err_set(err, -EINVAL, "more than %d addresses to listen on",
			EXCEPTION_LISTENER_FDS);
	int rc = open_any(&c.listening, l);
	if (rc == -EADDRINUSE)
		return err_set(err, rc,
			"UDP port %u is in use by another program; end it (`ss -lunp` names it) or "
			"choose another ListenPort", l->port);
	if (rc)
		return err_set(err, rc, "cannot open UDP port %u: %s", l->port, strerror(-rc));
	rc = exception_command(e, &c);
	if (rc == 0)
		return c.listening.port;
	close_all(&c.listening);
	return err_set(err, rc, "cannot watch UDP port %u of interface %u: %s", l->port,
		l->interface_idx, strerror(-rc));
}

int
exception_unlisten(struct exception *e, uint16_t interface_idx, struct err *err)
{
	struct exception_command c = {.run = run_unlisten, .id = interface_idx};
	int rc = exception_command(e, &c);
	if (rc)
		return err_set(err, rc, "interface %u has no UDP port open", interface_idx);
	close_all(&c.listening);
	return 0;
}

int
exception_set_fwmark(struct exception *e, uint16_t interface_idx, uint32_t fwmark, struct err *err)
{
	struct exception_command c = {.run = run_find, .id = interface_idx};
	int rc = exception_command(e, &c);
	if (rc)
		return err_set(err, rc, "interface %u has no UDP port open", interface_idx);
	for (int i = 0; i < EXCEPTION_LISTENER_FDS; i++) {
		if (rc == 0 && c.listening.fds[i] >= 0)
			rc = set_int(c.listening.fds[i], SOL_SOCKET, SO_MARK, (int)fwmark);
	}
	return rc ? err_set(err, rc, "cannot set the mark of UDP port %u: %s", c.listening.port,
		strerror(-rc)) : 0;
}

void
exception_close_listeners(struct exception *e)
{
	for (unsigned i = 0; i < EXCEPTION_MAX_LISTENERS; i++) {
		if (e->listeners[i].is_used)
			close_all(&e->listeners[i]);
	}
}

/* Local address and traffic class out of the control messages. */
static void
read_control(struct msghdr *msg, struct exception_datagram *d)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const uint8_t *p = CMSG_DATA(c);
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			d->dst = addr_from_bytes(ADDR_V4,
				p + offsetof(struct in_pktinfo, ipi_addr));
		else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			d->tos = *p;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			d->dst = addr_from_bytes(ADDR_V6, p);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			d->tos = (uint8_t)load_le32(p);
	}
}

/* One datagram into f (NULL: into the void): 1 kept, 0 dropped and counted, negative: none. */
static int
receive_one(struct exception *e, const struct exception_listening *l, int fd, struct frame *f)
{
	uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(8)));
	uint8_t none[1];
	struct sockaddr_storage from;
	struct exception_datagram d = {.interface_idx = l->interface_idx, .port = l->port};
	bool fits = f && frame_room(f) > sizeof(d);
	struct iovec iov = {
		.iov_base = fits ? (uint8_t *)frame_data(f) + sizeof(d) : none,
		.iov_len = fits ? frame_room(f) - sizeof(d) : sizeof(none),
	};
	struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, 0);
	if (n < 0)
		return -errno;
	if (!fits || msg.msg_flags & MSG_TRUNC ||
		endpoint_from_sockaddr((struct sockaddr *)&from, &d.src)) {
		exception_count(f ? &e->datagrams.drop_oversize : &e->datagrams.drop_no_frame, 1);
		return 0;
	}
	read_control(&msg, &d);
	d.payload_bytes = (uint16_t)n;
	memcpy(frame_data(f), &d, sizeof(d));
	frame_set_len(f, (uint32_t)(sizeof(d) + (size_t)n));
	frame_set_link(f, EXCEPTION_LINK_DATAGRAM);
	return 1;
}

unsigned
exception_receive(struct exception *e, unsigned id)
{
	unsigned slot = id / EXCEPTION_LISTENER_FDS % EXCEPTION_MAX_LISTENERS;
	const struct exception_listening *l = &e->listeners[slot];
	struct exception_batch b = {.n = 0};
	unsigned n = 0;
	/* One worker an interface: its datagrams stay in order, and the owner gets them by ring. */
	struct frame_ring *ring = e->workers[l->interface_idx % e->n_workers].from_kernel.bulk;
	int fd = l->is_used ? l->fds[id % EXCEPTION_LISTENER_FDS] : -1;

	while (fd >= 0 && n < EXCEPTION_BATCH) {
		struct frame *f = exception_take_frame(e);
		int rc = receive_one(e, l, fd, f);
		if (rc > 0)
			b.frames[b.n++] = f;
		else if (f)
			exception_return_frame(e, f);
		if (rc < 0)
			break;
		n++;
	}
	exception_flush(e, ring, &b, &e->datagrams);
	return n;
}
