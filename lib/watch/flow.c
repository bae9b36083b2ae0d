/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/flow.h"

#include "base/bytes.h"
#include "wire/ip.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132, ETHERTYPE_TAG = 0x8100 };

static void
parse_ports(struct cursor c, struct flow *out)
{
	if (out->protocol != PROTO_TCP && out->protocol != PROTO_UDP && out->protocol != PROTO_SCTP)
		return;
	uint16_t source = cursor_be16(&c), destination = cursor_be16(&c);
	if (c.failed)
		return;
	out->source_port = source;
	out->destination_port = destination;
}

static void
parse_v4(struct cursor c, struct flow *out)
{
	const uint8_t *ip = cursor_take(&c, IPV4_BYTES);
	if (!ip || (ip[0] & 15) < 5 || !cursor_take(&c, (ip[0] & 15) * 4u - IPV4_BYTES))
		return;
	out->family = ADDR_V4;
	out->protocol = ip[9];
	out->n_bytes = load_be16(ip + 2);
	memcpy(out->source, ip + 12, 4);
	memcpy(out->destination, ip + 16, 4);
	if ((load_be16(ip + 6) & 0x1fff) == 0)
		parse_ports(c, out);
}

static void
parse_v6(struct cursor c, struct flow *out)
{
	const uint8_t *ip = cursor_take(&c, IPV6_BYTES);
	if (!ip)
		return;
	out->family = ADDR_V6;
	out->protocol = ip[6];
	out->n_bytes = (uint16_t)MIN_OF(load_be16(ip + 4) + (unsigned)IPV6_BYTES, UINT16_MAX);
	memcpy(out->source, ip + 8, 16);
	memcpy(out->destination, ip + 24, 16);
	parse_ports(c, out);
}

void
flow_parse(const uint8_t *ip, uint32_t n_bytes, struct flow *out)
{
	*out = (struct flow){0};
	if (n_bytes && ip[0] >> 4 == 4)
		parse_v4(cursor_of(ip, n_bytes), out);
	else if (n_bytes && ip[0] >> 4 == 6)
		parse_v6(cursor_of(ip, n_bytes), out);
}

void
flow_parse_frame(const uint8_t *frame, uint32_t n_bytes, struct flow *out)
{
	struct cursor c = cursor_of(frame, n_bytes);
	*out = (struct flow){0};
	(void)cursor_take(&c, 12);
	uint16_t ethertype = cursor_be16(&c);
	if (ethertype == ETHERTYPE_TAG) {
		(void)cursor_be16(&c);
		ethertype = cursor_be16(&c);
	}
	if (!c.failed && (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6))
		flow_parse(c.at, (uint32_t)cursor_left(&c), out);
}
