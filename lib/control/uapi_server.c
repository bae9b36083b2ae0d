/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/uapi_server.h"

#include <errno.h>

#include "base/log.h"
#include "control/core.h"
#include "control/membership.h"
#include "control/reconcile.h"
#include "control/report.h"
#include "source/uapi.h"

static void
begin(void *connection)
{
	uapi_parser_init(connection);
}

static void
end(void *connection)
{
	uapi_parser_fini(connection);
}

static enum server_step
answer_get(struct control *c, const struct control_iface *i, struct text *reply)
{
	struct status_interface s = {0};
	int rc = report_interface(c, i, &s);
	if (rc)
		uapi_answer(rc, reply);
	else
		uapi_get(&s, reply);
	status_interface_fini(&s);
	return SERVER_REPLY;
}

/* As the UAPI has it, the answer is the first error; what could be done has been. */
static enum server_step
answer_set(struct control *c, const struct control_iface *i, const struct uapi_parser *p,
	struct text *reply)
{
	const struct interface_intent *now = intent_interface_find(c->running, i->name);
	struct change_list list;
	change_list_init(&list);
	int rc = now ? uapi_changes(p, now, &list) : -ENODEV;
	if (!rc) {
		struct reconcile_report report;
		rc = membership_keep(c, &list);
		reconcile_list(c, &list, &report);
		membership_peers_changed(c);
		rc = rc ? rc : report.rc;
		log_info("%s: `wg set` made %u change%s", i->name, report.n_applied,
			report.n_applied == 1 ? "" : "s");
	}
	change_list_fini(&list);
	uapi_answer(rc, reply);
	return SERVER_REPLY;
}

static enum server_step
feed(void *ctx, void *connection, struct server_input *in, struct text *reply)
{
	struct control_iface *i = ctx;
	struct control *c = i->control;
	struct uapi_parser *p = connection;
	switch (uapi_feed(p, in->data, in->n_bytes, &in->n_used)) {
	case UAPI_MORE:
		return SERVER_MORE;
	case UAPI_GET:
		return answer_get(c, i, reply);
	case UAPI_SET:
		return answer_set(c, i, p, reply);
	case UAPI_BAD:
		uapi_answer(p->code, reply);
		return SERVER_REPLY;
	default:
		return SERVER_CLOSE;
	}
}

const struct server_kind uapi_server = {
	.directory = "/var/run/wireguard",
	.connection_bytes = sizeof(struct uapi_parser),
	.begin = begin,
	.end = end,
	.feed = feed,
};
