/* SPDX-License-Identifier: BSD-3-Clause */
/* Lays out and seals; see frames.h. */
#include "frames.h"

#include "base/secret.h"
#include "wire/ip.h"
#include "wire/wg.h"

enum {
	OUTER_BYTES = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES,
	SEALED_AT = OUTER_BYTES + sizeof(struct wg_data),
	TTL = 64,
};

/* IPv4 and UDP before n_payload bytes; UDP's checksum is left out, as RFC 768 allows outside. */
static void
put_ip_udp(uint8_t *ip, const struct flow_ends *ends, uint32_t n_payload)
{
	uint8_t *udp = ip + IPV4_BYTES;
	memset(ip, 0, IPV4_BYTES + UDP_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IPV4_BYTES + UDP_BYTES + n_payload));
	store_be16(ip + 6, 0x4000); /* DF */
	ip[8] = TTL;
	ip[9] = IP_PROTO_UDP;
	store_be32(ip + 12, ends->from);
	store_be32(ip + 16, ends->to);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(ip_sum(ip, IPV4_BYTES)));
	store_be16(udp, ends->from_port);
	store_be16(udp + 2, ends->to_port);
	store_be16(udp + 4, (uint16_t)(UDP_BYTES + n_payload));
}

/* A gateway may join packets of a flow only when their checksum is there and right. */
static void
put_udp_checksum(uint8_t *ip)
{
	uint8_t *udp = ip + IPV4_BYTES;
	uint32_t n = load_be16(udp + 4);
	uint64_t sum = ip_sum(udp, n) + ip_sum(ip + 12, 8);
	sum += __builtin_bswap16(IP_PROTO_UDP) + (uint32_t)__builtin_bswap16((uint16_t)n);
	store_le16(udp + 6, (uint16_t)~ip_sum_fold(sum));
}

void
frames_lay_out(struct frames *f)
{
	uint32_t n_inner = IPV4_BYTES + UDP_BYTES + f->n_payload;
	f->n_frame = SEALED_AT + (uint32_t)wg_padded_bytes(n_inner, 0) + WG_TAG_BYTES;
	for (unsigned i = 0; i < FRAMES_BATCH; i++) {
		uint8_t *eth = f->bytes[i], *wg = eth + OUTER_BYTES;
		unsigned c = i % f->n_clients;
		struct flow_ends outer = f->outer;
		outer.from_port = (uint16_t)(outer.from_port + c);
		memset(eth, 0, FRAME_MAX_BYTES);
		memcpy(eth, f->gateway.bytes, sizeof(f->gateway.bytes));
		secret_random(eth + 6, 6);
		eth[6] = 2; /* a local unicast address */
		store_be16(eth + 12, ETHERTYPE_IPV4);
		put_ip_udp(eth + ETHERNET_BYTES, &outer, f->n_frame - OUTER_BYTES);
		store_le32(wg, WG_DATA);
		store_le32(wg + 4, f->clients[c].keys.remote_index);
	}
}

/* The plain text of frame i, of which the batch before left cipher text. */
static struct aead_job
put_inner(struct frames *f, unsigned i)
{
	uint8_t *inner = f->bytes[i] + SEALED_AT;
	unsigned c = i % f->n_clients;
	struct client *client = &f->clients[c];
	uint64_t counter = client->counter++;
	struct flow_ends ends = f->inner;
	uint32_t n_sealed = f->n_frame - SEALED_AT - WG_TAG_BYTES;
	ends.from += c;
	ends.from_port = (uint16_t)(ends.from_port + counter % f->n_flows);
	memset(inner, 0, n_sealed);
	put_ip_udp(inner, &ends, f->n_payload);
	put_udp_checksum(inner);
	store_le64(inner - 8, counter);
	return (struct aead_job){client->keys.send_key, inner, counter, n_sealed, 0};
}

void
frames_seal(struct frames *f, struct aead *aead)
{
	struct aead_job jobs[FRAMES_BATCH];
	for (unsigned i = 0; i < FRAMES_BATCH; i++)
		jobs[i] = put_inner(f, i);
	aead_seal_burst(aead, jobs, FRAMES_BATCH);
}
