/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirror's socket: subscriptions, dumps one after another, and what to do on overflow. */
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "host/mirror_inner.h"

enum {
	USUAL_RECEIVE_BYTES = 8 << 20,
	MAX_DATAGRAMS_A_CALL = 512,
};

static int
subscribe(struct mirror *m, struct err *err)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_NEIGH};
	for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
		int group = groups[i];
		if (mnl_socket_setsockopt(m->socket, NETLINK_ADD_MEMBERSHIP, &group,
			sizeof(group)) < 0)
			return err_set(err, -errno, "netlink mirror: cannot follow group %d: %s",
				group, strerror(errno));
	}
	return 0;
}

static void
set_receive_bytes(int fd, unsigned n_bytes)
{
	int n = n_bytes ? (int)n_bytes : USUAL_RECEIVE_BYTES;
	/* The forced form passes net.core.rmem_max and needs CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

/* Asks for the next dump that is due, unless one is under way: a socket can have but one. */
static int
ask_dump(struct mirror *m, struct err *err)
{
	static const struct {
		uint16_t type, header_bytes;
	} asks[NET_N_KINDS] = {
		[NET_LINK] = {RTM_GETLINK, sizeof(struct ifinfomsg)},
		[NET_ADDR] = {RTM_GETADDR, sizeof(struct ifaddrmsg)},
		[NET_RULE] = {RTM_GETRULE, sizeof(struct rtmsg)},
		[NET_ROUTE] = {RTM_GETROUTE, sizeof(struct rtmsg)},
		[NET_NEIGH] = {RTM_GETNEIGH, 12 /* struct ndmsg */},
	};
	uint8_t buf[64] __attribute__((aligned(8))) = {0};
	if (!m->socket || m->dumping < NET_N_KINDS || !m->due)
		return 0;
	unsigned kind = (unsigned)__builtin_ctz(m->due);
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	head->nlmsg_type = asks[kind].type;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->nlmsg_seq = ++m->seq;
	mnl_nlmsg_put_extra_header(head, asks[kind].header_bytes); /* zeros: all families */
	if (mnl_socket_sendto(m->socket, head, head->nlmsg_len) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR || errno == EBUSY)
			return 0; /* it stays due; the next call asks again */
		return err_set(err, -errno, "netlink mirror: cannot ask for a dump: %s",
			strerror(errno));
	}
	m->due &= ~(1u << kind);
	m->dumping = kind;
	m->is_torn = false;
	m->round[kind]++;
	m->stats.n_dumps++;
	return 0;
}

struct mirror *
mirror_create(const struct mirror_observer *observer, unsigned receive_bytes, struct err *err)
{
	struct mirror *m = mirror_create_detached(observer);
	if (!m) {
		err_set(err, -ENOMEM, "netlink mirror: no memory");
		return NULL;
	}
	m->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!m->socket || mnl_socket_bind(m->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_set(err, -errno, "netlink mirror: cannot open a netlink socket: %s",
			strerror(errno));
		mirror_destroy(m);
		return NULL;
	}
	set_receive_bytes(mirror_fd(m), receive_bytes);
	mirror_resync(m);
	if (subscribe(m, err) || ask_dump(m, err)) {
		mirror_destroy(m);
		return NULL;
	}
	return m;
}

int
mirror_fd(const struct mirror *m)
{
	return m->socket ? mnl_socket_get_fd(m->socket) : -1;
}

/* Something was lost: what is known may be wrong in any place. */
static void
overflowed(struct mirror *m)
{
	m->stats.n_overflows++;
	m->is_torn = true;
	mirror_resync(m);
}

/* One datagram: 1 when there was one, 0 when there is none, negative when the socket is broken. */
static int
receive(struct mirror *m, struct err *err)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {.iov_base = m->buf, .iov_len = sizeof(m->buf)};
	struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
		.msg_iovlen = 1};
	ssize_t n = recvmsg(mirror_fd(m), &msg, 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno != ENOBUFS)
		return err_set(err, -errno, "netlink mirror: cannot read: %s", strerror(errno));
	if (n < 0 || msg.msg_flags & MSG_TRUNC)
		overflowed(m);
	else if (from.nl_pid == 0) /* else it is not the kernel that speaks */
		mirror_parse(m, m->buf, (size_t)n);
	return 1;
}

int
mirror_process(struct mirror *m, struct err *err)
{
	int rc = m->socket ? 1 : 0;
	for (unsigned i = 0; rc > 0 && i < MAX_DATAGRAMS_A_CALL; i++) {
		rc = receive(m, err);
		if (rc < 0)
			return rc;
		m->is_drained = rc == 0;
		int asked = ask_dump(m, err);
		if (asked < 0)
			return asked;
	}
	if (m->has_news && mirror_is_synced(m)) {
		m->has_news = false;
		if (m->observer.settled)
			m->observer.settled(m->observer.ctx);
	}
	return 0;
}

int
mirror_sync(struct mirror *m, int timeout_ms, struct err *err)
{
	ns_t end_ns = clock_boot_ns() + (ns_t)timeout_ms * NS_IN_MS;
	struct pollfd p = {.fd = mirror_fd(m), .events = POLLIN};
	for (;;) {
		int rc = mirror_process(m, err);
		if (rc < 0 || (m->is_drained && mirror_is_synced(m)))
			return rc;
		ns_t now_ns = clock_boot_ns();
		if (now_ns >= end_ns)
			return err_set(err, -ETIMEDOUT,
				"netlink mirror: the kernel's state was not read within %d ms",
				timeout_ms);
		if (m->is_drained)
			poll(&p, 1, (int)((end_ns - now_ns) / NS_IN_MS) + 1);
	}
}
