/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins: what the kernel then says of them, and the sentences when it refuses. */
#include "sandbox.h"

#include "host/sysctl.h"
#include "host/twin.h"

static const struct mac a_mac = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
static struct err err;

static struct netlink *
open_netlink(void)
{
	struct netlink *nl = netlink_open(&err);
	assert_non_null(nl);
	return nl;
}

static void
tap_has_the_ports_mac(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = open_netlink();
	struct net_link link;
	struct twin t;
	char value[SYSCTL_VALUE_BYTES];
	assert_int_equal(twin_create_tap(&t, nl, "wan", &a_mac, &err), 0);
	assert_string_equal(t.name, "hg-wan");
	assert_int_equal(twin_set_mtu(&t, nl, 1400, &err), 0);
	assert_int_equal(twin_set_up(&t, nl, true, &err), 0);
	assert_int_equal(netlink_link_by_name(nl, "hg-wan", &link, &err), 0);
	assert_int_equal(link.ifindex, t.ifindex);
	assert_int_equal(link.mtu, 1400);
	assert_memory_equal(&link.mac, &a_mac, sizeof(a_mac));
	assert_true(net_link_is_up(&link));
	assert_int_equal(sysctl_read("net/ipv6/conf/hg-wan/accept_dad", value, &err), 0);
	assert_string_equal(value, "0");
	twin_destroy(&t);
	assert_int_equal(netlink_link_by_name(nl, "hg-wan", &link, &err), -ENODEV);
	assert_non_null(strstr(err.text, "hg-wan"));
	netlink_close(nl);
}

static void
carrier_follows_the_port(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = open_netlink();
	struct net_link link;
	struct twin t;
	assert_int_equal(twin_create_tun(&t, nl, "hg0", &err), 0);
	assert_int_equal(twin_set_up(&t, nl, true, &err), 0);
	for (int on = 0; on < 2; on++) {
		assert_int_equal(twin_set_carrier(&t, on, &err), 0);
		assert_int_equal(netlink_link_by_index(nl, t.ifindex, &link, &err), 0);
		assert_int_equal(link.has_carrier, on);
	}
	assert_string_equal(link.kind, "tun");
	twin_destroy(&t);
	netlink_close(nl);
}

static void
refusals_say_what_to_do(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = open_netlink();
	struct twin first, second;
	assert_int_equal(twin_create_tun(&first, nl, "hg0", &err), 0);
	assert_int_equal(twin_create_tun(&second, nl, "hg0", &err), -EEXIST);
	assert_non_null(strstr(err.text, "ip link del hg0"));
	assert_int_equal(second.fd, -1);
	assert_int_equal(twin_create_tun(&second, nl, "lo", &err), -EEXIST);
	assert_int_equal(twin_create_tun(&second, nl, "", &err), -EINVAL);
	assert_int_equal(twin_create_tun(&second, nl, "a/b", &err), -EINVAL);
	assert_int_equal(twin_create_tap(&second, nl, "thirteenbytes", &a_mac, &err), -EINVAL);
	struct mac multicast = {{0x01}};
	assert_true(twin_create_tap(&second, nl, "wan", &multicast, &err) < 0);
	assert_non_null(strstr(err.text, "01:00:00:00:00:00"));
	assert_int_equal(second.fd, -1);
	assert_true(twin_set_mtu(&first, nl, 1 << 30, &err) < 0);
	assert_non_null(strstr(err.text, "hg0"));
	twin_destroy(&first);
	netlink_close(nl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tap_has_the_ports_mac),
		cmocka_unit_test(carrier_follows_the_port),
		cmocka_unit_test(refusals_say_what_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
