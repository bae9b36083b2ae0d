/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One thing of a device: noted as to be put on another, put there, taken away. An IPv6 address is
 * put in two steps: usable at once (NODAD, for it was in use a moment ago), then with its own
 * flags.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "host/adopt_inner.h"

enum { MAX_REQUESTS = 2 };

/*
 * Of equal IPv4 routes the first counts, so they are appended in their order. IPv6 would join
 * equal routes by next hops to a group with the old one, so there it is replaced, which is as
 * quick; likewise what is left of a group of either family.
 */
static uint16_t
route_flags(const struct adopt_item *it)
{
	const struct rtmsg *head = NLMSG_DATA(it->message);
	if (it->class == ADOPT_ROUTE_MULTI)
		return NLM_F_REPLACE;
	if (head->rtm_family == AF_INET)
		return NLM_F_APPEND;
	return it->class == ADOPT_ROUTE_VIA ? NLM_F_REPLACE : 0;
}

/* What puts it on a device, in order; returns how many. */
static unsigned
put_requests(const struct adopt_item *it, struct adopt_request out[MAX_REQUESTS])
{
	memset(out, 0, MAX_REQUESTS * sizeof(*out));
	out[0].type = it->message->nlmsg_type;
	switch (it->class) {
	case ADOPT_ADDR_V6:
		out[0].flags = NLM_F_CREATE | NLM_F_EXCL;
		out[0].addr_flags = IFA_F_NODAD;
		out[1].type = out[0].type;
		out[1].flags = NLM_F_REPLACE;
		return 2;
	case ADOPT_ADDR_V4:
	case ADOPT_RULE:
		out[0].flags = NLM_F_CREATE | NLM_F_EXCL;
		return 1;
	case ADOPT_NEIGH:
		out[0].flags = NLM_F_CREATE | NLM_F_REPLACE;
		return 1;
	default:
		out[0].flags = NLM_F_CREATE | route_flags(it);
		return 1;
	}
}

static int
make(const struct adopt_move *m, const struct adopt_item *it, struct adopt_request *want,
	uint8_t buf[RESTORE_MESSAGE_BYTES], struct err *err)
{
	char what[96];
	want->from = m->from;
	want->to = m->to;
	if (adopt_make_request(it->message, want, buf))
		return 0;
	return err_set(err, -EMSGSIZE, "cannot move %s from %s to %s: it is too long or broken",
		adopt_describe(it->message, what), m->from->name, m->to->name);
}

int
adopt_note(const struct adopt_move *m, const struct adopt_item *it, struct err *err)
{
	uint8_t buf[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct adopt_request wants[MAX_REQUESTS];
	char what[96], text[160];
	int rc = 0;
	snprintf(text, sizeof(text), "put %s back on %s", adopt_describe(it->message, what),
		m->to->name);
	const struct restore_step step = {.kind = RESTORE_NETLINK, .owner = m->owner,
		.what = text, .device = m->to->name, .ifindex = m->to->ifindex,
		.message = (const void *)buf};
	for (unsigned i = put_requests(it, wants); !rc && i > 0; i--) {
		rc = make(m, it, &wants[i - 1], buf, err);
		if (!rc)
			rc = restore_note(m->restore, &step, err);
	}
	return rc;
}

int
adopt_note_deletion(const struct adopt_move *m, const struct adopt_item *it, struct err *err)
{
	uint8_t buf[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct adopt_request want = {.type = (uint16_t)(it->message->nlmsg_type + 1)};
	char what[96], text[160];
	snprintf(text, sizeof(text), "delete %s for %s", adopt_describe(it->message, what),
		m->to->name);
	const struct restore_step step = {.kind = RESTORE_NETLINK, .owner = m->owner,
		.what = text, .message = (const void *)buf};
	int rc = make(m, it, &want, buf, err);
	return rc ? rc : restore_note(m->restore, &step, err);
}

/* A neighbour is found again; all else is needed. */
int
adopt_put(const struct adopt_move *m, const struct adopt_item *it, struct err *err)
{
	uint8_t buf[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct adopt_request wants[MAX_REQUESTS];
	char what[96], text[160];
	int rc = 0;
	unsigned n = put_requests(it, wants);
	snprintf(text, sizeof(text), "move %s from %s to %s", adopt_describe(it->message, what),
		m->from->name, m->to->name);
	for (unsigned i = 0; !rc && i < n; i++) {
		rc = make(m, it, &wants[i], buf, err);
		if (!rc)
			rc = netlink_send(m->nl, (const void *)buf, text, err);
		rc = rc == -EEXIST ? 0 : rc;
	}
	return it->class == ADOPT_NEIGH ? 0 : rc;
}

void
adopt_remove(const struct adopt_move *m, const struct adopt_item *it)
{
	uint8_t buf[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct adopt_request want = {.type = (uint16_t)(it->message->nlmsg_type + 1)};
	struct adopt_move here = *m;
	char what[96], text[160];
	struct err err;
	here.to = m->from;
	snprintf(text, sizeof(text), "take %s off %s", adopt_describe(it->message, what),
		m->from->name);
	int rc = make(&here, it, &want, buf, &err);
	rc = rc ? rc : netlink_send(m->nl, (const void *)buf, text, &err);
	/* Some go with others: a route with its address, an address with the first of its net. */
	if (rc && rc != -ESRCH && rc != -EADDRNOTAVAIL && rc != -ENOENT && rc != -ENODEV)
		log_warn("%s", err.text);
}
