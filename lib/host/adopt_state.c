/* SPDX-License-Identifier: BSD-3-Clause */
/* All that the kernel has on a device, as its dumps tell it, in the order of putting it on one. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/adopt_inner.h"

enum {
	MAX_ROUTES = 8192,
	MAX_NEIGHBOURS = 512, /* the rest is found again */
	TRIES = 5,            /* of a dump that others change meanwhile */
};

static int
add(struct adopt_state *s, enum adopt_class class, const struct nlmsghdr *message)
{
	if (s->n == s->cap) {
		unsigned cap = s->cap ? s->cap * 2 : 32;
		struct adopt_item *items = reallocarray(s->items, cap, sizeof(*items));
		if (!items)
			return -ENOMEM;
		s->items = items;
		s->cap = cap;
	}
	struct nlmsghdr *copy = malloc(NLMSG_ALIGN(message->nlmsg_len));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, message, message->nlmsg_len);
	s->items[s->n] = (struct adopt_item){class, s->n, copy};
	s->n++;
	return 0;
}

static int
take(void *ctx, const struct nlmsghdr *message)
{
	struct adopt_state *s = ctx;
	enum adopt_class class = adopt_class_of(message, &s->device);
	switch (class) {
	case ADOPT_NOT:
		return 0;
	case ADOPT_IMPOSSIBLE:
		adopt_describe(message, s->impossible);
		return 0;
	case ADOPT_ADDR_V4:
	case ADOPT_ADDR_V6:
		s->n_addresses += adopt_is_address(message);
		break;
	case ADOPT_NEIGH:
		if (s->n_neighbours++ >= MAX_NEIGHBOURS)
			return 0;
		break;
	case ADOPT_RULE:
		break;
	default:
		if (s->n_routes++ >= MAX_ROUTES)
			return -E2BIG;
	}
	return add(s, class, message);
}

/*
 * The kernel puts a new IPv6 address in front of those of its scope, so what it names last is
 * added first.
 */
static int
compare(const void *a, const void *b)
{
	const struct adopt_item *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	int forward = x->at < y->at ? -1 : x->at > y->at;
	return x->class == ADOPT_ADDR_V6 ? -forward : forward;
}

void
adopt_state_fini(struct adopt_state *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->items[i].message);
	free(s->items);
	memset(s, 0, sizeof(*s));
}

static int
dump(struct adopt_state *s, struct netlink *nl, uint16_t type, size_t head_bytes,
	struct err *err)
{
	uint8_t buf[128] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, head_bytes); /* AF_UNSPEC: both families */
	return netlink_ask(nl, request, take, s, err);
}

static int
read_once(struct adopt_state *s, struct netlink *nl, const char *device, struct err *err)
{
	static const struct {
		uint16_t type;
		size_t head_bytes;
	} dumps[] = {
		{RTM_GETADDR, sizeof(struct ifaddrmsg)},
		{RTM_GETROUTE, sizeof(struct rtmsg)},
		{RTM_GETNEIGH, sizeof(struct ndmsg)},
		{RTM_GETRULE, sizeof(struct fib_rule_hdr)},
	};
	struct net_link link;
	memset(s, 0, sizeof(*s));
	int rc = netlink_link_by_name(nl, device, &link, err);
	if (rc)
		return rc;
	s->device.ifindex = link.ifindex;
	memcpy(s->device.name, link.name, sizeof(s->device.name));
	for (unsigned i = 0; !rc && i < ARRAY_COUNT(dumps); i++)
		rc = dump(s, nl, dumps[i].type, dumps[i].head_bytes, err);
	if (rc == -E2BIG)
		err_set(err, rc, "more than %d routes lead over %s, too many to be moved: have the "
			"routing daemon use the port's twin, and give the port its Address",
			MAX_ROUTES, device);
	return rc;
}

int
adopt_state_read(struct adopt_state *s, struct netlink *nl, const char *device, struct err *err)
{
	int rc = read_once(s, nl, device, err);
	for (unsigned i = 1; rc == -EINTR && i < TRIES; i++) {
		adopt_state_fini(s);
		rc = read_once(s, nl, device, err);
	}
	if (rc)
		adopt_state_fini(s);
	else if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), compare);
	return rc;
}
