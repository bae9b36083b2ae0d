/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP headers of any bytes. The input is what lies in a buffer of just that size. What ip_check
 * believes can be read and edited in place; an edit leaves a right checksum right; a partial L4
 * checksum, when it is completed at all, is then the right one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"
#include "wire/wg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static uint64_t
sum_of(const uint8_t *p, uint32_t n_bytes)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < n_bytes; i++)
		sum += (uint64_t)p[i] << (i % 2 * 8);
	return sum;
}

static void
edits(uint8_t *ip, uint8_t family)
{
	bool was_right = family == ADDR_V4 && ipv4_checksum_is_right(ip);
	must(family != ADDR_V4 ||
		was_right == (ip_sum_fold(sum_of(ip, ipv4_header_bytes(ip))) == 0xffff));
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		uint8_t dscp = ip_traffic_class(ip, family) & (uint8_t)~ECN_MASK;
		ip_ecn_set(ip, family, ecn);
		must(ip_traffic_class(ip, family) == (dscp | ecn) && ip_ecn(ip, family) == ecn);
		must(!was_right || ipv4_checksum_is_right(ip));
	}
	uint8_t ttl = ip_ttl(ip, family);
	if (ttl > 1) {
		ip_ttl_decrement(ip, family);
		must(ip_ttl(ip, family) == ttl - 1);
		must(!was_right || ipv4_checksum_is_right(ip));
	}
}

static void
completion(uint8_t *ip, uint8_t family, uint32_t n_bytes)
{
	uint8_t *was = malloc(n_bytes);
	must(was);
	memcpy(was, ip, n_bytes);
	ip_l4_checksum_complete(ip, family, n_bytes);
	if (memcmp(was, ip, n_bytes) != 0) {
		uint32_t l4 = family == ADDR_V4 ? ipv4_header_bytes(ip) : IPV6_BYTES;
		uint8_t proto = family == ADDR_V4 ? ip[9] : ip[6];
		uint64_t sum = sum_of(ip + l4, n_bytes - l4) +
			       sum_of(ip_source(ip, family), family == ADDR_V4 ? 8 : 32) +
			       __builtin_bswap16(proto) +
			       __builtin_bswap16((uint16_t)(n_bytes - l4));
		must(ip_sum_fold(sum) == 0xffff);
		must(proto == IP_PROTO_TCP || proto == IP_PROTO_UDP);
	}
	free(was);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	uint8_t family, *ip = malloc(n_bytes ? n_bytes : 1);
	must(ip && n_bytes <= UINT32_MAX);
	if (n_bytes)
		memcpy(ip, data, n_bytes);
	uint32_t n = ip_check(ip, (uint32_t)n_bytes, &family);
	must(n <= n_bytes && (!n || family == ADDR_V4 || family == ADDR_V6));
	(void)wg_type_of(ip, n_bytes);
	if (n) {
		(void)ip_destination_is_multicast(ip, family);
		(void)ip_source_is_martian(ip, family);
		edits(ip, family);
		completion(ip, family, n);
	}
	free(ip);
	return 0;
}
