/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/urgent.h"

#include <net/ethernet.h>
#include <netinet/in.h>

#include "base/bytes.h"

enum {
	TYPE_QINQ = 0x88a8,
	TYPE_LACP = 0x8809,
	TYPE_LLDP = 0x88cc,
	PROTO_OSPF = 89,
	PROTO_VRRP = 112,
	PORT_BGP = 179,
	PORT_BFD_FIRST = 3784, /* and the echo port after it, RFC 5881 */
	PORT_BFD_MULTIHOP = 4784,
	ND_FIRST = 133,        /* router solicitation */
	ND_LAST = 137,         /* redirect, RFC 4861 */
};

static bool
is_bfd(uint16_t port)
{
	return port == PORT_BFD_FIRST || port == PORT_BFD_FIRST + 1 || port == PORT_BFD_MULTIHOP;
}

/* What an IP packet carries; c stands at its payload. */
static bool
is_urgent_payload(uint8_t proto, struct cursor *c)
{
	switch (proto) {
	case PROTO_OSPF:
	case PROTO_VRRP:
		return true;
	case IPPROTO_ICMPV6: {
		uint8_t type = cursor_u8(c);
		return type >= ND_FIRST && type <= ND_LAST;
	}
	case IPPROTO_TCP:
	case IPPROTO_UDP: {
		uint16_t src = cursor_be16(c), dst = cursor_be16(c);
		if (c->failed)
			return false;
		if (proto == IPPROTO_UDP)
			return is_bfd(dst);
		return src == PORT_BGP || dst == PORT_BGP;
	}
	default:
		return false;
	}
}

bool
urgent_is_packet(const uint8_t *packet, size_t n_bytes)
{
	struct cursor c = cursor_of(packet, n_bytes);
	uint8_t version_ihl = cursor_u8(&c);
	if (version_ihl >> 4 == 4) {
		const uint8_t *h = cursor_take(&c, 19);
		size_t options = (size_t)(version_ihl & 15) * 4;
		if (!h || options < 20 || !cursor_take(&c, options - 20) ||
			load_be16(h + 5) & 0x1fff)
			return false; /* short, or no first fragment */
		return is_urgent_payload(h[8], &c);
	}
	const uint8_t *h = cursor_take(&c, 39);
	return h && version_ihl >> 4 == 6 && is_urgent_payload(h[5], &c);
}

bool
urgent_is_frame(const uint8_t *frame, size_t n_bytes)
{
	struct cursor c = cursor_of(frame, n_bytes);
	cursor_take(&c, 12);
	uint16_t type = cursor_be16(&c);
	for (int tags = 0; tags < 2 && (type == ETHERTYPE_VLAN || type == TYPE_QINQ); tags++) {
		cursor_take(&c, 2);
		type = cursor_be16(&c);
	}
	if (c.failed)
		return false;
	switch (type) {
	case ETHERTYPE_ARP:
	case TYPE_LACP:
	case TYPE_LLDP:
		return true;
	case ETHERTYPE_IP:
	case ETHERTYPE_IPV6:
		return urgent_is_packet(c.at, cursor_left(&c));
	default:
		return false;
	}
}
