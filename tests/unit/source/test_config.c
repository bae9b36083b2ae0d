/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The config file: what is refused, with the exact sentence; what is taken; every example in
 * docs/examples; key files and their modes; and a hundred thousand peers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "crypto/aead_names.h"
#include "filter/rule.h"
#include "intent/change.h"
#include "source/config.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "EXAMPLExEXAMPLExEXAMPLExEXAMPLExEXAMPLExAAA="
#define KEY_C "SPOKExONExSPOKExONExSPOKExONExSPOKExONExAAA="
#define INTERFACE "[Interface]\nPrivateKey = " KEY_A "\n"
#define PEER_B "[Peer]\nPublicKey = " KEY_B "\n"
#define PEER_C "[Peer]\nPublicKey = " KEY_C "\n"

static int
parse(struct intent *it, const char *file, const char *text, struct err *err)
{
	return config_parse(it, file, text, strlen(text), err);
}

static const struct {
	const char *text;
	const char *error;
} bad[] = {
	/* names */
	{"[Interface]\nAdress = 10.0.0.1/24\n",
		"wg0.conf:2: unknown key 'Adress' in [Interface]; did you mean Address?"},
	{PEER_B "AllowedIP = 10.0.0.0/8\n",
		"wg0.conf:3: unknown key 'AllowedIP' in [Peer]; did you mean AllowedIPs?"},
	{"[Port wan]\nColour = red\n", "wg0.conf:2: unknown key 'Colour' in [Port]; its keys are "
				       "Device, Address, Adopt, Gateway, "
				       "MTU, Checksum, Neighbour, Queues"},
	{PEER_B "ListenPort = 51820\n",
		"wg0.conf:3: ListenPort belongs in [Interface], not in [Peer]"},
	{"[Interfaces]\n", "wg0.conf:1: unknown section [Interfaces]; did you mean [Interface]?"},
	{"[Router]\n", "wg0.conf:1: unknown section [Router]; the sections are [Gateway], [Port "
		       "NAME], [Interface], [Peer], [Filter] and [Headscale]"},
	{"[Headscale]\nServer = hs.example\n",
		"wg0.conf:2: Server = hs.example: expected an http or https URL without a path, "
		"for example: Server = https://headscale.example.com"},
	{"[Headscale]\nServerKey = mkey:12\n",
		"wg0.conf:2: ServerKey = mkey:12: expected mkey: and 64 hexadecimal digits, for "
		"example: ServerKey = "
		"mkey:07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"},
	{"[Headscale]\nHostname = Hub_1\n",
		"wg0.conf:2: Hostname = Hub_1: expected a name of a-z, 0-9 and -, for example: "
		"Hostname = hub1"},
	{"[Headscale]\nAdvertiseRoutes = 0.0.0.0/0\n",
		"wg0.conf:2: 0.0.0.0/0 is everything, which a route of a network is not"},
	{"[Headscale]\nExitNode = hub 1\n",
		"wg0.conf:2: ExitNode = hub 1: expected a node's name or address in the tailnet, "
		"for example: ExitNode = hub1"},
	{"[Headscale]\nExitNode = .\n",
		"wg0.conf:2: ExitNode = .: expected a node's name or address in the tailnet, for "
		"example: ExitNode = hub1"},
	{"[Headscale]\nTags = gateway\n",
		"wg0.conf:2: Tags = gateway: expected a list of tags, for example: Tags = "
		"tag:gateway"},
	{"[Headscale]\nEndpoints = 198.51.100.7\n",
		"wg0.conf:2: Endpoints = 198.51.100.7: expected a list of addresses with ports, "
		"for example: Endpoints = 198.51.100.7:51820"},
	{"[Headscale]\nEndpoints = [ff02::1]:51820\n",
		"wg0.conf:2: Endpoints = [ff02::1]:51820: expected a list of addresses with ports, "
		"for example: Endpoints = 198.51.100.7:51820"},
	{"[Headscale]\n[Headscale]\n", "wg0.conf:2: a second [Headscale] in one file"},
	{"[Segment office]\n",
		"wg0.conf:1: [Segment] is not in this version: take the section out"},
	{"[Port]\n", "wg0.conf:1: [Port] needs a name, for example: [Port wan]"},
	{"[Peer b]\n", "wg0.conf:1: [Peer] takes no name: 'b'"},
	{"[Port a-name-that-is-long]\n", "wg0.conf:1: a port's name has 1 to 12 letters, digits or "
					 "_=+.-, for example: [Port wan]"},
	/* lines */
	{"PrivateKey = x\n", "wg0.conf:1: 'PrivateKey' stands before any [Section]"},
	{"[Interface\n", "wg0.conf:1: '[Interface' has no ] at its end"},
	{"[Interface]\n; old comment\n",
		"wg0.conf:2: ';' is neither Key = value nor [Section] nor # comment"},
	{INTERFACE KEY_B "\n",
		"wg0.conf:3: unknown key 'EXAMPLEx...' in [Interface]; its keys are "
		"PrivateKey, PrivateKeyFile, ListenPort, ListenAddress, FwMark, Address, MTU, "
		"ClampMSS, SNAT, Table, DNS, PreUp, PostUp, PreDown, PostDown, SaveConfig, "
		"Name"},
	/* values: secrets are not repeated */
	{"[Interface]\nPrivateKey = secret\n",
		"wg0.conf:2: PrivateKey is not a key of 44 base64 characters, from `wg genkey`"},
	{PEER_B "PresharedKey = secret\n",
		"wg0.conf:3: PresharedKey is not a key of 44 base64 characters, from `wg genpsk`"},
	{"[Peer]\nPublicKey = short\n",
		"wg0.conf:2: PublicKey = short: expected a key of 44 base64 characters, from `wg "
		"pubkey`, for example: PublicKey = (the output of `wg pubkey`)"},
	{"[Interface]\nListenPort = 65536\n",
		"wg0.conf:2: ListenPort = 65536: expected 0 to 65535, "
		"for example: ListenPort = 51820"},
	{"[Interface]\nAddress = 10.0.0.1/33\n",
		"wg0.conf:2: Address = 10.0.0.1/33: expected IP addresses with their length, for "
		"example: Address = 10.0.0.1/24, fd00::1/64"},
	{PEER_B "AllowedIPs = 10.0.0.0/8,, ::/0\n",
		"wg0.conf:3: AllowedIPs = 10.0.0.0/8,, ::/0: expected IP prefixes with commas "
		"between, for example: AllowedIPs = 10.0.0.2/32, 192.168.20.0/24"},
	{PEER_B "Endpoint = 300.1.1.1:51820\n", "wg0.conf:3: Endpoint = 300.1.1.1:51820: expected "
						"HOST:PORT, for example: Endpoint = "
						"198.51.100.7:51820"},
	{PEER_B "Endpoint = hub.example\n",
		"wg0.conf:3: Endpoint = hub.example: expected HOST:PORT, "
		"for example: Endpoint = 198.51.100.7:51820"},
	{PEER_B "PersistentKeepalive = often\n",
		"wg0.conf:3: PersistentKeepalive = often: expected off, or 0 to 65535 seconds, for "
		"example: PersistentKeepalive = 25"},
	{"[Interface]\nMTU = 100\n",
		"wg0.conf:2: MTU = 100: expected 576 to 16000, for example: MTU "
		"= 1420"},
	{"[Interface]\nSNAT = 192.168.1.300\n",
		"wg0.conf:2: SNAT = 192.168.1.300: expected networks, for example: SNAT = "
		"192.168.10.0/24, 0.0.0.0/0"},
	{"[Interface]\nSNAT = 10.1.0.0/16, 10.1.2.0/16\n",
		"wg0.conf:2: SNAT 10.1.2.0/16 is given twice: take one out"},
	{"[Gateway]\nSNATPorts = 62000-61000\n",
		"wg0.conf:2: SNATPorts = 62000-61000: expected FIRST-LAST, of 1024 to 65535, for "
		"example: SNATPorts = 61000-65535"},
	{"[Gateway]\nSNATFlows = 10\n",
		"wg0.conf:2: SNATFlows = 10: expected 1024 to 16777216, for example: SNATFlows = "
		"65536"},
	{"[Interface]\nTable = local\n",
		"wg0.conf:2: Table = local: expected auto, off, or the number "
		"of a table, for example: Table = auto"},
	{"[Interface]\nFwMark = 0xz\n", "wg0.conf:2: FwMark = 0xz: expected off or a number, for "
					"example: FwMark = 0xca6c"},
	{"[Gateway]\nWorkers = 3-1\n", "wg0.conf:2: Workers = 3-1: expected a list of cores, for "
				       "example: Workers = 1-3,5"},
	{"[Gateway]\nCrypto = rot13\n", "wg0.conf:2: Crypto = rot13: expected " AEAD_WISHES
					", for example: Crypto = auto"},
	{"[Gateway]\nHost = perhaps\n",
		"wg0.conf:2: Host = perhaps: expected yes or no, for example: Host = yes"},
	{"[Port wan]\nNeighbour = 10.0.0.1\n",
		"wg0.conf:2: Neighbour = 10.0.0.1: expected an IP address and a MAC, for example: "
		"Neighbour = 203.0.113.1 02:00:00:00:00:01"},
	{"[Port wan]\nGateway = 10.0.0.1, 10.0.0.2\n",
		"wg0.conf:2: a second IPv4 Gateway for port wan: there can be one"},
	{"[Port wan]\nDevice = \n",
		"wg0.conf:2: Device = : expected a PCI address or a DPDK device "
		"string, for example: Device = net_af_xdp0,iface=eth1"},
	/* what wg-quick does */
	{"[Interface]\nPostUp =\n",
		"wg0.conf:2: PostUp = : expected a command, for example: PostUp = ip rule add from "
		"10.0.0.0/24 lookup 7"},
	{"[Interface]\nDNS = 1.1.1.1, $(reboot)\n",
		"wg0.conf:2: DNS = 1.1.1.1, $(reboot): expected IP addresses or search domains, "
		"for example: DNS = 10.0.0.1, example.org"},
	{"[Interface]\nDNS = 1.1.1.256\n",
		"wg0.conf:2: DNS = 1.1.1.256: expected IP addresses or search domains, for "
		"example: DNS = 10.0.0.1, example.org"},
	{"[Interface]\nSaveConfig = yes\n",
		"wg0.conf:2: SaveConfig = yes: expected true or false, for example: SaveConfig = "
		"false"},
	/* the filter's rules */
	{"[Filter]\nAllow = 10.0.0.1\n",
		"wg0.conf:2: Allow: there is no -> between sources and destinations, as in: "
		"Allow = 10.0.0.0/24, 10.1.0.7 -> 192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp"},
	{"[Filter]\nAllow = * -> 10.0.0.1 : tcp/x\n",
		"wg0.conf:2: Allow: 'tcp/x' among the services: expected tcp/22, udp/5000-5100, "
		"sctp, icmp, proto/47 or *, as in: Allow = 10.0.0.0/24, 10.1.0.7 -> "
		"192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp"},
	{"[Filter]\nAlow = * -> *\n",
		"wg0.conf:2: unknown key 'Alow' in [Filter]; did you mean Allow?"},
	{"[Filter]\nFlows = 5\n",
		"wg0.conf:2: Flows = 5: expected 1024 to 67108864, for example: Flows = 1000000"},
	{"[Filter]\nUDPTimeout = 0\n", "wg0.conf:2: UDPTimeout = 0: expected seconds, at least 1, "
		"for example: UDPTimeout = 180"},
	{"[Filter]\n[Gateway]\n[Filter]\n",
		"wg0.conf:3: a second [Filter]: the first is at wg0.conf:1, and there is one for "
		"all files"},
	/* things given twice or not at all */
	{"[Port wan]\n[Port wan]\n", "wg0.conf:2: a second [Port wan]: the first is at wg0.conf:1"},
	{"[Gateway]\n\n[Gateway]\n",
		"wg0.conf:3: a second [Gateway]: the first is at wg0.conf:1, and "
		"there is one for all files"},
	{INTERFACE "[Interface]\n", "wg0.conf:3: a second [Interface]: the first is at wg0.conf:1; "
				    "give each interface a file of its own, -c may be repeated"},
	{PEER_B PEER_B, "wg0.conf:3: this peer is given twice: the first is at wg0.conf:1"},
	{INTERFACE "\n[Peer]\nAllowedIPs = 10.0.0.0/8\n" PEER_B,
		"wg0.conf:4: this [Peer] has no PublicKey"},
	{"[Interface]\nAddress = 10.0.0.1/24, 10.0.0.1/24\n",
		"wg0.conf:2: Address 10.0.0.1/24 is given twice: take one out"},
	{"[Interface]\nPrivateKeyFile = /nowhere/key\n",
		"wg0.conf:2: PrivateKeyFile: cannot open /nowhere/key: No such file or directory"},
	{"[Interface]\nName = hg/0\n",
		"wg0.conf:2: Name = hg/0: expected 1 to 15 letters, digits or "
		"_=+.-, for example: Name = hg0"},
};

static void
test_bad(void **state)
{
	for (size_t r = 0; r < ARRAY_COUNT(bad); r++) {
		struct err err = {""};
		struct intent *it = intent_create();
		assert_int_equal(parse(it, "wg0.conf", bad[r].text, &err), -EBADMSG);
		assert_string_equal(err.text, bad[r].error);
		intent_destroy(it);
		it = intent_create();
		assert_int_equal(parse(it, "wg0.conf", bad[r].text, NULL), -EBADMSG);
		intent_destroy(it);
	}
}

static void
test_bad_bytes(void **state)
{
	struct err err;
	static const char zero[] = "[Interface]\nAddress\0 = 10.0.0.1\n";
	struct intent *it = intent_create();
	assert_int_equal(config_parse(it, "a", zero, sizeof(zero) - 1, &err), -EBADMSG);
	assert_string_equal(err.text, "a:2: the line holds a zero byte: this is no text file");
	char *line = malloc(CONFIG_MAX_LINE_BYTES + 1);
	memset(line, '#', CONFIG_MAX_LINE_BYTES + 1);
	assert_int_equal(config_parse(it, "a", line, CONFIG_MAX_LINE_BYTES, &err), 0);
	assert_int_equal(config_parse(it, "a", line, CONFIG_MAX_LINE_BYTES + 1, &err), -EBADMSG);
	assert_string_equal(err.text, "a:1: a line of more than 65536 bytes");
	free(line);
	intent_destroy(it);
}

/* A file as people have it for wg-quick, down to its letter case, tabs and line ends. */
static void
test_wg_quick_file(void **state)
{
	static const char text[] = "# client\r\n"
				   "[interface]\r\n"
				   "privatekey=" KEY_A "\r\n"
				   "Address = 10.8.0.2/24, fd08::2\t# two of them\r\n"
				   "Address = 10.9.0.2\r\n"
				   "MTU=1380\r\n"
				   "FwMark = 0xca6c\r\n"
				   "Table = off\r\n"
				   "SaveConfig = false\r\n"
				   "\r\n"
				   "[PEER]\r\n"
				   "PublicKey = " KEY_B "\r\n"
				   "PresharedKey = " KEY_C "\r\n"
				   "AllowedIPs = 0.0.0.0/0,::/0\r\n"
				   "AllowedIPs =\r\n"
				   "AllowedIPs = 10.0.0.7/8\r\n"
				   "Endpoint = vpn.example.com:51820\r\n"
				   "PersistentKeepalive = 25";
	struct err err = {""};
	struct intent *it = intent_create();
	char out[PREFIX_TEXT_BYTES];
	assert_int_equal(parse(it, "/etc/wireguard/wg0.conf", text, &err), 0);
	struct interface_intent *i = intent_interface_find(it, "wg0");
	assert_non_null(i);
	assert_true(i->has_key);
	assert_int_equal(i->addresses.n, 3);
	assert_string_equal(prefix_format(&i->addresses.items[1], out), "fd08::2/128");
	assert_int_equal(i->mtu, 1380);
	assert_int_equal(i->fwmark, 0xca6c);
	assert_int_equal(i->table, TABLE_OFF);
	const struct peer_intent *p = i->peers.first;
	assert_true(p->has_psk);
	assert_int_equal(p->keepalive_s, 25);
	assert_int_equal(p->n_allowed, 3);
	assert_string_equal(prefix_format(&p->last_allowed->prefix, out), "10.0.0.0/8");
	assert_string_equal(p->endpoint.host, "vpn.example.com");
	assert_int_equal(p->endpoint.host_port, 51820);
	assert_int_equal(p->origin.line, 11);
	assert_int_equal(it->n_warnings, 0);
	assert_int_equal(intent_check(it, &err), 0);
	intent_destroy(it);
}

/* A name as it is printed with its last dot, or an address of either family. */
static void
test_exit_node(void **state)
{
	static const char *const rows[][2] = {
		{"hub1", "hub1"}, {"hub1.tail.example.com.", "hub1.tail.example.com"},
		{"100.64.0.3", "100.64.0.3"}, {"fd7a:115c:a1e0::3", "fd7a:115c:a1e0::3"},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		char text[128];
		struct err err = {""};
		struct intent *it = intent_create();
		snprintf(text, sizeof(text), "[Headscale]\nExitNode = %s\n", rows[r][0]);
		assert_int_equal(parse(it, "wg0.conf", text, &err), 0);
		assert_string_equal(it->interfaces[0]->headscale->exit_node, rows[r][1]);
		intent_destroy(it);
	}
}

/* Rules keep their order; a section alone is a filter that allows nothing. */
static void
test_filter(void **state)
{
	struct err err = {""};
	struct intent *it = intent_create();
	assert_int_equal(parse(it, "wg0.conf", INTERFACE, &err), 0);
	assert_null(it->filter);
	intent_destroy(it);
	it = intent_create();
	assert_int_equal(parse(it, "wg0.conf", "[Filter]\nStrictTCP = yes\nFlows = 5000\n"
		"Allow = 10.0.0.0/24 -> fd00::1, * : udp/53\nAllow = * -> 10.0.0.1\n"
		"UDPTimeout = 60\nTCPTimeout = 600\n", &err), 0);
	const struct filter_plan *p = it->filter;
	assert_true(p->is_on && p->is_strict_tcp);
	assert_int_equal(p->max_flows, 5000);
	assert_int_equal(p->udp_timeout_s, 60);
	assert_int_equal(p->tcp_timeout_s, 600);
	assert_int_equal(p->n_rules, 2);
	assert_string_equal(p->rules[0].text, "10.0.0.0/24 -> fd00::1, * : udp/53");
	assert_int_equal(p->rules[0].n_destinations, 3);
	assert_int_equal(p->rules[1].n_services, 4);
	intent_destroy(it);
	it = intent_create();
	assert_int_equal(parse(it, "wg0.conf", "[Filter]\n", &err), 0);
	assert_true(it->filter->is_on);
	intent_destroy(it);
}

/* Commands keep their order and their text; DNS becomes one list. */
static void
test_wg_quick_keys(void **state)
{
	static const char text[] = INTERFACE "DNS = 10.0.0.1, example.org\n"
		"PostUp = iptables -A FORWARD -i %i -j ACCEPT; echo \"a = b\" # comment\n"
		"PreDown = one\nPostUp = two\nPREUP = three\nPostDown = four\n"
		"DNS = fd00::1\nTable = main\nSaveConfig = true\n";
	static const struct {
		enum hook_when when;
		const char *command, *where;
	} want[] = {
		{HOOK_POST_UP, "iptables -A FORWARD -i %i -j ACCEPT; echo \"a = b\"",
			"/etc/wg0.conf:4"},
		{HOOK_PRE_DOWN, "one", "/etc/wg0.conf:5"},
		{HOOK_POST_UP, "two", "/etc/wg0.conf:6"},
		{HOOK_PRE_UP, "three", "/etc/wg0.conf:7"},
		{HOOK_POST_DOWN, "four", "/etc/wg0.conf:8"},
	};
	struct err err = {""};
	struct intent *it = intent_create();
	assert_int_equal(parse(it, "/etc/wg0.conf", text, &err), 0);
	const struct interface_intent *i = intent_interface_find(it, "wg0");
	assert_int_equal(i->hooks.n, ARRAY_COUNT(want));
	for (size_t k = 0; k < ARRAY_COUNT(want); k++) {
		assert_int_equal(i->hooks.items[k].when, want[k].when);
		assert_string_equal(i->hooks.items[k].command, want[k].command);
		assert_string_equal(i->hooks.items[k].where, want[k].where);
	}
	assert_string_equal(i->dns, "10.0.0.1,example.org,fd00::1");
	assert_string_equal(i->save_path, "/etc/wg0.conf");
	assert_int_equal(i->table, TABLE_NUMBER);
	assert_int_equal(i->table_id, 254);
	intent_destroy(it);
}

static void
test_names_of_interfaces(void **state)
{
	static const struct {
		const char *file, *text, *name; /* name NULL: refused */
	} rows[] = {
		{"/etc/headgate/headgate.conf", INTERFACE, "hg0"},
		{"wg0.conf", INTERFACE, "wg0"},
		{"wg0", INTERFACE, "wg0"},
		{"wg0.conf", INTERFACE "Name = hub\n", "hub"},
		{"my site.conf", INTERFACE "Name = hub\n", "hub"},
		{"my site.conf", INTERFACE, NULL},
		{"a-name-that-is-long.conf", INTERFACE, NULL},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct err err;
		struct intent *it = intent_create();
		int rc = parse(it, rows[r].file, rows[r].text, &err);
		assert_int_equal(rc, rows[r].name ? 0 : -EBADMSG);
		if (rows[r].name)
			assert_non_null(intent_interface_find(it, rows[r].name));
		intent_destroy(it);
	}
}

static void
test_several_files(void **state)
{
	struct err err;
	struct intent *it = intent_create();
	assert_int_equal(parse(it, "a.conf", INTERFACE PEER_B, &err), 0);
	assert_int_equal(parse(it, "b.conf", INTERFACE PEER_B, &err), 0);
	assert_int_equal(parse(it, "ports.conf", "[Port wan]\nDevice = net_tap0\n", &err), 0);
	assert_int_equal(it->n_interfaces, 2);
	assert_int_equal(it->n_ports, 1);
	assert_int_equal(parse(it, "c.conf", "\n" INTERFACE "Name = a\n", &err), -EBADMSG);
	assert_string_equal(err.text, "c.conf:2: a second interface a: the first is at a.conf:1");
	intent_destroy(it);
}

static void
test_prefix_given_twice(void **state)
{
	struct err err;
	struct intent *it = intent_create();
	static const char text[] =
		INTERFACE PEER_B "AllowedIPs = 10.0.0.0/8\n" PEER_C "AllowedIPs = 10.1.1.1/8\n";
	assert_int_equal(parse(it, "a.conf", text, &err), 0);
	assert_int_equal(it->n_warnings, 1);
	assert_string_equal(it->warnings[0], "a.conf:8: AllowedIPs 10.0.0.0/8 was given to peer "
					     "EXAM…AAA= at a.conf:5: it is this peer's now");
	const struct peer_set *s = &it->interfaces[0]->peers;
	assert_int_equal(s->first->n_allowed, 0);
	assert_int_equal(s->last->n_allowed, 1);
	intent_destroy(it);
}

static void
test_port_option(void **state)
{
	static const struct {
		const char *option, *device; /* NULL: refused */
	} rows[] = {
		{"wan=net_af_xdp0,iface=eth1", "net_af_xdp0,iface=eth1"},
		{"wan=0000:3b:00.0", "0000:3b:00.0"}, /* over the one before */
		{"lan=net_tap0", "net_tap0"},
		{"wan", NULL},
		{"=net_tap0", NULL},
		{"dmz=", NULL},
		{"x/y=net_tap0", NULL},
		{"a-name-that-is-long=net_tap0", NULL},
	};
	struct err err;
	struct intent *it = intent_create();
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		int rc = port_option_parse(it, rows[r].option, &err);
		assert_int_equal(rc, rows[r].device ? 0 : -EBADMSG);
		if (rc < 0)
			continue;
		char name[4] = {rows[r].option[0], rows[r].option[1], rows[r].option[2], 0};
		assert_string_equal(intent_port_find(it, name)->device, rows[r].device);
	}
	assert_string_equal(err.text,
		"--port a-name-that-is-long=net_tap0: expected NAME=DEVICE, for "
		"example: --port wan=net_af_xdp0,iface=eth1");
	intent_destroy(it);
}

static void
test_examples(void **state)
{
	glob_t found;
	assert_int_equal(glob(EXAMPLES_FOLDER "/*.conf", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct err err = {""};
		struct intent *it = intent_create();
		if (config_load(it, found.gl_pathv[i], &err) < 0 || intent_check(it, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(it->n_interfaces > 0);
		intent_destroy(it);
	}
	assert_true(found.gl_pathc >= 3);
	globfree(&found);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int
load_with_key_file(const char *key_path, struct err *err)
{
	char text[256];
	snprintf(text, sizeof(text), "[Interface]\nPrivateKeyFile = %s\n", key_path);
	struct intent *it = intent_create();
	int rc = parse(it, "wg0.conf", text, err);
	if (rc == 0)
		assert_true(it->interfaces[0]->has_key);
	intent_destroy(it);
	return rc;
}

static void
test_files(void **state)
{
	char dir[] = "/tmp/hg-config-XXXXXX", key[64], other[64];
	struct err err;
	assert_non_null(mkdtemp(dir));
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(other, sizeof(other), "%s/wg0.conf", dir);

	write_file(key, KEY_A "\n", 0600);
	assert_int_equal(load_with_key_file(key, &err), 0);
	chmod(key, 0640);
	assert_int_equal(load_with_key_file(key, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "has mode 0640: others may read the key: chmod 600"));
	write_file(key, KEY_A KEY_A "\n", 0600);
	assert_int_equal(load_with_key_file(key, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "does not hold one base64 key"));
	assert_null(strstr(err.text, KEY_A));
	assert_int_equal(symlink(key, other), 0);
	assert_int_equal(load_with_key_file(other, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "it is a symbolic link"));
	unlink(other);
	assert_int_equal(load_with_key_file(dir, &err), -EBADMSG);
	assert_int_equal(load_with_key_file("key", &err), -EBADMSG);

	static const struct {
		const char *text;
		mode_t mode;
		size_t n_warnings;
	} files[] = {
		{INTERFACE, 0600, 0},
		{INTERFACE, 0644, 1},
		{"[Headscale]\nProxy = http://10.0.0.1:3128\n", 0644, 0},
		{"[Headscale]\nProxy = http://anne:secret@10.0.0.1:3128\n", 0644, 1},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct intent *it = intent_create();
		write_file(other, files[i].text, files[i].mode);
		assert_int_equal(config_load(it, other, &err), 0);
		assert_int_equal(it->n_warnings, files[i].n_warnings);
		intent_destroy(it);
	}
	struct intent *it = intent_create();
	assert_int_equal(config_load(it, "/nowhere/wg0.conf", &err), -ENOENT);
	assert_string_equal(err.text, "cannot open /nowhere/wg0.conf: No such file or directory");
	intent_destroy(it);
	unlink(other);
	unlink(key);
	rmdir(dir);
}

/* Who may write the file has its commands run as root. */
static void
test_commands_of_others(void **state)
{
	static const struct {
		mode_t mode;
		const char *text;
		int code;
		const char *says;
	} rows[] = {
		{0600, INTERFACE "PostUp = true\n", 0, ""},
		{0644, INTERFACE "PostUp = true\n", 0, ""},
		{0620, INTERFACE "PostUp = true\n", -EBADMSG,
			"others than root may write the file"},
		{0620, INTERFACE, 0, ""},
		{0602, INTERFACE, -EPERM, "everybody may write"}, /* and add commands */
	};
	char dir[] = "/tmp/hg-config-XXXXXX", path[64];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/wg0.conf", dir);
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++) {
		struct err err = {""};
		struct intent *it = intent_create();
		write_file(path, rows[r].text, rows[r].mode);
		assert_int_equal(config_load(it, path, &err), rows[r].code);
		assert_non_null(strstr(err.text, rows[r].says));
		intent_destroy(it);
	}
	unlink(path);
	rmdir(dir);
}

static void
test_nearest(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{"", "", 0},
		{"mtu", "MTU", 0},
		{"Adress", "Address", 1},
		{"Endpiont", "Endpoint", 1}, /* neighbours swapped */
		{"abc", "", 3},
		{"kitten", "sitting", 3},
	};
	for (size_t r = 0; r < ARRAY_COUNT(rows); r++)
		assert_int_equal(edit_distance(rows[r].a, rows[r].b), rows[r].distance);
}

static void
find_listen_port(void *ctx, const struct config_help *h)
{
	if (strcmp(h->key, "ListenPort") != 0)
		return;
	assert_string_equal(h->section, "Interface");
	assert_null(h->argument);
	assert_string_equal(h->expects, "0 to 65535");
	*(unsigned *)ctx += 1;
}

static void
test_describe(void **state)
{
	unsigned n = 0;
	config_describe(find_listen_port, &n);
	assert_int_equal(n, 1);
}

/* A config of n peers, two prefixes each. The caller frees it. */
static char *
many_peers(unsigned n, unsigned skip, size_t *n_bytes)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, n_bytes);
	fputs(INTERFACE, out);
	for (unsigned i = 0; i < n; i++) {
		struct key k = {{0}};
		char base64[KEY_BASE64_BYTES];
		if (i == skip)
			continue;
		store_le32(k.bytes, i + 1);
		key_to_base64(&k, base64);
		fprintf(out,
			"[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.%u.%u/32, fd00::%x:%x/128\n",
			base64, i >> 16, i >> 8 & 255, i & 255, i >> 16, i & 0xffff);
	}
	fclose(out);
	return text;
}

/* Quadratic code would run into the test's time limit here. */
static void
test_a_hundred_thousand_peers(void **state)
{
	enum { N = 100000 };
	struct err err;
	size_t n_a, n_b;
	char *a_text = many_peers(N, N, &n_a), *b_text = many_peers(N, 7, &n_b);
	struct intent *a = intent_create(), *b = intent_create();
	assert_int_equal(config_parse(a, "wg0.conf", a_text, n_a, &err), 0);
	assert_int_equal(config_parse(b, "wg0.conf", b_text, n_b, &err), 0);
	assert_int_equal(a->interfaces[0]->peers.n, N);
	struct change_list l;
	change_list_init(&l);
	assert_int_equal(intent_diff(a, b, &l), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].kind, CHANGE_PEER_REMOVE);
	assert_int_equal(intent_apply(a, &l.items[0]), 0);
	change_list_fini(&l);
	assert_int_equal(intent_diff(a, b, &l), 0);
	assert_int_equal(l.n, 0);
	change_list_fini(&l);
	intent_destroy(a);
	intent_destroy(b);
	free(a_text);
	free(b_text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_wg_quick_file),
		cmocka_unit_test(test_wg_quick_keys),
		cmocka_unit_test(test_exit_node),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_commands_of_others),
		cmocka_unit_test(test_names_of_interfaces),
		cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_prefix_given_twice),
		cmocka_unit_test(test_port_option),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_a_hundred_thousand_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
