/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports that are VLANs of others: which Device is one, and which ports do not go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "intent/vlan.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *device, *parent; /* NULL: it is no VLAN's */
		uint16_t id;
	} rows[] = {
		{"wan.100", "wan", 100},
		{"wan.1", "wan", 1},
		{"wan.4094", "wan", 4094},
		{"wan.0100", "wan", 100},
		{"a.b.7", "a.b", 7},
		{"wan.0", "wan", 0},
		{"wan.4095", "wan", 0},
		{"wan.65636", "wan", 0}, /* 100 in 16 bits */
		{"wan.99999999999999999999999", "wan", 0},
		{"wan", NULL, 0},
		{"wan.", NULL, 0},
		{".100", NULL, 0},
		{"wan.1x", NULL, 0},
		{"wan.-1", NULL, 0},
		{"wan. 1", NULL, 0},
		{"", NULL, 0},
		{"abcdefghijklm.1", NULL, 0}, /* longer than a port's name */
		{"0000:3b:00.0", NULL, 0},
		{"3b:00.1", NULL, 0},
		{"net_af_xdp0,iface=eth1.100", NULL, 0},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct vlan_device v;
		assert_int_equal(vlan_device_parse(rows[r].device, &v), rows[r].parent != NULL);
		if (!rows[r].parent)
			continue;
		assert_string_equal(v.parent, rows[r].parent);
		assert_int_equal(v.id, rows[r].id);
	}
}

/* "lan=wan.100/1400": name, Device, MTU; each stands on the line of its number. */
static void
add_ports(struct intent *it, const char *const *ports)
{
	for (unsigned i = 0; ports[i]; i++) {
		char name[32], device[64];
		unsigned mtu = 0;
		assert_true(sscanf(ports[i], "%31[^=]=%63[^/]/%u", name, device, &mtu) >= 2);
		struct port_intent *p = intent_port_add(it, name);
		assert_non_null(p);
		strcpy(p->device, device);
		p->mtu = (uint16_t)mtu;
		p->origin = (struct origin){intent_file_id(it, "t.conf"), i + 1};
	}
}

static void
test_check(void **state)
{
	static const struct {
		const char *ports[5], *error;
	} rows[] = {
		{{"wan=net_tap0", "a=wan.100", "b=wan.200"}, NULL},
		{{"a=wan.100", "wan=net_tap0"}, NULL},
		{{"wan=net_tap0", "lan=net_tap1", "a=wan.100", "b=lan.100"}, NULL},
		{{"wan=net_tap0/1500", "a=wan.1/1500"}, NULL},
		{{"wan=net_tap0", "a=wan.4095"},
			"t.conf:2: port a has Device = wan.4095: a VLAN id is 1 to 4094"},
		{{"wan=net_tap0", "a=wan.0"},
			"t.conf:2: port a has Device = wan.0: a VLAN id is 1 to 4094"},
		{{"wan=net_tap0", "a=wam.7"},
			"t.conf:2: port a is a VLAN of port wam, which there is not; did you mean "
			"wan.7?"},
		{{"wan=net_tap0", "a=uplink.7"},
			"t.conf:2: port a is a VLAN of port uplink, which there is not: add [Port "
			"uplink] with the NIC as its Device"},
		{{"a=a.7"}, "t.conf:1: port a is a VLAN of port a, which there is not: add [Port "
			    "a] with the NIC as its Device"},
		{{"wan=net_tap0", "a=wan.7", "b=a.8"},
			"t.conf:3: port b is a VLAN of port a, which is a VLAN itself: a tag "
			"within a tag is not forwarded; name port wan"},
		{{"wan=net_tap0", "a=wan.7", "b=wan.07"},
			"t.conf:3: port b is VLAN 7 of port wan, as port a is already (t.conf:2)"},
		{{"wan=net_tap0/1400", "a=wan.7/1500"},
			"t.conf:2: port a has MTU 1500, more than the 1400 of port wan, whose VLAN "
			"it is"},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct err err = {""};
		struct intent *it = intent_create();
		add_ports(it, rows[r].ports);
		assert_int_equal(intent_check(it, &err), rows[r].error ? -EINVAL : 0);
		assert_string_equal(err.text, rows[r].error ? rows[r].error : "");
		intent_destroy(it);
	}
}

static void
test_queues_are_the_parents(void **state)
{
	struct err err = {""};
	struct intent *it = intent_create();
	add_ports(it, (const char *const[]){"wan=net_tap0", "a=wan.7", NULL});
	it->ports[1]->n_queues = 2;
	assert_int_equal(intent_check(it, &err), -EINVAL);
	assert_string_equal(err.text, "t.conf:2: port a is a VLAN of port wan and has that one's "
				      "queues: take Queues out");
	intent_destroy(it);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_queues_are_the_parents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
