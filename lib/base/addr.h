/* SPDX-License-Identifier: BSD-3-Clause */
/* IP addresses, prefixes and endpoints as values: parse, format, compare. IPv4 and IPv6 alike. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_V4 = 4,
	ADDR_V6 = 6,
};

/* An address in network order; IPv4 stands in bytes[0..3] and the rest is zero. */
struct addr {
	uint8_t bytes[16];
	uint8_t family; /* enum addr_family */
};

/* An address and the count of its leading bits that matter. */
struct prefix {
	struct addr addr;
	uint8_t len;
};

/* Where a UDP packet goes; scope_id names the link of a link-local IPv6 address, else 0. */
struct endpoint {
	struct addr addr;
	uint16_t port; /* host order; 0 with family ADDR_NONE: unknown */
	uint32_t scope_id;
};

enum {
	ADDR_TEXT_BYTES = 46,
	PREFIX_TEXT_BYTES = ADDR_TEXT_BYTES + 4,
	ENDPOINT_TEXT_BYTES = ADDR_TEXT_BYTES + 24,
};

static inline unsigned
addr_bits(uint8_t family)
{
	return family == ADDR_V4 ? 32 : family == ADDR_V6 ? 128 : 0;
}

static inline unsigned
addr_n_bytes(uint8_t family)
{
	return addr_bits(family) / 8;
}

bool addr_is_equal(const struct addr *a, const struct addr *b);
bool addr_is_zero(const struct addr *a); /* 0.0.0.0, :: or none */
bool addr_is_multicast(const struct addr *a);
bool addr_is_link_local(const struct addr *a);
/*
 * That no other host can be reached at: 0.0.0.0/8, 127.0.0.0/8, and what lies above multicast; ::,
 * ::1, and IPv4 within IPv6 (::/80).
 */
bool addr_is_nobodys(const struct addr *a);

struct addr addr_from_v4(uint32_t host_order);
/* bytes: 4 or 16 of them in network order, as family says. */
struct addr addr_from_bytes(uint8_t family, const void *bytes);

/* "192.0.2.1" or "2001:db8::1". Returns 0 or -EINVAL. */
int addr_parse(const char *text, struct addr *out);
/* Writes the text form and returns out; "none" without a family. */
const char *addr_format(const struct addr *a, char out[ADDR_TEXT_BYTES]);

/* "10.0.0.0/8", or an address alone, which means all its bits. Keeps host bits. 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *out);
const char *prefix_format(const struct prefix *p, char out[PREFIX_TEXT_BYTES]);
/* The prefix with the bits past its length cleared. */
struct prefix prefix_masked(const struct prefix *p);
bool prefix_is_equal(const struct prefix *a, const struct prefix *b);
bool prefix_has(const struct prefix *p, const struct addr *a);

/*
 * "192.0.2.1:51820" or "[2001:db8::1]:51820" (also "[fe80::1%eth0]:1"). Numeric only. 0 or -EINVAL.
 */
int endpoint_parse(const char *text, struct endpoint *out);
const char *endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_BYTES]);
bool endpoint_is_equal(const struct endpoint *a, const struct endpoint *b);
static inline bool
endpoint_is_known(const struct endpoint *e)
{
	return e->addr.family != ADDR_NONE;
}

/* To and from the socket API. from: -EAFNOSUPPORT for families other than AF_INET and AF_INET6. */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out);
int endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out);

struct mac {
	uint8_t bytes[6];
};

enum { MAC_TEXT_BYTES = 18 };
int mac_parse(const char *text, struct mac *out);
const char *mac_format(const struct mac *m, char out[MAC_TEXT_BYTES]);
