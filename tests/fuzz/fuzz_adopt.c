/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dumps that no kernel would give, to be moved from one device to another: what comes out is a
 * sound step for the restore file, or nothing. The first byte picks the kind of message.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/adopt_inner.h"
#include "host/restore_inner.h"

static const struct adopt_device from = {7, "eth1"}, to = {9, "hg-wan"};

static void
try_request(const struct nlmsghdr *dump, uint16_t type)
{
	uint8_t out[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	char what[96];
	const struct adopt_request want = {.type = type, .from = &from, .to = &to};
	if (!adopt_make_request(dump, &want, out))
		return;
	const struct restore_step step = {.kind = RESTORE_NETLINK, .owner = "port wan",
		.what = adopt_describe(dump, what), .message = (const void *)out};
	if (restore_step_fault(&step))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const uint16_t types[] = {RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH, RTM_NEWRULE};
	if (!n_bytes)
		return 0;
	uint16_t type = types[data[0] % ARRAY_COUNT(types)];
	size_t n = NLMSG_HDRLEN + n_bytes - 1;
	struct nlmsghdr *dump = calloc(1, n);
	if (!dump)
		abort();
	dump->nlmsg_type = type;
	dump->nlmsg_len = (uint32_t)n;
	memcpy((uint8_t *)dump + NLMSG_HDRLEN, data + 1, n_bytes - 1);
	if (adopt_class_of(dump, &from) < ADOPT_NOT) {
		try_request(dump, type);
		try_request(dump, (uint16_t)(type + 1));
	}
	free(dump);
	return 0;
}
