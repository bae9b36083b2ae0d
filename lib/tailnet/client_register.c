/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registering. A node that the server knows asks without a credential, which costs the server
 * nothing and works with a key that was used up; the auth key is for when that is not enough.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "source/secret_file.h"
#include "tailnet/client_inner.h"

enum {
	LOGIN_MS = 3000,      /* between two requests that wait for a login */
	AUTH_KEY_BYTES = 256,
};

#define PATH "/machine/register"

void
client_register_reset(struct client *c)
{
	c->register_stream = 0;
	c->register_status = 0;
	c->use = REGISTER_IDLE;
	text_fini(&c->register_body);
	text_init(&c->register_body);
}

/* False, and a sentence: there is a file, but no key in it. "" without a file. */
static bool
read_auth_key(const struct client *c, char out[AUTH_KEY_BYTES], struct err *err)
{
	const char *path = c->config.intent->auth_key_file;
	out[0] = 0;
	return !path[0] || secret_file_read(path, out, AUTH_KEY_BYTES, err) == 0;
}

static void
post(struct client *c, const char *auth_key)
{
	struct hostinfo hostinfo = client_hostinfo(c);
	struct text body;
	const struct register_request request = {
		.version = TAILNET_CAPABILITY_VERSION,
		.node_public = client_node_public(c),
		.old_node_public = c->old_node_public,
		.auth_key = auth_key,
		.followup = c->waits_for_login && !auth_key && c->use != REGISTER_TO_LEAVE ?
			c->status.auth_url : NULL,
		.is_logout = c->use == REGISTER_TO_LEAVE,
		.is_ephemeral = c->config.intent->is_ephemeral,
		.hostinfo = &hostinfo,
	};
	/* The key's tags are the key's: to ask for some beside it is refused. */
	if (auth_key)
		hostinfo.tags = "";
	text_init(&body);
	register_format(&request, &body);
	int32_t stream = session_post(c->session, PATH, &body);
	text_fini(&body);
	c->registered_ms = uv_now(c->config.loop);
	if (stream > 0) {
		c->register_stream = stream;
	} else {
		struct err err;
		err_set(&err, stream, "the request to register cannot be sent");
		client_fail(c, &err, 0);
	}
}

static void
say_login(struct client *c, struct err *err)
{
	err_set(err, -EACCES, "waits to be let in: open %s", c->status.auth_url);
	client_set_phase(c, TAILNET_NEEDS_LOGIN, err->text);
}

void
client_register(struct client *c, enum register_use use)
{
	char auth_key[AUTH_KEY_BYTES] = "";
	struct err err = {0};
	bool needs_key = use == REGISTER_TO_JOIN && !c->config.state->is_registered &&
		!c->waits_for_login;
	if (c->register_stream)
		return;
	if (needs_key && !read_auth_key(c, auth_key, &err)) {
		client_set_phase(c, TAILNET_REFUSED, err.text);
		client_fail(c, &err, c->config.times->refused_ms);
		return;
	}
	client_register_reset(c);
	if (c->waits_for_login && use == REGISTER_TO_JOIN)
		say_login(c, &err); /* again, for the server was away meanwhile */
	c->use = use;
	c->sent_auth_key = auth_key[0];
	post(c, auth_key[0] ? auth_key : NULL);
	secret_wipe(auth_key, sizeof(auth_key));
}

void
client_register_status(struct client *c, int status)
{
	c->register_status = status;
}

bool
client_register_data(struct client *c, const uint8_t *data, size_t n_bytes)
{
	text_add_bytes(&c->register_body, data, n_bytes);
	return c->register_body.n_bytes <= REGISTER_MAX_BYTES && !c->register_body.failed;
}

/* ---- What the answer means ---- */

/* A node key that has expired gives way to a new one. */
static void
renew_node_key(struct client *c)
{
	struct tailnet_state *s = c->config.state;
	struct err err;
	s->is_registered = false;
	if (!key_is_zero(&c->old_node_public)) {
		err_set(&err, -EKEYEXPIRED, "%s takes this node for expired, whatever key it "
			"comes with: delete it there", c->url.authority);
		client_set_phase(c, TAILNET_REFUSED, err.text);
		client_fail(c, &err, c->config.times->refused_ms);
		return;
	}
	if (c->config.has_own_node_key) {
		err_set(&err, -EKEYEXPIRED, "the server says that our key has expired: put another "
			"PrivateKey into the config, or take it out");
		client_set_phase(c, TAILNET_REFUSED, err.text);
		client_fail(c, &err, c->config.times->refused_ms);
		return;
	}
	log_warn("tailnet: our key has expired; registering with a new one");
	c->old_node_public = client_node_public(c);
	x25519_keygen(s->node_private.bytes);
	client_save(c);
	c->config.on_node_key(c->config.ctx);
	client_register(c, REGISTER_TO_JOIN);
}

static void
done(struct client *c)
{
	c->waits_for_login = c->is_forgotten = false;
	c->old_node_public = (struct key){{0}};
	if (!c->config.state->is_registered) {
		c->config.state->is_registered = true;
		client_save(c);
		log_info("tailnet: registered at %s", c->url.authority);
	}
	if (!c->map_stream)
		client_map_begin(c);
}

/* The server's word that we are no node, and no key that changes it: the tailnet is not ours. */
static void
leave_if_forgotten(struct client *c)
{
	if (c->is_forgotten && c->map.self)
		client_publish_nothing(c);
}

static void
needs_login(struct client *c, const struct register_answer *a)
{
	struct err err;
	bool is_new = strcmp(c->status.auth_url, a->auth_url) != 0;
	c->config.state->is_registered = false;
	c->is_forgotten = true;
	if (!c->sent_auth_key && !c->waits_for_login && c->config.intent->auth_key_file[0]) {
		client_register(c, REGISTER_TO_JOIN); /* with the key now */
		return;
	}
	leave_if_forgotten(c);
	snprintf(c->status.auth_url, sizeof(c->status.auth_url), "%s", a->auth_url);
	c->waits_for_login = true;
	say_login(c, &err);
	if (is_new)
		log_info("tailnet: to let this node in, open %s", a->auth_url);
	/* Each answer of its own costs the server an entry: not at once again. */
	client_fail(c, &err, LOGIN_MS);
}

static void
refused(struct client *c, const struct register_answer *a)
{
	struct err err;
	bool had_key = c->sent_auth_key;
	if (c->config.state->is_registered && !had_key) {
		/* Some servers take nobody without a key, known or not. */
		c->config.state->is_registered = false;
		client_register(c, REGISTER_TO_JOIN);
		return;
	}
	leave_if_forgotten(c);
	c->waits_for_login = false; /* that one came to nothing */
	err_set(&err, -EACCES, "%s refuses this node%s: %s%s", c->url.authority,
		had_key ? " with the key of AuthKeyFile" : "", a->refusal,
		had_key ? "; make another key there, and put it into that file" : "");
	client_set_phase(c, TAILNET_REFUSED, err.text);
	client_fail(c, &err, c->config.times->refused_ms);
}

static void
waiting(struct client *c)
{
	struct err err;
	err_set(&err, -EACCES, "%s knows this node; an administrator has to let it in",
		c->url.authority);
	client_set_phase(c, TAILNET_REFUSED, err.text);
	client_fail(c, &err, c->config.times->refused_ms);
}

static void
joined(struct client *c, const struct register_answer *a)
{
	if (a->login[0])
		memcpy(c->status.login, a->login, sizeof(c->status.login));
	switch (a->result) {
	case REGISTER_DONE:
		done(c);
		break;
	case REGISTER_NEEDS_LOGIN:
		needs_login(c, a);
		break;
	case REGISTER_KEY_EXPIRED:
		renew_node_key(c);
		break;
	case REGISTER_REFUSED:
		refused(c, a);
		break;
	case REGISTER_WAITING:
		waiting(c);
		break;
	}
}

/*
 * Beside the map stream: a server may leave the stream of a node open that it has removed. Only
 * what leaves no doubt counts; the map is dropped, and we register anew.
 */
static void
checked(struct client *c, const struct register_answer *a)
{
	struct err err;
	if (a->result == REGISTER_REFUSED && client_has_expired(c)) {
		/* Some servers take nobody without a key: the key, then, and another node key. */
		c->config.state->is_registered = false;
		err_set(&err, -EKEYEXPIRED, "this node's key has expired at %s", c->url.authority);
		client_fail(c, &err, 0);
		return;
	}
	if (a->result != REGISTER_NEEDS_LOGIN && a->result != REGISTER_KEY_EXPIRED)
		return;
	client_publish_nothing(c);
	c->config.state->is_registered = a->result == REGISTER_KEY_EXPIRED;
	err_set(&err, -ENOENT, a->result == REGISTER_KEY_EXPIRED ?
		"%s says that this node's key has expired" : "%s has removed this node",
		c->url.authority);
	client_fail(c, &err, 0);
}

/* Whatever the server says to it: it has heard that we go. */
static void
left(struct client *c, int rc, const struct err *why)
{
	if (rc) {
		client_fail(c, why, 0); /* and then once more */
		return;
	}
	c->config.state->is_registered = false;
	c->waits_for_login = false;
	c->status.auth_url[0] = 0;
	client_save(c);
	log_info("tailnet: logged out at %s", c->url.authority);
	client_rest(c, TAILNET_LOGGED_OUT);
}

void
client_register_end(struct client *c, bool is_whole)
{
	struct register_answer answer;
	struct err err = {0};
	enum register_use use = c->use;
	int rc;
	if (is_whole && c->register_status == 200)
		rc = register_parse(c->register_body.data ? c->register_body.data : "",
			c->register_body.n_bytes, &answer, &err);
	else
		rc = err_set(&err, -EPROTO, "%s answered %d to the registration%s",
			c->url.authority, c->register_status, c->register_status == 400 ?
			": it wants newer clients" : "");
	client_register_reset(c);
	if (use == REGISTER_TO_LEAVE)
		left(c, rc, &err);
	else if (rc && use == REGISTER_TO_JOIN)
		client_fail(c, &err, 0);
	else if (!rc && use == REGISTER_TO_JOIN)
		joined(c, &answer);
	else if (!rc)
		checked(c, &answer);
}
