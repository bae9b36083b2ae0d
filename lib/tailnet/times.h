/* SPDX-License-Identifier: BSD-3-Clause */
/* How patient the client of a tailnet is: passed in, so that tests need not wait for so long. */
#pragma once

#include <stdint.h>

struct tailnet_times {
	uint32_t attempt_ms;    /* until a session is ready */
	uint32_t register_ms;   /* for an answer to a registration that waits for nobody */
	uint32_t refused_ms;    /* at least, before a server that refused us is asked again */
	uint32_t check_ms;      /* between two questions whether we are still a node */
	uint32_t expired_ms;    /* …once our key has expired by the map */
	uint32_t ping_ms;       /* between two pings of the session */
	uint32_t pong_ms;       /* for the answer to one */
	uint32_t silence_ms;    /* a map stream without a message; the server sends one a minute */
	uint32_t steady_ms;     /* a map stream that old shows a server that does not fail */
};

extern const struct tailnet_times tailnet_times_default;
/* A test build's. silence_ms is as ever, for real servers keep their minute. */
extern const struct tailnet_times tailnet_times_short;
