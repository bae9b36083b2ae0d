/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/upper.h"

#include "wire/ip.h"

enum {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_AH = 51,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
	EXT_HIP = 139,
	EXT_SHIM6 = 140,
	EXT_MIN_BYTES = 8,
};

/* How long the extension header is by its length byte; 0: proto is none, but the upper layer. */
static uint32_t
extension_bytes(uint8_t proto, uint8_t length)
{
	switch (proto) {
	case EXT_HOP_BY_HOP:
	case EXT_ROUTING:
	case EXT_DESTINATION:
	case EXT_MOBILITY:
	case EXT_HIP:
	case EXT_SHIM6:
		return (length + 1u) * 8;
	case EXT_AH:
		return (length + 2u) * 4;
	case IP_PROTO_FRAGMENT:
		return IPV6_FRAGMENT_BYTES;
	default:
		return 0;
	}
}

bool
ip_upper_is_extension(uint8_t proto)
{
	return extension_bytes(proto, 0) != 0;
}

static bool
find_v6(const uint8_t *ip, uint32_t n_bytes, struct ip_upper *out)
{
	*out = (struct ip_upper){.offset = IPV6_BYTES, .proto = ip[6]};
	for (unsigned n = 0; n <= IP_UPPER_MAX_HEADERS; n++) {
		if (!ip_upper_is_extension(out->proto))
			return out->offset <= n_bytes;
		if (out->offset + EXT_MIN_BYTES > n_bytes)
			return false;
		const uint8_t *ext = ip + out->offset;
		bool is_fragment = out->proto == IP_PROTO_FRAGMENT;
		out->offset += extension_bytes(out->proto, ext[1]);
		out->proto = ext[0];
		if (out->offset > n_bytes)
			return false;
		if (is_fragment && load_be16(ext + 2) & 0xfff8) {
			out->is_later_fragment = true;
			return true;
		}
	}
	return false;
}

bool
ip_upper_find(const uint8_t *ip, uint8_t family, uint32_t n_bytes, struct ip_upper *out)
{
	if (family == ADDR_V6)
		return n_bytes >= IPV6_BYTES && find_v6(ip, n_bytes, out);
	if (n_bytes < IPV4_BYTES)
		return false;
	*out = (struct ip_upper){.offset = ipv4_header_bytes(ip),
		.proto = ip[9],
		.is_later_fragment = (load_be16(ip + 6) & 0x1fff) != 0};
	return out->offset >= IPV4_BYTES && out->offset <= n_bytes;
}
