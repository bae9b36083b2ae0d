/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/session.h"

#include "base/secret.h"

void
session_init(struct session *s, const struct session_keys *keys, uint32_t peer_id,
	uint16_t iface_id, ns_t now_ns)
{
	memcpy(s->send_key, keys->send_key, SESSION_KEY_BYTES);
	memcpy(s->recv_key, keys->recv_key, SESSION_KEY_BYTES);
	s->birth_ns = s->recv_birth_ns = now_ns;
	s->remote_index = keys->remote_index;
	s->peer_id = s->recv_peer_id = peer_id;
	s->iface_id = s->recv_iface_id = iface_id;
	s->is_initiator = s->recv_is_initiator = keys->is_initiator;
	s->is_confirmed = keys->is_initiator;
}

void
session_wipe(struct session *s)
{
	secret_wipe(s, sizeof(*s));
}
