/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A netdev is taken and given back:   gw ── veth ── lan   (lan in the same namespace, pinging)
 */
#include "sandbox.h"

#include "host/child.h"
#include "host/netdev.h"
#include "host/sysctl.h"

static struct err err;

static void
assert_ipv6_disabled(const char *want)
{
	char value[SYSCTL_VALUE_BYTES];
	assert_int_equal(sysctl_read("net/ipv6/conf/gw/disable_ipv6", value, &err), 0);
	assert_string_equal(value, want);
}

static void
taken_and_restored(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = netlink_open(&err);
	struct restore *restore = restore_create();
	struct net_link link;
	const struct netdev_wish wish = {.owner = "port wan",
		.is_promisc = true, .disable_ipv6 = true, .drop_ingress = true};
	bool has_nft = system("nft --version >/dev/null 2>&1") == 0;
	assert_non_null(nl);
	assert_non_null(restore);
	shell("ip link add gw type veth peer name lan");

	int rc = netdev_take(nl, restore, "gw", &wish, &err);
	if (!has_nft) {
		assert_int_equal(rc, -ENOENT);
		assert_non_null(strstr(err.text, "install nftables"));
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(netdev_query(nl, "gw", &link, &err), 0);
		assert_int_equal(link.flags & (IFF_UP | IFF_PROMISC), IFF_UP | IFF_PROMISC);
		shell("nft list ruleset | grep -q 'device \"gw\"'");
	}
	assert_ipv6_disabled("1");

	assert_int_equal(restore_undo(restore, nl, &err), 0);
	assert_int_equal(netdev_query(nl, "gw", &link, &err), 0);
	assert_int_equal(link.flags & (IFF_UP | IFF_PROMISC), 0);
	assert_ipv6_disabled("0");
	if (has_nft)
		shell("test -z \"$(nft list ruleset)\"");
	shell("ip link del gw");
	restore_destroy(restore);
	netlink_close(nl);
}

static void
what_has_gone_needs_no_restoring(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = netlink_open(&err);
	struct restore *restore = restore_create();
	const struct netdev_wish wish = {.owner = "port wan",
		.is_promisc = true, .disable_ipv6 = true};
	shell("ip link add gw type veth peer name lan");
	assert_int_equal(netdev_take(nl, restore, "gw", &wish, &err), 0);
	shell("ip link del gw");
	assert_int_equal(restore_undo(restore, nl, &err), 0);
	assert_int_equal(netdev_take(nl, restore, "gw", &wish, &err), -ENODEV);
	assert_non_null(strstr(err.text, "ip link"));
	restore_destroy(restore);
	netlink_close(nl);
}

static void
children_are_bounded(void **state)
{
	static const struct {
		const char *const argv[4];
		const char *input;
		int want;
	} rows[] = {
		{{"cat"}, "hello", 0},
		{{"cat"}, NULL, 0},
		{{"sh", "-c", "echo no >&2; exit 3"}, NULL, -EIO},
		{{"sleep", "30"}, NULL, -ETIMEDOUT},
		{{"yes"}, NULL, -E2BIG},
		{{"no-such-program-here"}, NULL, -ENOENT},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child_run run = {.argv = rows[i].argv, .input = rows[i].input,
			.max_output_bytes = 1 << 16, .timeout_ms = 300};
		char *out;
		assert_int_equal(child_run(&run, &out, &err), rows[i].want);
		if (rows[i].want == 0)
			assert_string_equal(out, rows[i].input ? rows[i].input : "");
		else
			assert_null(out);
		if (rows[i].want == -EIO)
			assert_non_null(strstr(err.text, "failed: no"));
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_and_restored),
		cmocka_unit_test(what_has_gone_needs_no_restoring),
		cmocka_unit_test(children_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
