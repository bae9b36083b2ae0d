/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/bytes.h"

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* the SSL's */
};

static const char *
last_reason(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	return why ? why : "unknown error";
}

static int
trust(struct tls *t, const char *ca_file, struct err *err)
{
	if (SSL_CTX_set_default_verify_paths(t->ctx) != 1)
		return err_set(err, -EIO, "the system's certificates cannot be read: %s",
			last_reason());
	if (ca_file[0] && SSL_CTX_load_verify_locations(t->ctx, ca_file, NULL) != 1)
		return err_set(err, -EIO, "CAFile %s holds no certificate that can be read: %s",
			ca_file, last_reason());
	return 0;
}

static bool
set_name(struct tls *t, const char *host)
{
	struct addr a;
	if (addr_parse(host, &a) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host) == 1;
	return SSL_set_tlsext_host_name(t->ssl, host) == 1 && SSL_set1_host(t->ssl, host) == 1;
}

static int
make(struct tls *t, const char *host, const char *ca_file, struct err *err)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx)
		return err_set(err, -ENOMEM, "no memory for TLS");
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	int rc = trust(t, ca_file, err);
	if (rc)
		return rc;
	t->ssl = SSL_new(t->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		return err_set(err, -ENOMEM, "no memory for TLS");
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	if (SSL_set_alpn_protos(t->ssl, protocols, sizeof(protocols) - 1) || !set_name(t, host))
		return err_set(err, -EINVAL, "TLS takes no such name: %s", host);
	return 0;
}

struct tls *
tls_create(const char *host, const char *ca_file, struct err *err)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc = t ? make(t, host, ca_file, err) : err_set(err, -ENOMEM, "no memory for TLS");
	if (rc) {
		tls_destroy(t);
		return NULL;
	}
	return t;
}

void
tls_destroy(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	free(t);
}

bool
tls_is_open(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl);
}

/* What OpenSSL wants to send. */
static int
drain(struct tls *t, struct text *out)
{
	enum { PIECE_BYTES = 16 << 10 };
	while (BIO_pending(t->out) > 0) {
		char *room = text_room(out, PIECE_BYTES);
		int n = room ? BIO_read(t->out, room, PIECE_BYTES) : 0;
		if (n <= 0)
			return -ENOMEM;
		text_grew(out, (size_t)n);
	}
	return 0;
}

static int
refuse_certificate(long verdict, struct err *err)
{
	switch (verdict) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return err_set(err, -EKEYREJECTED, "the server's certificate is for another name");
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return err_set(err, -EKEYREJECTED, "the server's certificate %s by this machine's "
			"clock: if that is right, the certificate has to be renewed",
			verdict == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" :
			"is not yet valid");
	default:
		return err_set(err, -EKEYREJECTED, "the server's certificate is not trusted: %s; "
			"name the CA that signed it by CAFile",
			X509_verify_cert_error_string(verdict));
	}
}

static int
failure(struct tls *t, struct err *err)
{
	long verdict = SSL_get_verify_result(t->ssl);
	if (!tls_is_open(t) && verdict != X509_V_OK)
		return refuse_certificate(verdict, err);
	if (!tls_is_open(t) && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER)
		return err_set(err, -EPROTO, "the server does not speak TLS at that port: is its "
			"URL http://?");
	return err_set(err, -EPROTO, "TLS: %s", last_reason());
}

static int
read_plain(struct tls *t, struct text *plain, struct err *err)
{
	enum { PIECE_BYTES = 16 << 10 };
	for (;;) {
		char *room = text_room(plain, PIECE_BYTES);
		if (!room)
			return err_set(err, -ENOMEM, "memory is short");
		int n = SSL_read(t->ssl, room, PIECE_BYTES);
		if (n > 0) {
			text_grew(plain, (size_t)n);
			continue;
		}
		switch (SSL_get_error(t->ssl, n)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return 0;
		case SSL_ERROR_ZERO_RETURN:
			return err_set(err, -ECONNRESET, "the server ended the connection");
		default:
			return failure(t, err);
		}
	}
}

int
tls_feed(struct tls *t, const void *data, size_t n_bytes, struct tls_yield *y, struct err *err)
{
	ERR_clear_error();
	if (n_bytes > INT_MAX || (n_bytes && BIO_write(t->in, data, (int)n_bytes) != (int)n_bytes))
		return err_set(err, -ENOMEM, "memory is short");
	int rc = read_plain(t, &y->plain, err); /* shakes hands first, if that is not done */
	if (drain(t, &y->wire) && !rc)
		rc = err_set(err, -ENOMEM, "memory is short");
	return rc;
}

int
tls_write(struct tls *t, const void *plain, size_t n_bytes, struct text *out)
{
	ERR_clear_error();
	if (n_bytes == 0)
		return 0;
	if (n_bytes > INT_MAX || SSL_write(t->ssl, plain, (int)n_bytes) != (int)n_bytes)
		return -EPROTO;
	return drain(t, out) ? -EPROTO : 0;
}
