/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl_server.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "control/core.h"
#include "control/reload.h"
#include "control/report.h"
#include "intent/status_json.h"

enum { REQUEST_BYTES = 64 };

struct connection {
	char line[REQUEST_BYTES];
	size_t n_bytes;
};

static void
begin(void *connection)
{
}

static void
end(void *connection)
{
}

static json_t *
answer_status(struct control *c)
{
	struct status *s = report_status(c);
	json_t *j = s ? status_to_json(s) : NULL;
	status_destroy(s);
	return j;
}

static json_t *
answer_error(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static json_t *
answer_reload(struct control *c)
{
	struct reconcile_report report;
	struct err err = {0};
	if (reload(c, &report, &err))
		return answer_error(err.text);
	json_t *j = json_pack("{s:b, s:i, s:i, s:i}", "ok", !report.n_failed, "changes",
		(int)report.n_applied, "failed", (int)report.n_failed, "restart",
		(int)report.n_restart);
	if (j && report.n_failed)
		json_object_set_new(j, "error", json_string(report.first.text));
	return j;
}

static json_t *
answer_check(struct control *c)
{
	struct err err = {0};
	return reload_check(c, &err) ? answer_error(err.text) : json_pack("{s:b}", "ok", 1);
}

static const struct {
	const char *name;
	json_t *(*answer)(struct control *c);
} requests[] = {
	{"status", answer_status},
	{"peers", answer_status},
	{"ports", answer_status},
	{"drops", answer_status},
	{"reload", answer_reload},
	{"check", answer_check},
};

static json_t *
answer(struct control *c, const char *request)
{
	for (size_t i = 0; i < ARRAY_COUNT(requests); i++)
		if (strcmp(requests[i].name, request) == 0)
			return requests[i].answer(c);
	return answer_error("unknown request: it must be status, peers, ports, drops, reload or "
		"check");
}

static int
append(const char *data, size_t n_bytes, void *reply)
{
	text_add_bytes(reply, data, n_bytes);
	return ((struct text *)reply)->failed ? -1 : 0;
}

static enum server_step
feed(void *ctx, void *connection, struct server_input *in, struct text *reply)
{
	struct control_iface *i = ctx;
	struct connection *conn = connection;
	const char *end_of_line = memchr(in->data, '\n', in->n_bytes);
	size_t n = end_of_line ? (size_t)(end_of_line - in->data) : in->n_bytes;
	if (conn->n_bytes + n >= sizeof(conn->line))
		return SERVER_CLOSE;
	memcpy(conn->line + conn->n_bytes, in->data, n);
	conn->n_bytes += n;
	in->n_used = n + (end_of_line != NULL);
	if (!end_of_line)
		return SERVER_MORE;
	conn->line[conn->n_bytes] = 0;
	json_t *j = answer(i->control, conn->line);
	if (!j)
		return SERVER_CLOSE;
	json_dump_callback(j, append, reply, JSON_COMPACT);
	text_add_bytes(reply, "\n", 1);
	json_decref(j);
	return SERVER_LAST;
}

const struct server_kind ctl_server = {
	.directory = "/run/headgate",
	.connection_bytes = sizeof(struct connection),
	.begin = begin,
	.end = end,
	.feed = feed,
};
