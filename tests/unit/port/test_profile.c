/* SPDX-License-Identifier: BSD-3-Clause */
/* Driver profiles: those built in, a folder's in their place, and what is wrong with a bad one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_ethdev.h>

#include "base/bytes.h"
#include "port/profile.h"

/* A family: how DPDK's driver is called, a device of it, and what matters most about it. */
static const struct {
	const char *profile, *driver;
	uint16_t vendor, device;
	enum profile_binding binding;
	bool is_virtual, has_checksums, has_rss;
} families[] = {
	{"mlx5", "mlx5_pci", 0x15b3, 0x1017, PROFILE_BINDING_KERNEL, false, true, true},
	{"ice", "net_ice", 0x8086, 0x1592, PROFILE_BINDING_VFIO, false, true, true},
	{"i40e", "net_i40e", 0x8086, 0x1572, PROFILE_BINDING_VFIO, false, true, true},
	{"ixgbe", "net_ixgbe", 0x8086, 0x10fb, PROFILE_BINDING_VFIO, false, true, true},
	{"ixgbe", "net_ixgbe_vf", 0x8086, 0x10ed, PROFILE_BINDING_VFIO, false, true, true},
	{"ena", "net_ena", 0x1d0f, 0xec20, PROFILE_BINDING_VFIO, false, true, true},
	{"gve", "net_gve", 0x1ae0, 0x0042, PROFILE_BINDING_VFIO, false, false, false},
	{"virtio", "net_virtio", 0x1af4, 0x1041, PROFILE_BINDING_VFIO, true, false, true},
	{"virtio", "net_virtio_user", 0, 0, PROFILE_BINDING_VFIO, true, false, true},
	{"af_xdp", "net_af_xdp", 0, 0, PROFILE_BINDING_NONE, true, false, false},
	{"af_packet", "net_af_packet", 0, 0, PROFILE_BINDING_NONE, true, false, false},
	{"tap", "net_tap", 0, 0, PROFILE_BINDING_NONE, true, false, false},
	{"memif", "net_memif", 0, 0, PROFILE_BINDING_NONE, true, false, false},
	{"ring", "net_ring", 0, 0, PROFILE_BINDING_NONE, false, false, false},
	{"default", "net_unheard_of", 0xdead, 0xbeef, PROFILE_BINDING_VFIO, false, true, true},
};

static void
each_family_has_its_profile(void **state)
{
	struct profiles p;
	struct err err;
	if (profiles_load(&p, NULL, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
		const struct port_profile *f = profile_of_driver(&p, families[i].driver);
		assert_string_equal(f->name, families[i].profile);
		assert_string_equal(f->source, "built in");
		assert_int_equal(f->binding, families[i].binding);
		assert_int_equal(f->is_virtual, families[i].is_virtual);
		assert_int_equal(f->rx_offloads != 0, families[i].has_checksums);
		assert_int_equal(f->rss != 0, families[i].has_rss);
		assert_true(f->rx_descriptors && f->tx_descriptors);
		if (families[i].vendor)
			assert_ptr_equal(f, profile_of_pci(&p, families[i].vendor,
				families[i].device));
	}
	assert_int_equal(p.n, ARRAY_COUNT(families) - 2); /* two families have two rows */
	profiles_fini(&p);
}

static void
no_device_is_claimed_twice(void **state)
{
	struct profiles p;
	struct err err;
	if (profiles_load(&p, NULL, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < p.n; i++) {
		const struct port_profile *f = &p.items[i];
		for (unsigned k = 0; k < f->n_pci; k++)
			assert_ptr_equal(f, profile_of_pci(&p, f->pci[k].vendor,
				f->pci[k].device));
		for (unsigned k = 0; k < f->n_drivers; k++)
			assert_ptr_equal(f, profile_of_driver(&p, f->drivers[k]));
	}
	profiles_fini(&p);
}

static void
a_device_string_gets_what_it_lacks(void **state)
{
	static const struct {
		const char *device, *profile, *becomes;
	} rows[] = {
		{"net_af_xdp0,iface=eth1", "af_xdp", "net_af_xdp0,iface=eth1,busy_budget=0"},
		{"net_af_xdp_wan,iface=eth1,busy_budget=64", "af_xdp",
			"net_af_xdp_wan,iface=eth1,busy_budget=64"},
		/* The argument's name inside another's value, or longer than it, is not it. */
		{"net_af_xdp0,iface=busy_budget", "af_xdp",
			"net_af_xdp0,iface=busy_budget,busy_budget=0"},
		{"net_af_packet0,iface=eth1", "af_packet", "net_af_packet0,iface=eth1"},
		{"net_virtio_user0,path=/tmp/s", "virtio", "net_virtio_user0,path=/tmp/s"},
		{"net_nobody0,a=b", "default", "net_nobody0,a=b"},
		{"ffff:1f:1f.7", "default", "ffff:1f:1f.7"}, /* no such device here */
	};
	struct profiles p;
	struct err err;
	if (profiles_load(&p, NULL, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		char out[PROFILE_DEVICE_BYTES];
		profile_device_string(&p, rows[i].device, out);
		assert_string_equal(out, rows[i].becomes);
		assert_string_equal(profile_of_device(&p, rows[i].device)->name, rows[i].profile);
	}
	profiles_fini(&p);
}

#define HEAD "family = x\nbinding = none\nvirtual = no\nrss = none\n"
#define RINGS "rx_descriptors = 512\ntx_descriptors = 256\nmax_queues = 4\n"
#define OFFLOADS "rx_offloads = none\ntx_offloads = fast-free\n"

static void
a_profile_is_read_as_written(void **state)
{
	struct port_profile p;
	struct err err;
	assert_int_equal(profile_parse(&p, "# a comment\n\n" HEAD RINGS OFFLOADS
		"drivers = net_x, net_y\npci = 1af4:*\nmax_mtu = 9000\ndevargs = a=1,b=2\n"
		"note = says = much # but not this", "t", &err), 0);
	assert_int_equal(p.rx_descriptors, 512);
	assert_int_equal(p.tx_descriptors, 256);
	assert_int_equal(p.max_queues, 4);
	assert_int_equal(p.max_mtu, 9000);
	assert_int_equal(p.n_drivers, 2);
	assert_string_equal(p.drivers[1], "net_y");
	assert_int_equal(p.pci[0].device, 0xffff);
	assert_true(p.tx_offloads == RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE && !p.rx_offloads);
	assert_string_equal(p.devargs, "a=1,b=2");
	assert_string_equal(p.note, "says = much");
}

static void
a_wrong_profile_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{HEAD RINGS, "rx_offloads is missing"},
		{"", "family is missing"},
		{"nonsense\n" HEAD RINGS OFFLOADS, "t:1: 'nonsense' is no line"},
		{HEAD "\nmtu = 3\n" RINGS OFFLOADS, "t:6: 'mtu' is no key"},
		{HEAD RINGS OFFLOADS "virtual = yes\n", "t:10: virtual stands here a second time"},
		{"rx_descriptors = 65536\n", "t:1: rx_descriptors = 65536: it wants"},
		{"rx_descriptors = -1\n", "it wants 0 to 65535"},
		{"rx_descriptors = 5x\n", "it wants 0 to 65535"},
		{"family =\n", "it wants a name"},
		{"binding = uio\n", "it wants vfio-pci, kernel or none"},
		{"rss = ip sctp\n", "it wants none, or some of"},
		{"pci = 8086\n", "it wants at most 64"},
		{"pci = 8086:15x\n", "it wants at most 64"},
		{"devargs = loud\n", "it wants name=value"},
		{"drivers = a b c d e f g h i\n", "it wants at most 8"},
		{"drivers = a_name_that_is_much_longer_than_any\n", "it wants at most 8"},
		{HEAD "rx_descriptors = 0\ntx_descriptors = 1\nmax_queues = 0\n" OFFLOADS,
			"carries nothing"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct port_profile p;
		struct err err = {""};
		assert_int_equal(profile_parse(&p, rows[i].text, "t", &err), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: '%s' lacks '%s'", i, err.text, rows[i].says);
	}
	char line[3000];
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	struct port_profile p;
	struct err err;
	assert_int_equal(profile_parse(&p, line, "t", &err), -EINVAL);
	assert_non_null(strstr(err.text, "t:1: a line longer"));
}

static void
put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
remove_file(const char *folder, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void
a_folder_takes_the_place_of_what_is_built_in(void **state)
{
	char folder[] = "/tmp/hg-profiles-XXXXXX";
	struct profiles p;
	struct err err = {""};
	assert_non_null(mkdtemp(folder));
	put_file(folder, "ena.conf", HEAD RINGS OFFLOADS "drivers = net_ena\n");
	put_file(folder, "mine.conf", HEAD RINGS OFFLOADS "drivers = net_mine\n");
	put_file(folder, "README", "not a profile\n");
	assert_int_equal(profiles_load(&p, folder, &err), 0);
	assert_int_equal(profile_of_driver(&p, "net_ena")->rx_descriptors, 512);
	assert_non_null(strstr(profile_of_driver(&p, "net_ena")->source, "/ena.conf"));
	assert_string_equal(profile_of_driver(&p, "net_mine")->name, "mine");
	assert_string_equal(profile_of_driver(&p, "net_ice")->source, "built in");
	profiles_fini(&p);

	put_file(folder, "mine.conf", "family = x\nwrong\n");
	assert_int_equal(profiles_load(&p, folder, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/mine.conf:2: "));
	remove_file(folder, "ena.conf");
	remove_file(folder, "mine.conf");
	remove_file(folder, "README");
	rmdir(folder);

	assert_int_equal(profiles_load(&p, "/nowhere/at/all", &err), 0);
	profiles_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_has_its_profile),
		cmocka_unit_test(no_device_is_claimed_twice),
		cmocka_unit_test(a_device_string_gets_what_it_lacks),
		cmocka_unit_test(a_profile_is_read_as_written),
		cmocka_unit_test(a_wrong_profile_is_refused_with_its_place),
		cmocka_unit_test(a_folder_takes_the_place_of_what_is_built_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
