/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adopting: messages as rows, and a netdev of a real kernel that is moved there and back.
 *
 *   gw ── veth ── far        twin (a TAP of the test's)
 */
#include "sandbox.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "host/adopt_inner.h"
#include "host/attrs.h"

static struct err err;
static const struct adopt_device eth1 = {7, "eth1"}, twin = {9, "hg-wan"};
static uint8_t dump_room[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
static uint8_t out_room[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
static const uint8_t ip[4] = {10, 0, 0, 1};

static struct nlmsghdr *
begin(uint16_t type)
{
	memset(dump_room, 0, sizeof(dump_room));
	struct nlmsghdr *head = mnl_nlmsg_put_header(dump_room);
	head->nlmsg_type = type;
	return head;
}

static struct nlmsghdr *
address(const char *label)
{
	struct nlmsghdr *head = begin(RTM_NEWADDR);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(head, sizeof(*a));
	*a = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7,
		.ifa_flags = IFA_F_SECONDARY | IFA_F_NOPREFIXROUTE % 256};
	mnl_attr_put(head, IFA_LOCAL, 4, ip);
	mnl_attr_put(head, IFA_ADDRESS, 4, ip);
	mnl_attr_put_u32(head, IFA_FLAGS, IFA_F_SECONDARY | IFA_F_NOPREFIXROUTE);
	mnl_attr_put_strz(head, IFA_LABEL, label);
	return head;
}

static struct nlmsghdr *
group(size_t hop_bytes)
{
	struct nlmsghdr *head = begin(RTM_NEWROUTE);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(head, sizeof(*r));
	struct rtnexthop hops[2] = {
		{.rtnh_len = sizeof(*hops), .rtnh_ifindex = 7, .rtnh_flags = RTNH_F_DEAD},
		{.rtnh_len = (uint16_t)hop_bytes, .rtnh_ifindex = 8},
	};
	*r = (struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN,
		.rtm_type = RTN_UNICAST, .rtm_flags = RTNH_F_ONLINK | RTM_F_NOTIFY};
	mnl_attr_put(head, RTA_DST, 4, ip);
	mnl_attr_put(head, RTA_MULTIPATH, sizeof(hops), hops);
	return head;
}

static bool
make(const struct nlmsghdr *dump)
{
	const struct adopt_request want = {.type = dump->nlmsg_type, .from = &eth1, .to = &twin};
	return adopt_make_request(dump, &want, out_room);
}

static void
read_attrs(struct attrs *a, size_t head_bytes)
{
	const struct nlmsghdr *head = (const void *)out_room;
	size_t skip = NLMSG_ALIGN(NLMSG_HDRLEN + head_bytes);
	attrs_read(a, out_room + skip, head->nlmsg_len - skip);
}

static void
labels_follow_the_device(void **state)
{
	static const struct {
		const char *label, *want;
	} rows[] = {
		{"eth1", "hg-wan"},
		{"eth1:0", "hg-wan:0"},
		{"eth1:longlabel", "hg-wan"},
		{"other", "other"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct attrs a;
		char label[IF_NAMESIZE];
		assert_true(make(address(rows[i].label)));
		read_attrs(&a, sizeof(struct ifaddrmsg));
		attrs_text(&a, IFA_LABEL, label, sizeof(label));
		assert_string_equal(label, rows[i].want);
		/* What the kernel decides is left out, what was asked of it stays. */
		assert_int_equal(attrs_u32(&a, IFA_FLAGS, 0), IFA_F_NOPREFIXROUTE);
		const struct ifaddrmsg *head = NLMSG_DATA(out_room);
		assert_int_equal(head->ifa_index, 9);
	}
}

static void
hops_of_a_group_are_moved_one_by_one(void **state)
{
	struct attrs a;
	struct rtnexthop hops[2];
	assert_int_equal(adopt_class_of(group(sizeof(*hops)), &eth1), ADOPT_ROUTE_MULTI);
	assert_true(make((void *)dump_room));
	read_attrs(&a, sizeof(struct rtmsg));
	assert_int_equal(a.at[RTA_MULTIPATH].n_bytes, sizeof(hops));
	memcpy(hops, a.at[RTA_MULTIPATH].data, sizeof(hops));
	assert_int_equal(hops[0].rtnh_ifindex, 9);
	assert_int_equal(hops[0].rtnh_flags, 0);
	assert_int_equal(hops[1].rtnh_ifindex, 8);
	const struct rtmsg *head = NLMSG_DATA(out_room);
	assert_int_equal(head->rtm_flags, RTNH_F_ONLINK);
	/* A next hop that says it is longer, or shorter, than it can be. */
	assert_false(make(group(sizeof(*hops) + 4)));
	assert_false(make(group(3)));
}

static void
what_is_too_long_is_no_request(void **state)
{
	static uint8_t huge[RESTORE_MESSAGE_BYTES - 36];
	static uint8_t room[2 * RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *head = mnl_nlmsg_put_header(room);
	head->nlmsg_type = RTM_NEWROUTE;
	mnl_nlmsg_put_extra_header(head, sizeof(struct rtmsg));
	mnl_attr_put(head, RTA_METRICS, sizeof(huge), huge);
	assert_false(make(head)); /* RTA_OIF has no room */
	assert_false(make(begin(RTM_NEWLINK)));
}

static void
what_is_of_others_stays(void **state)
{
	struct nlmsghdr *head = address("eth1");
	assert_int_equal(adopt_class_of(head, &eth1), ADOPT_ADDR_V4);
	assert_int_equal(adopt_class_of(head, &twin), ADOPT_NOT);
	head = group(sizeof(struct rtnexthop));
	assert_int_equal(adopt_class_of(head, &twin), ADOPT_NOT);
	((struct rtmsg *)mnl_nlmsg_get_payload(head))->rtm_protocol = NETLINK_ROUTE_PROTOCOL;
	assert_int_equal(adopt_class_of(head, &eth1), ADOPT_NOT);
	mnl_attr_put_u32(group(sizeof(struct rtnexthop)), RTA_NH_ID, 5);
	assert_int_equal(adopt_class_of(head, &eth1), ADOPT_IMPOSSIBLE);
}

/* ---- With a kernel ---- */

static void
save(const char *device, const char *file)
{
	char command[512];
	snprintf(command, sizeof(command),
		"{ ip addr show dev %s; ip route show table all dev %s; "
		"ip -6 route show table all dev %s; ip neigh show dev %s nud permanent; } | "
		"sed 's/^[0-9]*: //; /link\\/ether/d; s/valid_lft.*//; s/%s/DEVICE/g' | "
		"grep -v '^DEVICE' >/tmp/adopt-%d-%s", device, device, device, device, device,
		getpid(), file);
	shell(command);
}

static void
assert_same(const char *a, const char *b)
{
	char command[128];
	snprintf(command, sizeof(command), "diff /tmp/adopt-%d-%s /tmp/adopt-%d-%s", getpid(), a,
		getpid(), b);
	shell(command);
}

static void
make_netdev(void)
{
	shell("ip link add gw address 02:00:00:00:00:01 type veth peer name far && "
		"ip link set far up && ip tuntap add twin mode tap && ip link set gw up && "
		"ip link set twin address 02:00:00:00:00:01");
	shell("sysctl -qw net.ipv6.conf.gw.accept_dad=0");
	shell("ip addr add 10.0.0.1/24 brd + dev gw && "
		"ip addr add 10.0.0.2/24 dev gw label gw:1 && "
		"ip addr add 2001:db8::1/64 dev gw nodad && "
		"ip addr add 2001:db8::2/64 dev gw nodad");
	shell("ip route add default via 10.0.0.254 dev gw metric 7 src 10.0.0.2 && "
		"ip route add default via 2001:db8::fe dev gw pref low src 2001:db8::2 && "
		"ip route add 10.9.0.0/16 dev gw table 9 mtu 1300 && "
		"ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev gw nud permanent");
}

static void
there_and_back(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = netlink_open(&err);
	struct restore *restore = restore_create();
	struct adoption *a;
	const struct adopt_wish wish = {nl, restore, "wan", "gw", "twin"};
	make_netdev();
	sleep(2); /* until the kernel has done with its own link-local address */
	save("gw", "before");
	assert_int_equal(adopt_begin(&wish, &a, &err), 0);
	assert_non_null(a);
	adopt_prepare_twin(a);
	shell("ip link set twin up");
	if (adopt_take(a, &err))
		fail_msg("%s", err.text);
	shell("test -z \"$(ip -o addr show dev gw)\"");
	shell("ip route get 10.0.0.5 from 10.0.0.2 | grep -q 'dev twin'");
	shell("ip addr add 10.0.0.3/24 dev twin && ip addr del 2001:db8::2/64 dev twin");
	if (adopt_give_back(a, &err))
		fail_msg("%s", err.text);
	shell("ip link del twin && ip addr show dev gw | grep -q 'inet 10.0.0.3/24'");
	shell("! ip addr show dev gw | grep -q 2001:db8::2");
	shell("ip addr del 10.0.0.3/24 dev gw && ip addr add 2001:db8::2/64 dev gw nodad && "
		"ip -6 route replace default via 2001:db8::fe dev gw pref low src 2001:db8::2");
	assert_int_equal(restore_undo(restore, nl, &err), 0);
	save("gw", "after");
	assert_same("before", "after");
	shell("rm /tmp/adopt-$PPID-*; ip link del gw");
	adopt_end(a);
	restore_destroy(restore);
	netlink_close(nl);
}

static void
nothing_to_adopt_is_no_failure(void **state)
{
	sandbox_or_skip();
	struct netlink *nl = netlink_open(&err);
	struct restore *restore = restore_create();
	struct adoption *a;
	struct adopt_wish wish = {nl, restore, "wan", "gw", "twin"};
	shell("ip link add gw type veth peer name far && ip link set gw up && ip link set far up");
	assert_int_equal(adopt_begin(&wish, &a, &err), 0);
	assert_null(a);
	assert_int_equal(restore_count(restore), 0);
	wish.netdev = "none";
	assert_int_equal(adopt_begin(&wish, &a, &err), -ENODEV);
	shell("ip link del gw");
	restore_destroy(restore);
	netlink_close(nl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_follow_the_device),
		cmocka_unit_test(hops_of_a_group_are_moved_one_by_one),
		cmocka_unit_test(what_is_too_long_is_no_request),
		cmocka_unit_test(what_is_of_others_stays),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(nothing_to_adopt_is_no_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
