/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard's handshake, Noise IKpsk2 (whitepaper v1, section 5.4): the mathematics and the
 * rules against replay, and nothing else. Messages come and go as structs of wire/wg.h without
 * their macs, which are noise/cookie.h's. Indices, randomness and both clocks are arguments;
 * peers are reached through upcalls. Nothing here allocates, and nothing blocks but remote_get.
 *
 *   initiator                                responder
 *   noise_initiate ────── initiation ──────► noise_consume_initiation
 *   noise_consume_response ◄── response ──── noise_respond
 *   noise_begin_session                      noise_begin_session
 *
 * A struct noise_remote is guarded by a lock of its owner's: whoever calls a function that takes
 * one holds its lock. A struct noise_local is read by all of them; who changes it keeps every
 * other caller out meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/key.h"
#include "noise/symmetric.h"
#include "session/session.h"
#include "wire/wg.h"

enum {
	NOISE_INITIATIONS_IN_S = 50, /* more than that of one peer is a flood */
};

/* Why a message was refused; whatever it was, the remote is as it was before. */
enum noise_result {
	NOISE_OK,
	NOISE_NO_IDENTITY,    /* this interface has no private key */
	NOISE_WEAK_KEY,       /* a DH product of all zeros: a public key of small order */
	NOISE_NOT_AUTHENTIC,  /* tag wrong: another key, another PSK, or altered on its way */
	NOISE_UNKNOWN_PEER,   /* authentic, of a key that is no peer's */
	NOISE_REPLAYED,       /* its TAI64N stamp is not greater than the greatest seen */
	NOISE_FLOOD,          /* too soon after the last initiation of that peer */
	NOISE_WRONG_STATE,    /* no handshake that this message belongs to */
	NOISE_N_RESULTS,
};

/* "replayed initiation" and so on, for logs. */
const char *noise_result_name(enum noise_result r);

/* An interface's identity. */
struct noise_local {
	struct key private_key; /* clamped */
	struct key public_key;
	bool has_identity;
};

enum noise_state {
	NOISE_IDLE,
	NOISE_SENT_INITIATION,
	NOISE_GOT_INITIATION,
	NOISE_SENT_RESPONSE,
	NOISE_GOT_RESPONSE,
};

/* A peer as the handshake knows it, and the one handshake with it that may be under way. */
struct noise_remote {
	struct key public_key;
	struct key psk;                        /* zeros: none */

	/* The product of both static keys, made at the first handshake and kept. */
	struct key static_static;
	struct key static_static_of;           /* our public key when it was made */
	bool has_static_static;

	uint8_t seen_tai64n[WG_TAI64N_BYTES];  /* greatest stamp of its initiations */
	uint8_t sent_tai64n[WG_TAI64N_BYTES];  /* greatest stamp of ours to it */
	ns_t initiation_ns;                    /* when its last initiation was accepted; 0: never */

	/* The handshake under way; noise_begin_session and noise_remote_clear wipe it. */
	enum noise_state state;
	uint8_t chain_key[NOISE_HASH_BYTES];
	uint8_t hash[NOISE_HASH_BYTES];
	struct key ephemeral_private;
	struct key remote_ephemeral;
	uint32_t local_index;
	uint32_t remote_index;
};

/*
 * Takes the private key (clamped on the way); zeros take the identity away. Products of static
 * keys are renewed by themselves. The caller clears the remotes and expires their sessions.
 */
void noise_local_set_private_key(struct noise_local *local, const struct key *private_key);
void noise_local_wipe(struct noise_local *local);

void noise_remote_init(struct noise_remote *remote, const struct key *public_key);
/* For handshakes from now on; one under way fails if the PSK mattered. Zeros: none. */
void noise_remote_set_psk(struct noise_remote *remote, const struct key *psk);
/* Ends the handshake under way and wipes its secrets; identity, PSK and stamps stay. */
void noise_remote_clear(struct noise_remote *remote);
/* Wipes all of it, for a peer that goes. */
void noise_remote_wipe(struct noise_remote *remote);

/* What a message of ours needs from outside. The caller wipes it afterwards. */
struct noise_fresh {
	uint32_t sender_index;    /* nobody else's: how the answer finds back */
	struct key ephemeral;     /* a fresh private key (x25519_keygen); fixed in tests */
	struct wall_time wall;    /* initiations only: becomes the TAI64N stamp */
};

/*
 * Begins a handshake, in place of any that was under way (whose local_index the caller takes back
 * first), and writes all of msg but its macs. The stamp is coarse (2^24 ns) and greater
 * than all sent before, even when the wall clock stood still or went back. Section 5.4.2.
 */
enum noise_result noise_initiate(const struct noise_local *local, struct noise_remote *remote,
	const struct noise_fresh *fresh, struct wg_initiation *msg)
	__attribute__((warn_unused_result));

/* How the responder finds who is calling. */
struct noise_upcalls {
	void *ctx;
	/* The remote with this key, locked, or NULL. */
	struct noise_remote *(*remote_get)(void *ctx, const struct key *public_key);
	/* Unlocks what remote_get gave. */
	void (*remote_put)(void *ctx, struct noise_remote *remote);
};

/*
 * Takes an initiation whose mac1 was found right. With NOISE_OK, *remote is still locked: the
 * caller answers by noise_respond and puts it. Otherwise *remote is NULL. The remote changes only
 * once everything was authenticated, the stamp is new and it is no flood. Section 5.4.2.
 */
enum noise_result noise_consume_initiation(const struct noise_local *local,
	const struct noise_upcalls *up, const struct wg_initiation *msg, ns_t now,
	struct noise_remote **remote) __attribute__((warn_unused_result));

/* Answers the initiation just consumed; writes all of msg but its macs. Section 5.4.3. */
enum noise_result noise_respond(const struct noise_local *local, struct noise_remote *remote,
	const struct noise_fresh *fresh, struct wg_response *msg)
	__attribute__((warn_unused_result));

/*
 * Takes the response to our initiation. The caller found the remote by msg's receiver index
 * before it took the lock; whether that handshake is still the one under way is checked here.
 */
enum noise_result noise_consume_response(const struct noise_local *local,
	struct noise_remote *remote, const struct wg_response *msg)
	__attribute__((warn_unused_result));

/*
 * After NOISE_OK of noise_respond or noise_consume_response: derives the session's keys and wipes
 * the handshake. The caller wipes *out once it has installed it. Section 5.4.5.
 */
enum noise_result noise_begin_session(struct noise_remote *remote, struct session_keys *out)
	__attribute__((warn_unused_result));
