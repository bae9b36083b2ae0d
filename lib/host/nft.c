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

/* The script's line for the addresses of one family, if there are any. */
static void
print_drop(FILE *f, const struct nft_guard *g, uint8_t family)
{
	char text[ADDR_TEXT_BYTES];
	unsigned n = 0;
	for (size_t i = 0; i < g->n_addresses; i++) {
		const struct addr *a = &g->addresses[i].addr;
		if (a->family != family)
			continue;
		if (!n++)
			fprintf(f, "		iifname != \"%s\" %s daddr { ", g->device,
				family == ADDR_V4 ? "ip" : "ip6");
		fprintf(f, "%s%s", n > 1 ? ", " : "", addr_format(a, text));
	}
	if (n)
		fprintf(f, " } fib saddr type != local drop;\n");
}

static void
print_guard(FILE *f, const struct nft_guard *g)
{
	fprintf(f, "add table inet %s\ndelete table inet %s\ntable inet %s {\n", g->table,
		g->table, g->table);
	fprintf(f, "	chain strangers {\n"
		   "		type filter hook prerouting priority -300;\n");
	print_drop(f, g, ADDR_V4);
	print_drop(f, g, ADDR_V6);
	fprintf(f, "	}\n	chain outer {\n"
		   "		type filter hook prerouting priority -150;\n");
	if (g->listen_port)
		fprintf(f, "		udp dport %u meta mark set 0x%x;\n", g->listen_port,
			g->fwmark);
	fprintf(f, "	}\n}\n");
}

int
nft_guard_tunnel(const struct nft_guard *g, struct err *err)
{
	char *script = NULL;
	size_t n;
	if (strpbrk(g->device, "\"\\\n"))
		return err_set(err, -EINVAL, "the device name %s cannot be given to nft",
			g->device);
	FILE *f = open_memstream(&script, &n);
	if (!f)
		return err_set(err, -ENOMEM, "no memory to guard %s", g->device);
	print_guard(f, g);
	int rc = fclose(f) ? err_set(err, -ENOMEM, "no memory to guard %s", g->device) :
		run_script(script, err);
	free(script);
	if (rc)
		return err_prefix(err, rc,
			"cannot keep others from speaking to the addresses of %s (install "
			"nftables)", g->device);
	return 0;
}

int
nft_unguard_tunnel(const char *table, struct err *err)
{
	char script[128];
	snprintf(script, sizeof(script), "add table inet %s\ndelete table inet %s\n", table,
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
