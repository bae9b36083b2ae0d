/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is made of a hostile packet: an ICMP error about it, a lower MSS, fragments. Four bytes of
 * parameters, then the packet in a buffer of just its size. Whatever it is: nothing outside is
 * read, errors are whole and right, an MSS never grows and leaves a right checksum right, and
 * fragments fit and make the packet again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fragment.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/mss.h"
#include "wire/upper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static uint64_t
pseudo_sum(const uint8_t *ip, uint8_t family, uint8_t proto, uint32_t n_bytes)
{
	return ip_sum(ip_source(ip, family), family == ADDR_V4 ? 8 : 32) +
	       __builtin_bswap16(proto) + __builtin_bswap32(n_bytes);
}

static void
errors(const uint8_t *ip, uint8_t family, uint32_t n_bytes, uint16_t mtu)
{
	uint8_t *out = malloc(ICMP_ERROR_MAX_BYTES), own;
	must(out);
	for (unsigned e = ICMP_TOO_BIG; e <= ICMP_HOST_UNREACHABLE; e++) {
		const struct icmp_request q = {.error = (enum icmp_error)e, .family = family,
			.mtu = mtu, .ip = ip, .n_bytes = n_bytes,
			.source = addr_from_bytes(family, ip_destination(ip, family))};
		uint32_t header = family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
		uint32_t n = icmp_error_build(out, &q);
		must(n <= ICMP_ERROR_MAX_BYTES && ip_check(out, n, &own) == n && own == family);
		uint64_t sum = ip_sum(out + header, n - header);
		if (family == ADDR_V6)
			sum += pseudo_sum(out, family, IP_PROTO_ICMPV6, n - header);
		must(ip_sum_fold(sum) == 0xffff);
		must(family == ADDR_V6 || ipv4_checksum_is_right(out));
		must(!icmp_may_answer(out, family, n));
	}
	free(out);
}

/* The packet has 74 bytes of buffer at least, as mss_is_syn asks for. */
static void
clamp(const uint8_t *packet, uint8_t family, uint32_t n_bytes, uint16_t mtu)
{
	uint32_t tcp = family == ADDR_V4 ? ipv4_header_bytes(packet) : IPV6_BYTES;
	uint8_t *ip = malloc(n_bytes), *glance = calloc(1, MAX_OF(n_bytes, 80u));
	must(ip && glance);
	memcpy(ip, packet, n_bytes);
	memcpy(glance, packet, n_bytes);
	bool is_syn = mss_is_syn(glance, family);
	uint64_t sum = n_bytes >= tcp ? pseudo_sum(ip, family, IP_PROTO_TCP, n_bytes - tcp) +
						ip_sum(ip + tcp, n_bytes - tcp) : 0;
	bool was_right = ip_sum_fold(sum) == 0xffff;
	if (!mss_clamp(ip, family, n_bytes, mtu)) {
		must(memcmp(ip, packet, n_bytes) == 0);
	} else {
		uint32_t n_changed = 0;
		must(is_syn);
		for (uint32_t i = 0; i < n_bytes; i++)
			n_changed += ip[i] != packet[i] && i != tcp + 16 && i != tcp + 17;
		must(n_changed == 1 || n_changed == 2);
		sum = pseudo_sum(ip, family, IP_PROTO_TCP, n_bytes - tcp) +
		      ip_sum(ip + tcp, n_bytes - tcp);
		must(!was_right || ip_sum_fold(sum) == 0xffff);
		must(!mss_clamp(ip, family, n_bytes, mtu));
	}
	free(ip);
	free(glance);
}

static void
pieces(const uint8_t *ip, uint8_t family, uint32_t n_bytes, uint16_t mtu)
{
	struct fragment_plan plan;
	uint32_t end;
	if (n_bytes <= mtu || !fragment_plan(&plan, ip, family, mtu, 7))
		return;
	must(plan.n >= 2);
	end = plan.header_bytes;
	for (uint32_t k = 0; k < plan.n; k++) {
		uint8_t header[FRAGMENT_HEADER_MAX_BYTES];
		uint32_t n, at = fragment_payload(&plan, k, &n);
		fragment_header(&plan, k, header);
		must(at == end && n && plan.fragment_header_bytes + n <= mtu);
		must(family == ADDR_V6 || ipv4_checksum_is_right(header));
		end += n;
	}
	must(end == n_bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct ip_upper upper;
	uint8_t family;
	if (n_bytes < 4 || n_bytes > UINT16_MAX)
		return 0;
	uint16_t mtu = load_le16(data);
	uint8_t *ip = malloc(n_bytes - 4 ? n_bytes - 4 : 1);
	must(ip);
	memcpy(ip, data + 4, n_bytes - 4);
	uint32_t n = ip_check(ip, (uint32_t)n_bytes - 4, &family);
	if (n) {
		if (ip_upper_find(ip, family, n, &upper))
			must(upper.offset <= n && upper.offset >= IPV4_BYTES);
		(void)icmp_may_answer(ip, family, n);
		errors(ip, family, n, mtu);
		clamp(ip, family, n, mtu);
		pieces(ip, family, n, mtu);
	}
	free(ip);
	return 0;
}
