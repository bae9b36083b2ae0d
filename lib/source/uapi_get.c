/* SPDX-License-Identifier: BSD-3-Clause */
/* The UAPI's answers. Order and presence of lines are wireguard-go's. */
#include <inttypes.h>

#include "base/secret.h"
#include "source/uapi.h"

static void
add_key(struct text *out, const char *name, const struct key *k)
{
	char hex[KEY_HEX_BYTES];
	key_to_hex(k, hex);
	text_add(out, "%s=%s\n", name, hex);
	secret_wipe(hex, sizeof(hex));
}

static void
add_peer(struct text *out, const struct status_peer *p)
{
	char text[ENDPOINT_TEXT_BYTES];
	add_key(out, "public_key", &p->public_key);
	add_key(out, "preshared_key", &p->psk);
	text_add(out, "protocol_version=1\n");
	if (endpoint_is_known(&p->endpoint))
		text_add(out, "endpoint=%s\n", endpoint_format(&p->endpoint, text));
	text_add(out,
		"last_handshake_time_sec=%" PRIu64 "\nlast_handshake_time_nsec=%" PRIu32
		"\ntx_bytes=%" PRIu64 "\nrx_bytes=%" PRIu64 "\npersistent_keepalive_interval=%u\n",
		p->last_handshake.s, p->last_handshake.ns, p->tx_bytes, p->rx_bytes,
		p->keepalive_s);
	for (size_t i = 0; i < p->n_allowed_ips; i++)
		text_add(out, "allowed_ip=%s\n", prefix_format(&p->allowed_ips[i], text));
}

void
uapi_get(const struct status_interface *i, struct text *out)
{
	if (!key_is_zero(&i->private_key))
		add_key(out, "private_key", &i->private_key);
	if (i->listen_port)
		text_add(out, "listen_port=%u\n", i->listen_port);
	if (i->fwmark)
		text_add(out, "fwmark=%" PRIu32 "\n", i->fwmark);
	for (size_t p = 0; p < i->n_peers; p++)
		add_peer(out, &i->peers[p]);
	uapi_answer(0, out);
}

void
uapi_answer(int code, struct text *out)
{
	text_add(out, "errno=%d\n\n", code);
}
