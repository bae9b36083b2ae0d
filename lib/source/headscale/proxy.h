/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An HTTP proxy on the way to the server: which one, and how it is asked for a tunnel (CONNECT,
 * RFC 9110 section 9.3.6).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "source/headscale/server_url.h"
#include "source/text.h"

enum { PROXY_LOGIN_BYTES = 192 };

struct proxy {
	struct server_url url;          /* without the login */
	char login[PROXY_LOGIN_BYTES];  /* "user:password", a secret; "": none */
};

/* "http://[USER:PASSWORD@]HOST:PORT"; the scheme may be left out. 0 or -EINVAL. */
int proxy_parse(const char *text, struct proxy *out);
/*
 * Which proxy leads to the server: that of the config, "none" for none whatever the environment
 * says, or with "" that of HTTPS_PROXY or HTTP_PROXY, as the server's URL has it, unless NO_PROXY
 * has the server. 1 and the proxy, which the caller wipes; 0: none; -EINVAL with a sentence, in
 * which there is no password.
 */
int proxy_choose(const char *config, const struct server_url *server, struct proxy *out,
	struct err *err);
/* Whether a list as NO_PROXY holds it has the server: names, their ends, addresses, prefixes. */
bool proxy_is_left_out(const char *list, const struct server_url *server);
/* Appends the request for a tunnel to the server; it holds the login. */
void proxy_request(const struct proxy *p, const struct server_url *server, struct text *out);
/* Whether the status means that there is one; else -ECONNREFUSED and a sentence. */
int proxy_judge(const struct proxy *p, const struct server_url *server, int status,
	struct err *err);
