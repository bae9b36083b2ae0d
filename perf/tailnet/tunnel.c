/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake of the sender: lib/noise and a socket; see tunnel.h. */
#include "tunnel.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "noise/cookie.h"
#include "noise/noise.h"

enum {
	TRIES = 10,
	TRY_MS = 1000,
	DATAGRAM_BYTES = 2048,
};

struct handshake {
	struct noise_local local;
	struct noise_remote remote;
	struct cookie_maker macs;
};

static bool
send_initiation(int fd, struct handshake *h)
{
	struct wg_initiation msg;
	struct noise_fresh fresh = {.wall = clock_wall()};
	secret_random(&fresh.sender_index, sizeof(fresh.sender_index));
	x25519_keygen(fresh.ephemeral.bytes);
	enum noise_result r = noise_initiate(&h->local, &h->remote, &fresh, &msg);
	secret_wipe(&fresh, sizeof(fresh));
	if (r != NOISE_OK)
		return false;
	cookie_add_macs(&h->macs, &msg, sizeof(msg), clock_boot_ns());
	return send(fd, &msg, sizeof(msg), 0) == sizeof(msg);
}

/* Whatever else comes meanwhile, the gateway's own initiations for one, is passed over. */
static bool
await_response(int fd, struct handshake *h)
{
	uint8_t datagram[DATAGRAM_BYTES];
	ns_t end_ns = clock_boot_ns() + TRY_MS * NS_IN_MS;
	for (ns_t now_ns = clock_boot_ns(); now_ns < end_ns; now_ns = clock_boot_ns()) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, (int)((end_ns - now_ns) / NS_IN_MS) + 1) <= 0)
			continue;
		ssize_t n = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);
		if (n <= 0 || wg_type_of(datagram, (size_t)n) != WG_RESPONSE)
			continue;
		if (noise_consume_response(&h->local, &h->remote,
			    (const struct wg_response *)datagram) == NOISE_OK)
			return true;
	}
	return false;
}

bool
tunnel_handshake(int fd, const struct key *private_key, const struct key *gateway,
	struct session_keys *out)
{
	struct handshake h = {0};
	bool is_done = false;
	noise_local_set_private_key(&h.local, private_key);
	noise_remote_init(&h.remote, gateway);
	cookie_maker_init(&h.macs, gateway);
	for (unsigned i = 0; i < TRIES && !is_done; i++)
		is_done = send_initiation(fd, &h) && await_response(fd, &h) &&
			  noise_begin_session(&h.remote, out) == NOISE_OK;
	secret_wipe(&h, sizeof(h));
	return is_done;
}
