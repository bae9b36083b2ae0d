/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/fragment.h"

#include "wire/ip.h"
#include "wire/upper.h"

enum {
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_IS_COPIED = 0x80,
	UNIT_BYTES = 8, /* fragments start at multiples of it */
};

bool
fragment_plan(struct fragment_plan *plan, const uint8_t *ip, uint8_t family, uint32_t mtu_bytes,
	uint32_t identification)
{
	bool is_v4 = family == ADDR_V4;
	uint32_t header = is_v4 ? ipv4_header_bytes(ip) : IPV6_BYTES;
	uint32_t fragment_header = header + (is_v4 ? 0 : FRAGMENT_EXTENSION_BYTES);
	bool may_cut = is_v4 ? !(load_be16(ip + 6) & IPV4_DF) : ip[6] != IP_PROTO_FRAGMENT;
	if (!may_cut || mtu_bytes < fragment_header + UNIT_BYTES)
		return false;
	*plan = (struct fragment_plan){
		.ip = ip,
		.family = family,
		.n_bytes = is_v4 ? load_be16(ip + 2) : IPV6_BYTES + load_be16(ip + 4),
		.header_bytes = header,
		.fragment_header_bytes = fragment_header,
		.chunk_bytes = (mtu_bytes - fragment_header) & ~(uint32_t)(UNIT_BYTES - 1),
		.identification = identification,
	};
	uint32_t payload = plan->n_bytes - header;
	/* It would end behind the largest packet there can be, and the offset overflow. */
	uint32_t before = is_v4 ? (load_be16(ip + 6) & 0x1fffu) * UNIT_BYTES : 0;
	if (before + header + payload > UINT16_MAX)
		return false;
	plan->n = (payload + plan->chunk_bytes - 1) / plan->chunk_bytes;
	return plan->n != 0;
}

uint32_t
fragment_payload(const struct fragment_plan *plan, uint32_t k, uint32_t *n_bytes)
{
	uint32_t at = plan->header_bytes + k * plan->chunk_bytes;
	*n_bytes = MIN_OF(plan->n_bytes - at, plan->chunk_bytes);
	return at;
}

/* Options that only the first fragment bears become no-operations (RFC 791, 3.1). */
static void
blank_options(uint8_t *ip, uint32_t header_bytes)
{
	uint32_t at = IPV4_BYTES;
	while (at < header_bytes && ip[at] != OPTION_END) {
		uint32_t n = ip[at] == OPTION_NOP ? 1 : at + 1 < header_bytes ? ip[at + 1] : 0;
		if (n == 0 || (n == 1 && ip[at] != OPTION_NOP) || at + n > header_bytes)
			n = header_bytes - at; /* malformed: nothing of it */
		else if (ip[at] & OPTION_IS_COPIED) {
			at += n;
			continue;
		}
		memset(ip + at, OPTION_NOP, n);
		at += n;
	}
}

static void
header_v4(const struct fragment_plan *plan, uint32_t k, uint32_t payload, uint8_t *out)
{
	uint32_t field = load_be16(plan->ip + 6) + k * plan->chunk_bytes / UNIT_BYTES;
	memcpy(out, plan->ip, plan->header_bytes);
	if (k + 1 < plan->n)
		field |= IPV4_MF;
	if (k)
		blank_options(out, plan->header_bytes);
	store_be16(out + 2, (uint16_t)(plan->header_bytes + payload));
	store_be16(out + 6, (uint16_t)field);
	store_le16(out + 10, 0);
	store_le16(out + 10, (uint16_t)~ip_sum_fold(ip_sum(out, plan->header_bytes)));
}

static void
header_v6(const struct fragment_plan *plan, uint32_t k, uint32_t payload, uint8_t *out)
{
	uint8_t *ext = out + IPV6_BYTES;
	memcpy(out, plan->ip, IPV6_BYTES);
	ext[0] = out[6];
	ext[1] = 0;
	store_be16(ext + 2, (uint16_t)(k * plan->chunk_bytes | (k + 1 < plan->n)));
	store_be32(ext + 4, plan->identification);
	out[6] = IP_PROTO_FRAGMENT;
	store_be16(out + 4, (uint16_t)(FRAGMENT_EXTENSION_BYTES + payload));
}

void
fragment_header(const struct fragment_plan *plan, uint32_t k, uint8_t *out)
{
	uint32_t payload;
	(void)fragment_payload(plan, k, &payload);
	if (plan->family == ADDR_V4)
		header_v4(plan, k, payload, out);
	else
		header_v6(plan, k, payload, out);
}
