/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that name our devices, where they matter and where they do not; then the real nft. */
#include "sandbox.h"

#include "base/bytes.h"
#include "host/netfilter.h"

static const char *const devices[] = {"hg0", "hg-wan"};
static struct err err;

#define CHAIN(name, more)                                                                          \
	"{\"chain\":{\"family\":\"ip\",\"table\":\"t\",\"name\":\"" name "\"" more "}}"
#define RULE(chain, expr)                                                                          \
	"{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"" chain "\",\"handle\":4,"       \
	"\"expr\":[" expr "]}}"
#define MATCH(key, right)                                                                          \
	"{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"" key "\"}},\"right\":" right "}}"
#define FORWARD CHAIN("f", ",\"type\":\"filter\",\"hook\":\"forward\"")
#define INPUT CHAIN("i", ",\"type\":\"filter\",\"hook\":\"input\"")
#define NAT CHAIN("n", ",\"type\":\"nat\",\"hook\":\"postrouting\"")

static void
nft_rows(void **state)
{
	static const struct {
		const char *name, *items;
		int want;
	} rows[] = {
		{"nothing", "", 0},
		{"a forward rule of ours",
			FORWARD "," RULE("f", MATCH("iifname", "\"hg0\"")), -EPERM},
		{"that lets pass what passes anyway", FORWARD "," RULE("f",
			MATCH("iifname", "\"hg0\"") ",{\"counter\":null},{\"accept\":null}"), 0},
		{"that is an exception", CHAIN("f", ",\"type\":\"filter\",\"hook\":\"forward\","
			"\"policy\":\"drop\"") "," RULE("f",
			MATCH("iifname", "\"hg0\"") ",{\"accept\":null}"), -EPERM},
		{"that marks and accepts", FORWARD "," RULE("f",
			MATCH("iifname", "\"hg0\"") ",{\"mangle\":{}},{\"accept\":null}"), -EPERM},
		{"of another", FORWARD "," RULE("f", MATCH("iifname", "\"eth0\"")), 0},
		{"for input", INPUT "," RULE("i", MATCH("iifname", "\"hg0\"")), 0},
		{"masquerade", NAT "," RULE("n", MATCH("oifname", "\"hg-wan\"")), -EPERM},
		{"by wildcard", NAT "," RULE("n", MATCH("oifname", "\"hg*\"")), -EPERM},
		{"in a set",
			FORWARD "," RULE("f", MATCH("oif", "{\"set\":[\"a\",\"hg0\"]}")), -EPERM},
		{"a port is no device", FORWARD "," RULE("f", MATCH("l4proto", "\"hg0\"")), 0},
		{"by a jump",
			FORWARD "," CHAIN("u", "") "," RULE("u", MATCH("iifname", "\"hg0\"")) ","
			RULE("f", "{\"jump\":{\"target\":\"u\"}}"), -EPERM},
		{"a jump from input",
			INPUT "," FORWARD "," CHAIN("u", "") ","
			RULE("u", MATCH("iifname", "\"hg0\"")) ","
			RULE("i", "{\"jump\":{\"target\":\"u\"}}"), 0},
		{"a circle of jumps",
			FORWARD "," RULE("f", "{\"goto\":{\"target\":\"u\"}}") ","
			RULE("u", "{\"jump\":{\"target\":\"f\"}}"), 0},
		{"strange things",
			"1,null,[],{\"rule\":7},{\"chain\":[]},{\"rule\":{\"expr\":3}}", 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		char json[4096];
		snprintf(json, sizeof(json), "{\"nftables\":[%s]}", rows[i].items);
		if (netfilter_find_in_nft(json, devices, 2, &err) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(netfilter_find_in_nft("{", devices, 2, &err), -EPROTO);
	assert_int_equal(netfilter_find_in_nft("[]", devices, 2, &err), -EPROTO);
}

static void
iptables_rows(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"", 0},
		{"*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i hg0 -j ACCEPT\nCOMMIT\n", -EPERM},
		{"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i hg0 -j ACCEPT\nCOMMIT\n", 0},
		{"*nat\n-A POSTROUTING -o hg0 -j ACCEPT\n", -EPERM},
		{"*filter\n-A FORWARD ! -o hg-w+ -j DROP\n", -EPERM},
		{"*filter\n-A INPUT -i hg0 -j ACCEPT\n", 0},
		{"*filter\n-A FORWARD -i eth0 -j ACCEPT\n", 0},
		{"*nat\n-A POSTROUTING -o hg-wan -j MASQUERADE", -EPERM},
		{"*nat\n-A\n-A POSTROUTING -o\n-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE\n", 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		if (netfilter_find_in_iptables(rows[i].text, devices, 2, &err) != rows[i].want)
			fail_msg("%s", rows[i].text);
	}
}

static void
the_real_nft(void **state)
{
	sandbox_or_skip();
	if (system("nft --version >/dev/null 2>&1") != 0) {
		print_message("SKIP: nft is not installed\n");
		skip();
	}
	assert_int_equal(netfilter_check(devices, 2, &err), 0);
	shell("nft 'add table inet t; add chain inet t f { type filter hook forward priority 0; };"
		"add rule inet t f iifname \"eth0\" accept'");
	assert_int_equal(netfilter_check(devices, 2, &err), 0);
	shell("nft 'add rule inet t f iifname vmap { \"eth1\" : drop, \"hg0\" : accept }'");
	assert_int_equal(netfilter_check(devices, 2, &err), -EPERM);
	assert_non_null(strstr(err.text, "hg0"));
	assert_non_null(strstr(err.text, "table t, chain f"));
	assert_non_null(strstr(err.text, "Netfilter = ignore"));
	shell("nft flush ruleset");
	shell("nft 'add table ip n; add chain ip n p { type nat hook postrouting priority 100; };"
		"add rule ip n p oifname != \"hg-wan\" masquerade'");
	assert_int_equal(netfilter_check(devices, 2, &err), -EPERM);
	shell("nft flush ruleset");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nft_rows),
		cmocka_unit_test(iptables_rows),
		cmocka_unit_test(the_real_nft),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
