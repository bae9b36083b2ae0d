/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach/mapped.h"

#include <string.h>

#include "base/bytes.h"

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

struct addr
mapped_to_addr(const uint8_t bytes[MAPPED_ADDR_BYTES])
{
	if (memcmp(bytes, v4_mapped, sizeof(v4_mapped)) == 0)
		return addr_from_bytes(ADDR_V4, bytes + sizeof(v4_mapped));
	return addr_from_bytes(ADDR_V6, bytes);
}

struct endpoint
mapped_to_endpoint(const uint8_t bytes[MAPPED_ENDPOINT_BYTES])
{
	return (struct endpoint){
		.addr = mapped_to_addr(bytes),
		.port = load_be16(bytes + MAPPED_ADDR_BYTES),
	};
}

void
mapped_from_endpoint(uint8_t out[MAPPED_ENDPOINT_BYTES], const struct endpoint *e)
{
	memset(out, 0, MAPPED_ENDPOINT_BYTES);
	if (e->addr.family == ADDR_NONE)
		return;
	if (e->addr.family == ADDR_V4) {
		memcpy(out, v4_mapped, sizeof(v4_mapped));
		memcpy(out + sizeof(v4_mapped), e->addr.bytes, 4);
	} else {
		memcpy(out, e->addr.bytes, MAPPED_ADDR_BYTES);
	}
	store_be16(out + MAPPED_ADDR_BYTES, e->port);
}
