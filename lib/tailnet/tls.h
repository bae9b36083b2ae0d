/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS over OpenSSL as bytes in and bytes out, a client's side: the system's trust store and maybe
 * one CA more, the server's name checked, HTTP/1.1 and nothing else by ALPN.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "source/text.h"

struct tls;

/* What a step yields: both are appended to. */
struct tls_yield {
	struct text plain; /* for us */
	struct text wire;  /* to be sent */
};

/* ca_file: "" or more to trust. NULL with a sentence. */
struct tls *tls_create(const char *host, const char *ca_file, struct err *err);
/* NULL is allowed. */
void tls_destroy(struct tls *t);
/*
 * Takes what came (nothing, to begin); yields plain bytes and what is to be sent. 0, or a
 * negative errno with a sentence: -EKEYREJECTED (the certificate is not to be trusted), -EPROTO,
 * -ENOMEM, -ECONNRESET (the server has ended the connection).
 */
int tls_feed(struct tls *t, const void *data, size_t n_bytes, struct tls_yield *y,
	struct err *err);
/* Whether the handshake is done. */
bool tls_is_open(const struct tls *t);
/* Once it is open: appends what n_bytes become. 0 or -EPROTO. */
int tls_write(struct tls *t, const void *plain, size_t n_bytes, struct text *out);
