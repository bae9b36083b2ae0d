/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/register.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/headscale/json.h"
#include "source/headscale/key_text.h"
#include "source/headscale/server_url.h"

#define NO_TIME "0001-01-01T00:00:00Z"
#define PAST_TIME "1970-01-01T00:02:03Z" /* as tailscaled logs out */

void
register_format(const struct register_request *r, struct text *out)
{
	char key[KEY_TEXT_BYTES];
	text_add(out, "{\"Version\":%u,\"NodeKey\":\"%s\"", r->version,
		key_text_format(KEY_TEXT_NODE, &r->node_public, key));
	text_add(out, ",\"OldNodeKey\":\"%s\",\"Auth\":",
		key_text_format(KEY_TEXT_NODE, &r->old_node_public, key));
	if (r->auth_key) {
		text_add(out, "{\"AuthKey\":");
		json_add_string(out, r->auth_key);
		text_add(out, "}");
	} else {
		text_add(out, "null");
	}
	text_add(out, ",\"Expiry\":\"%s\"", r->is_logout ? PAST_TIME : NO_TIME);
	if (r->followup) {
		text_add(out, ",\"Followup\":");
		json_add_string(out, r->followup);
	}
	if (r->is_ephemeral)
		text_add(out, ",\"Ephemeral\":true");
	text_add(out, ",\"Hostinfo\":");
	hostinfo_format(r->hostinfo, out);
	text_add(out, "}");
}

/* What a server says is shown to people: nothing of it may move a terminal's cursor. */
static void
copy_printable(char *out, size_t room, const char *text)
{
	snprintf(out, room, "%s", text);
	for (char *at = out; *at; at++) {
		if (*at < 0x20 || *at >= 0x7f)
			*at = '?';
	}
}

static enum register_result
judge(const struct register_answer *a, bool is_expired, bool is_authorized)
{
	if (a->refusal[0])
		return REGISTER_REFUSED;
	if (a->auth_url[0])
		return REGISTER_NEEDS_LOGIN;
	if (is_expired)
		return REGISTER_KEY_EXPIRED;
	return is_authorized ? REGISTER_DONE : REGISTER_WAITING;
}

int
register_parse(const char *body, size_t n_bytes, struct register_answer *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	json_t *v = json_read(body, n_bytes, err);
	if (!v)
		return -EBADMSG;
	struct json_reader r = json_reader_of(v, "the answer");
	copy_printable(out->auth_url, sizeof(out->auth_url), json_text(&r, "AuthURL"));
	copy_printable(out->refusal, sizeof(out->refusal), json_text(&r, "Error"));
	bool is_expired = json_bool(&r, "NodeKeyExpired");
	bool is_authorized = json_bool(&r, "MachineAuthorized");
	struct json_reader login = json_reader_of(json_map(&r, "Login"), "Login");
	copy_printable(out->login, sizeof(out->login), json_text(&login, "LoginName"));
	out->result = judge(out, is_expired, is_authorized);
	struct server_url url;
	if (!r.failed && out->auth_url[0] && server_url_parse(out->auth_url, &url))
		r.failed = "AuthURL";
	if (r.failed)
		err_set(err, -EBADMSG, "the server's answer to the registration has a wrong %s",
			r.failed);
	json_decref(v);
	return r.failed ? -EBADMSG : 0;
}
