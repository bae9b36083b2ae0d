/* SPDX-License-Identifier: BSD-3-Clause */
/* The address of a coordination server as people write it: "https://headscale.example.com". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	SERVER_HOST_BYTES = 256,
	SERVER_PATH_BYTES = 512,
	SERVER_AUTHORITY_BYTES = SERVER_HOST_BYTES + 8,
};

struct server_url {
	char host[SERVER_HOST_BYTES];           /* without brackets */
	uint16_t port;
	bool is_tls;
	char authority[SERVER_AUTHORITY_BYTES]; /* "host", "host:8080", "[::1]:8080" */
	char path[SERVER_PATH_BYTES];           /* "/machine/ping-response?id=1"; "/" at least */
};

/* http or https, no user, no fragment. 0 or -EINVAL. */
int server_url_parse(const char *text, struct server_url *out);
