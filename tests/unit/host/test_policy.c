/* SPDX-License-Identifier: BSD-3-Clause */
/* Routing rules, their notes, the MTU of a route and the guard of a tunnel, in a real kernel. */
#include "sandbox.h"

#include "base/bytes.h"
#include "host/netfilter.h"
#include "host/netlink.h"
#include "host/netlink_policy.h"
#include "host/nft.h"

static struct netlink *nl;
static struct err err;

static const struct netlink_rule rules[] = {
	{.family = ADDR_V4, .priority = 32765, .table = 51820, .fwmark = 51820,
		.suppress_prefix_len = -1, .is_inverted = true},
	{.family = ADDR_V6, .priority = 32764, .table = 254, .suppress_prefix_len = 0},
	{.family = ADDR_V4, .priority = 7, .table = 0xffffffff, .fwmark = 0x80000000,
		.suppress_prefix_len = -1},
	{.family = ADDR_V6, .priority = 9, .table = 51820, .suppress_prefix_len = -1,
		.is_for_own = true, .is_inverted = true},
};
static const char *const shown[] = {
	"ip rule | grep -q '^32765:.*not from all fwmark 0xca6c lookup 51820'",
	"ip -6 rule | grep -q '^32764:.*lookup main suppress_prefixlength 0'",
	"ip rule | grep -q '^7:.*fwmark 0x80000000 lookup 4294967295'",
	"ip -6 rule | grep -q '^9:.*not from all iif lo lookup 51820'",
};

static void
begin(void)
{
	sandbox_or_skip();
	nl = nl ? nl : netlink_open(&err);
	assert_non_null(nl);
}

static bool
holds(const char *command)
{
	return system(command) == 0;
}

static void
rules_come_and_go(void **state)
{
	begin();
	for (size_t k = 0; k < ARRAY_COUNT(rules); k++) {
		if (netlink_rule_add(nl, &rules[k], &err))
			fail_msg("%s", err.text);
		assert_true(holds(shown[k]));
		assert_int_equal(netlink_rule_add(nl, &rules[k], &err), -EEXIST);
		assert_int_equal(netlink_rule_del(nl, &rules[k], &err), 0);
		assert_false(holds(shown[k]));
		assert_int_equal(netlink_rule_del(nl, &rules[k], &err), -ENOENT);
	}
}

static void
notes_take_rules_back(void **state)
{
	begin();
	struct restore *r = restore_create();
	for (size_t k = 0; k < ARRAY_COUNT(rules); k++) {
		assert_int_equal(netlink_rule_note_removal(r, "wg0", &rules[k], &err), 0);
		if (k != 1) /* as after a crash between the note and the rule */
			assert_int_equal(netlink_rule_add(nl, &rules[k], &err), 0);
	}
	if (restore_undo(r, nl, &err))
		fail_msg("%s", err.text);
	for (size_t k = 0; k < ARRAY_COUNT(rules); k++)
		assert_false(holds(shown[k]));
	restore_destroy(r);
}

static void
mtu_is_the_routes(void **state)
{
	static const struct {
		const char *to;
		uint32_t fwmark, mtu; /* 0: no route */
	} rows[] = {
		{"192.0.2.9", 0, 1400},
		{"192.0.2.9", 5, 1300},
		{"198.51.100.1", 0, 1280},
		{"2001:db8::9", 0, 1400},
		{"203.0.113.1", 0, 0},
		{"203.0.113.1", 5, 0},
	};
	begin();
	shell("ip link add v0 type veth peer name v1 && ip link set v0 mtu 1400 up && "
	      "ip link set v1 up && ip addr add 192.0.2.1/24 dev v0 && "
	      "ip addr add 2001:db8::1/64 dev v0 nodad && "
	      "ip route add 198.51.100.0/24 via 192.0.2.7 mtu 1280 && "
	      "ip route add 192.0.2.0/24 dev v0 mtu 1300 table 5 && "
	      "ip rule add fwmark 5 lookup 5 priority 5 && "
	      "ip route add unreachable 203.0.113.0/24");
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		struct addr to;
		uint32_t mtu = 0;
		assert_int_equal(addr_parse(rows[k].to, &to), 0);
		int rc = netlink_route_mtu(nl, &to, rows[k].fwmark, &mtu, &err);
		if (rows[k].mtu ? rc != 0 || mtu != rows[k].mtu : rc == 0)
			fail_msg("%s %u: %d %u", rows[k].to, rows[k].fwmark, rc, mtu);
	}
	shell("ip rule del priority 5 && ip link del v0 && ip route del 203.0.113.0/24");
}

/* It stands in nobody's way: not in that of Netfilter = refuse either. */
static void
a_guard_comes_and_goes(void **state)
{
	struct prefix addresses[3];
	const char *device = "wg0";
	begin();
	assert_int_equal(prefix_parse("10.0.0.1/24", &addresses[0]), 0);
	assert_int_equal(prefix_parse("10.0.0.2/32", &addresses[1]), 0);
	assert_int_equal(prefix_parse("fd00::1/64", &addresses[2]), 0);
	struct nft_guard g = {"wg0", "headgate_7", addresses, 3, 51820, 0xca6c};
	if (!holds("command -v nft >/dev/null"))
		skip();
	for (unsigned k = 0; k < 2; k++) { /* the second takes the place of the first */
		if (nft_guard_tunnel(&g, &err))
			fail_msg("%s", err.text);
		assert_int_equal(netfilter_check(&device, 1, &err), 0);
	}
	assert_true(holds("nft list table inet headgate_7 | grep -q "
			  "'iifname != \"wg0\" ip daddr { 10.0.0.1, 10.0.0.2 } "
			  "fib saddr type != local drop'"));
	assert_true(holds("nft list table inet headgate_7 | grep -q 'ip6 daddr.*fd00::1.*drop'"));
	assert_true(holds("nft list table inet headgate_7 | grep -q "
			  "'udp dport 51820 meta mark set 0x0000ca6c'"));
	g.n_addresses = 0;
	g.listen_port = 0;
	assert_int_equal(nft_guard_tunnel(&g, &err), 0);
	for (unsigned k = 0; k < 2; k++)
		assert_int_equal(nft_unguard_tunnel("headgate_7", &err), 0);
	assert_true(holds("[ -z \"$(nft list ruleset)\" ]"));
	g.device = "w\"g";
	assert_int_equal(nft_guard_tunnel(&g, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_come_and_go),
		cmocka_unit_test(notes_take_rules_back),
		cmocka_unit_test(mtu_is_the_routes),
		cmocka_unit_test(a_guard_comes_and_goes),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	netlink_close(nl);
	return rc;
}
