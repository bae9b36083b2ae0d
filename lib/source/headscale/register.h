/* SPDX-License-Identifier: BSD-3-Clause */
/* POST /machine/register: what is asked, and what the answer says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/key.h"
#include "source/headscale/hostinfo.h"
#include "source/text.h"

struct register_request {
	uint16_t version;
	struct key node_public;
	struct key old_node_public;  /* that node_public takes the place of; zero: none */
	const char *auth_key;        /* NULL: no credential */
	const char *followup;        /* the AuthURL whose approval is awaited; NULL: none */
	bool is_logout;
	bool is_ephemeral;
	const struct hostinfo *hostinfo;
};

/* Appends the body; it holds the auth key. */
void register_format(const struct register_request *r, struct text *out);

enum {
	REGISTER_TEXT_BYTES = 512,
	REGISTER_MAX_BYTES = 1 << 20, /* of an answer */
};

enum register_result {
	REGISTER_DONE,
	REGISTER_NEEDS_LOGIN, /* a person has to open auth_url */
	REGISTER_KEY_EXPIRED, /* our node key: make a new one */
	REGISTER_REFUSED,     /* for good, with this credential: see refusal */
	REGISTER_WAITING,     /* the server knows us, and an administrator has to let us in */
};

struct register_answer {
	enum register_result result;
	char auth_url[REGISTER_TEXT_BYTES]; /* printable */
	char refusal[REGISTER_TEXT_BYTES];  /* printable */
	char login[128];                    /* whose node we are, for people */
};

/* 0, or -EBADMSG with a sentence. */
int register_parse(const char *body, size_t n_bytes, struct register_answer *out, struct err *err);
