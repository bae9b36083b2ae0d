/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/child.h"

enum {
	TIMEOUT_MS = 10000,
	MAX_ANSWER_BYTES = 64 << 10,
	MAX_RULESET_BYTES = 64 << 20,
};

const char *
nft_table_name(uint32_t ifindex, char out[NFT_TABLE_BYTES])
{
	snprintf(out, NFT_TABLE_BYTES, "headgate_%u", ifindex);
	return out;
}

static int
run_script(const char *script, struct err *err)
{
	static const char *const argv[] = {"nft", "-f", "-", NULL};
	struct child_run run = {.argv = argv, .input = script,
		.max_output_bytes = MAX_ANSWER_BYTES, .timeout_ms = TIMEOUT_MS};
	char *output;
	int rc = child_run(&run, &output, err);
	free(output);
	return rc;
}

int
nft_drop_ingress(const char *device, const char *table, struct err *err)
{
	char script[512];
	if (strpbrk(device, "\"\\\n"))
		return err_set(err, -EINVAL, "the device name %s cannot be given to nft", device);
	/* Adding before deleting makes the deletion succeed whether or not there was one. */
	snprintf(script, sizeof(script),
		"add table netdev %s\n"
		"delete table netdev %s\n"
		"table netdev %s {\n"
		"	chain ingress {\n"
		"		type filter hook ingress device \"%s\" priority -500;\n"
		"		policy drop;\n"
		"	}\n"
		"}\n",
		table, table, table, device);
	int rc = run_script(script, err);
	if (rc)
		return err_prefix(err, rc,
			"cannot keep the kernel from answering on %s too (install nftables, or use "
			"net_af_xdp in place of net_af_packet)", device);
	return 0;
}

int
nft_delete_table(const char *table, struct err *err)
{
	char script[128];
	snprintf(script, sizeof(script), "add table netdev %s\ndelete table netdev %s\n", table,
		table);
	return run_script(script, err);
}

int
nft_list(char **text, struct err *err)
{
	static const char *const argv[] = {"nft", "-j", "list", "ruleset", NULL};
	struct child_run run = {.argv = argv, .max_output_bytes = MAX_RULESET_BYTES,
		.timeout_ms = TIMEOUT_MS};
	return child_run(&run, text, err);
}
