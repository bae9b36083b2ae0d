/* SPDX-License-Identifier: BSD-3-Clause */
/* One request and its answers: an acknowledgement, an object and one, or a dump. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/attrs.h"
#include "host/netlink_inner.h"

enum { STEP_MORE = 1, STEP_END = 0 };

/* The kernel's own words in an acknowledgement (NLMSGERR_ATTR_MSG), or what errno says. */
static void
reason_of(const struct nlmsghdr *head, int code, char *out, size_t cap_bytes)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(head);
	size_t skip = sizeof(*e), n = mnl_nlmsg_get_payload_len(head);
	struct attrs a;
	snprintf(out, cap_bytes, "%s", strerror(-code));
	if (!(head->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(head->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	if (skip > n)
		return;
	attrs_read(&a, (const uint8_t *)e + skip, n - skip);
	if (!a.bad && attrs_has(&a, NLMSGERR_ATTR_MSG) && a.at[NLMSGERR_ATTR_MSG].n_bytes)
		snprintf(out, cap_bytes, "%s (%.*s)", strerror(-code),
			(int)a.at[NLMSGERR_ATTR_MSG].n_bytes,
			(const char *)a.at[NLMSGERR_ATTR_MSG].data);
}

static int
refusal(const struct nlmsghdr *head, const char *what, struct err *err)
{
	char reason[200];
	if (mnl_nlmsg_get_payload_len(head) < sizeof(struct nlmsgerr))
		return err_set(err, -EPROTO, "cannot %s: a short netlink answer", what);
	int code = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(head))->error;
	if (code >= 0)
		return STEP_END;
	reason_of(head, code, reason, sizeof(reason));
	return err_set(err, code, "cannot %s: %s", what, reason);
}

/* The end of a dump; the kernel may say there what went wrong. */
static int
dump_end(const struct nlmsghdr *head, const char *what, struct err *err)
{
	int32_t code = mnl_nlmsg_get_payload_len(head) >= sizeof(code) ?
		(int32_t)load_le32(mnl_nlmsg_get_payload(head)) : 0;
	return code < 0 ? err_set(err, code, "cannot %s: %s", what, strerror(-code)) : STEP_END;
}

/* One message of the answer: 1 to go on, 0 at the end, negative refused. */
static int
take_answer(const struct nlmsghdr *head, struct netlink_exchange *x, struct err *err)
{
	if (head->nlmsg_type == NLMSG_ERROR)
		return refusal(head, x->what, err);
	if (head->nlmsg_type == NLMSG_DONE)
		return dump_end(head, x->what, err);
	if (head->nlmsg_flags & NLM_F_DUMP_INTR)
		return err_set(err, -EINTR, "cannot %s: it changes meanwhile", x->what);
	int rc = x->take ? x->take(x->ctx, head) : 0;
	return rc < 0 ? err_set(err, rc, "cannot %s: %s", x->what, strerror(-rc)) : STEP_MORE;
}

static int
await(struct netlink *nl, struct netlink_exchange *x, struct err *err)
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "cannot %s: no answer by netlink: %s", x->what,
				errno == EAGAIN ? "timed out" : strerror(errno));
		int left = (int)n;
		for (struct nlmsghdr *h = (void *)nl->answer; mnl_nlmsg_ok(h, left);
			h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != nl->seq)
				continue; /* late, of a request that timed out */
			int rc = take_answer(h, x, err);
			if (rc != STEP_MORE)
				return rc;
		}
	}
}

int
netlink_exchange(struct netlink *nl, const struct nlmsghdr *request,
	struct netlink_exchange *x, struct err *err)
{
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return err_set(err, -errno, "cannot %s: netlink: %s", x->what, strerror(errno));
	return await(nl, x, err);
}

/* The request with our number, and an acknowledgement unless it is a dump, which has its end. */
static int
exchange_copy(struct netlink *nl, const struct nlmsghdr *message, struct netlink_exchange *x,
	struct err *err)
{
	bool is_get = message->nlmsg_type % 4 == RTM_GETLINK % 4;
	bool is_dump = is_get && (message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct nlmsghdr *copy = calloc(1, NLMSG_ALIGN(message->nlmsg_len));
	if (!copy)
		return err_set(err, -ENOMEM, "cannot %s: no memory", x->what);
	memcpy(copy, message, message->nlmsg_len);
	copy->nlmsg_flags |= NLM_F_REQUEST | (is_dump ? 0 : NLM_F_ACK);
	copy->nlmsg_seq = ++nl->seq;
	copy->nlmsg_pid = 0;
	int rc = netlink_exchange(nl, copy, x, err);
	free(copy);
	return rc;
}

int
netlink_send(struct netlink *nl, const struct nlmsghdr *message, const char *what,
	struct err *err)
{
	struct netlink_exchange x = {.take = NULL};
	snprintf(x.what, sizeof(x.what), "%s", what);
	return exchange_copy(nl, message, &x, err);
}

int
netlink_ask(struct netlink *nl, const struct nlmsghdr *request,
	int (*take)(void *ctx, const struct nlmsghdr *message), void *ctx, struct err *err)
{
	struct netlink_exchange x = {.what = "read the kernel's state", .take = take, .ctx = ctx};
	return exchange_copy(nl, request, &x, err);
}
