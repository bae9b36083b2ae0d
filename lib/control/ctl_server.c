/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl_server.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "control/core.h"
#include "control/pinging.h"
#include "control/reload.h"
#include "control/report.h"
#include "control/watching.h"
#include "tailnet/tailnet.h"
#include "intent/status_json.h"

enum { REQUEST_BYTES = 48 << 10 /* two capture filters of full length */ };

struct connection {
	size_t n_bytes;
	struct control *waits_for; /* the end of a reload; NULL: it does not */
	struct server_client *client;
	struct watching *watching; /* after trace and capture */
	struct pinging *pinging;   /* after ping */
	char line[REQUEST_BYTES];
};

static void
begin(void *connection)
{
}

static void
end(void *connection)
{
	struct connection *conn = connection;
	if (conn->waits_for && conn->waits_for->reload_asker == conn->client)
		conn->waits_for->reload_asker = NULL;
	watching_end(conn->watching);
	pinging_end(conn->pinging);
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
json_of_reload(int rc, const struct reconcile_report *report, const char *error)
{
	if (rc)
		return answer_error(error);
	json_t *j = json_pack("{s:b, s:i, s:i, s:i}", "ok", !report->n_failed, "changes",
		(int)report->n_applied, "failed", (int)report->n_failed, "restart",
		(int)report->n_restart);
	if (j && report->n_failed)
		json_object_set_new(j, "error", json_string(report->first.text));
	return j;
}

static json_t *
answer_check(struct control *c)
{
	struct err err = {0};
	return reload_check(c, &err) ? answer_error(err.text) : json_pack("{s:b}", "ok", 1);
}

static json_t *
answer_wish(struct control *c, enum tailnet_wish wish)
{
	struct err err = {0};
	return membership_wish(c, wish, &err) ? answer_error(err.text) :
		json_pack("{s:b}", "ok", 1);
}

static json_t *
answer_up(struct control *c)
{
	return answer_wish(c, TAILNET_WISH_UP);
}

static json_t *
answer_down(struct control *c)
{
	return answer_wish(c, TAILNET_WISH_DOWN);
}

static json_t *
answer_logout(struct control *c)
{
	return answer_wish(c, TAILNET_WISH_LOGOUT);
}

static json_t *
answer_netcheck(struct control *c)
{
	struct err err = {0};
	return outside_check(c, &err) ? answer_error(err.text) : outside_to_json(&c->outside);
}

static json_t *
answer_netcheck_report(struct control *c)
{
	return outside_to_json(&c->outside);
}

static const struct {
	const char *name;
	json_t *(*answer)(struct control *c);
} requests[] = {
	{"status", answer_status},
	{"peers", answer_status},
	{"ports", answer_status},
	{"drops", answer_status},
	{"filter", answer_status},
	{"nat", answer_status},
	{"check", answer_check},
	{"up", answer_up},
	{"down", answer_down},
	{"logout", answer_logout},
	{"netcheck", answer_netcheck},
	{"netcheck-report", answer_netcheck_report},
};

static const struct {
	const char *name; /* what is asked for follows it in the line */
	enum watch_kind kind;
} streams[] = {
	{"trace ", WATCH_TRACE},
	{"capture ", WATCH_CAPTURE},
};

/* Begins what a line asks for; NULL: it is no such request. */
static json_t *
answer_stream(struct control *c, struct connection *conn)
{
	struct err err = {0};
	for (size_t i = 0; i < ARRAY_COUNT(streams); i++) {
		size_t n = strlen(streams[i].name);
		if (strncmp(conn->line, streams[i].name, n) != 0)
			continue;
		conn->watching = watching_begin(c, streams[i].kind, conn->line + n, &err);
		return conn->watching ? json_pack("{s:b}", "ok", 1) : answer_error(err.text);
	}
	return NULL;
}

/* "ping KEY"; NULL: it has begun, and `more` has the answer. */
static json_t *
begin_ping(struct control *c, struct connection *conn, const char *text)
{
	struct err err = {0};
	struct key peer;
	if (key_from_base64(&peer, text))
		return answer_error("ping wants the public key of a peer");
	conn->pinging = pinging_begin(c, &peer, &err);
	return conn->pinging ? NULL : answer_error(err.text);
}

static json_t *
answer(struct control *c, const char *request)
{
	for (size_t i = 0; i < ARRAY_COUNT(requests); i++)
		if (strcmp(requests[i].name, request) == 0)
			return requests[i].answer(c);
	return answer_error("unknown request: it must be status, peers, ports, drops, filter, nat, "
		"reload, check, up, down, logout, ping, netcheck, "
		"netcheck-report, trace or capture");
}

static int
append(const char *data, size_t n_bytes, void *reply)
{
	text_add_bytes(reply, data, n_bytes);
	return ((struct text *)reply)->failed ? -1 : 0;
}

static enum server_step
print_answer(json_t *j, struct text *reply)
{
	if (!j)
		return SERVER_CLOSE;
	json_dump_callback(j, append, reply, JSON_COMPACT);
	text_add_bytes(reply, "\n", 1);
	json_decref(j);
	return SERVER_LAST;
}

/* The loop does it once no callback of it runs; the answer is ctl_answer_reload's. */
static enum server_step
ask_for_reload(struct control *c, struct connection *conn, struct text *reply)
{
	if (c->reload_asker || c->is_changing)
		return print_answer(answer_error("another reload is under way: try again"), reply);
	c->reload_asker = conn->client;
	c->reload_is_wanted = true;
	conn->waits_for = c;
	uv_stop(&c->loop);
	return SERVER_WAIT;
}

void
ctl_answer_reload(struct control *c, int rc, const struct reconcile_report *report,
	const char *error)
{
	struct text reply;
	if (!c->reload_asker)
		return;
	text_init(&reply);
	print_answer(json_of_reload(rc, report, error), &reply);
	server_answer(c->reload_asker, &reply);
	c->reload_asker = NULL;
	text_fini(&reply);
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
	conn->client = in->client;
	if (strcmp(conn->line, "reload") == 0)
		return ask_for_reload(i->control, conn, reply);
	if (strncmp(conn->line, "ping ", 5) == 0) {
		json_t *refused = begin_ping(i->control, conn, conn->line + 5);
		return refused ? print_answer(refused, reply) : SERVER_STREAM;
	}
	json_t *begun = answer_stream(i->control, conn);
	enum server_step step = print_answer(
		begun ? begun : answer(i->control, conn->line), reply);
	return conn->watching && step != SERVER_CLOSE ? SERVER_STREAM : step;
}

static enum server_step
more(void *connection, bool is_asked_to_end, struct text *reply)
{
	struct connection *conn = connection;
	if (!conn->pinging)
		return watching_more(conn->watching, is_asked_to_end, reply);
	json_t *j = pinging_answer(conn->pinging, clock_boot_ns());
	if (!j)
		return is_asked_to_end ? SERVER_CLOSE : SERVER_MORE;
	return print_answer(j, reply);
}

const struct server_kind ctl_server = {
	.directory = "/run/headgate",
	.connection_bytes = sizeof(struct connection),
	.begin = begin,
	.end = end,
	.feed = feed,
	.more = more,
};
