/* SPDX-License-Identifier: BSD-3-Clause */
/* [Interface]: wg's and wg-quick's own section and keys, and two of ours. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "source/config_reader.h"
#include "source/key_file.h"

static int
interface_begin(struct config_reader *r, const char *argument)
{
	char where[INTENT_WHERE_BYTES];
	int rc = config_interface(r);
	struct interface_intent *i = r->interface;
	if (rc < 0)
		return rc;
	if (r->has_interface_section)
		return config_error(r,
			"a second [Interface]: the first is at %s; give each interface a file of "
			"its own, -c may be repeated",
			intent_where(r->it, i->origin, where));
	r->has_interface_section = true;
	i->origin = config_here(r);
	return 0;
}

static int
read_name(struct config_reader *r, char *value)
{
	if (!intent_name_is_valid(value, INTENT_NAME_BYTES))
		return -EINVAL;
	return value_text(value, r->interface_name, sizeof(r->interface_name));
}

static int
read_private_key(struct config_reader *r, char *value)
{
	struct key k;
	if (key_from_base64(&k, value) < 0)
		return -EINVAL;
	interface_set_key(r->interface, &k);
	secret_wipe(&k, sizeof(k));
	r->holds_keys = true;
	return 0;
}

static int
read_private_key_file(struct config_reader *r, char *value)
{
	struct key k;
	struct err why;
	if (value[0] != '/')
		return -EINVAL;
	int rc = key_file_read(value, &k, &why);
	if (rc < 0)
		return config_error(r, "PrivateKeyFile: %s", why.text);
	interface_set_key(r->interface, &k);
	secret_wipe(&k, sizeof(k));
	return 0;
}

static int
read_listen_port(struct config_reader *r, char *value)
{
	uint32_t port;
	if (value_number(value, UINT16_MAX, &port) < 0)
		return -EINVAL;
	r->interface->listen_port = (uint16_t)port;
	return 0;
}

static int
read_listen_address(struct config_reader *r, char *item)
{
	struct addr a;
	if (addr_parse(item, &a) < 0)
		return -EINVAL;
	int rc = interface_listen_add(r->interface, &a);
	if (rc == -EEXIST)
		return config_error(r, "ListenAddress %s is given twice: take one out", item);
	if (rc == -ENOSPC)
		return config_error(r, "more than %d addresses to listen on",
			INTENT_MAX_LISTEN_ADDRS);
	return rc;
}

static int
read_listen_addresses(struct config_reader *r, char *value)
{
	return value_list(r, value, read_listen_address);
}

static int
read_fwmark(struct config_reader *r, char *value)
{
	if (strcasecmp(value, "off") == 0) {
		r->interface->fwmark = 0;
		return 0;
	}
	return value_number(value, UINT32_MAX, &r->interface->fwmark);
}

static int
read_address_item(struct config_reader *r, char *item)
{
	return value_address(r, item, &r->interface->addresses);
}

static int
read_addresses(struct config_reader *r, char *value)
{
	return value_list(r, value, read_address_item);
}

static int
read_snat_item(struct config_reader *r, char *item)
{
	struct prefix p;
	if (prefix_parse(item, &p) < 0 || addr_is_multicast(&p.addr))
		return -EINVAL;
	p = prefix_masked(&p);
	int rc = prefix_list_add(&r->interface->snat, &p);
	if (rc == -EEXIST)
		return config_error(r, "SNAT %s is given twice: take one out", item);
	if (rc == -ENOSPC)
		return config_error(r, "more than %d networks here", INTENT_MAX_ADDRESSES);
	return rc;
}

static int
read_snat(struct config_reader *r, char *value)
{
	return value_list(r, value, read_snat_item);
}

static int
read_mtu(struct config_reader *r, char *value)
{
	return value_mtu(value, &r->interface->mtu);
}

static int
read_clamp_mss(struct config_reader *r, char *value)
{
	static const char *const words[] = {"yes", "no"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->interface->keeps_mss = word;
	return 0;
}

static int
read_table(struct config_reader *r, char *value)
{
	static const struct {
		const char *name;
		enum table_mode mode;
		uint32_t id;
	} words[] = {
		{"auto", TABLE_AUTO, 0},
		{"off", TABLE_OFF, 0},
		{"main", TABLE_NUMBER, 254},
		{"default", TABLE_NUMBER, 253},
	};
	struct interface_intent *i = r->interface;
	for (size_t k = 0; k < ARRAY_COUNT(words); k++) {
		if (strcasecmp(value, words[k].name) != 0)
			continue;
		i->table = words[k].mode;
		i->table_id = words[k].id;
		return 0;
	}
	i->table_id = 0;
	i->table = TABLE_NUMBER;
	int rc = value_number(value, UINT32_MAX, &i->table_id);
	return i->table_id ? rc : -EINVAL;
}

static int
add_hook(struct config_reader *r, enum hook_when when, char *value)
{
	char where[INTENT_WHERE_BYTES];
	if (!*value)
		return -EINVAL;
	intent_where(r->it, config_here(r), where);
	if (!r->hook_name) {
		r->hook_name = r->key->name;
		r->hook_line = r->line;
	}
	int rc = hook_list_add(&r->interface->hooks, &(struct hook){when, value, where});
	return rc == -ENOSPC ? config_error(r, "more than %d commands here", HOOK_MAX) : rc;
}

static int
read_pre_up(struct config_reader *r, char *value)
{
	return add_hook(r, HOOK_PRE_UP, value);
}

static int
read_post_up(struct config_reader *r, char *value)
{
	return add_hook(r, HOOK_POST_UP, value);
}

static int
read_pre_down(struct config_reader *r, char *value)
{
	return add_hook(r, HOOK_PRE_DOWN, value);
}

static int
read_post_down(struct config_reader *r, char *value)
{
	return add_hook(r, HOOK_POST_DOWN, value);
}

/* An address is a name server, a name a search domain; what stands in them is safe in a shell. */
static int
read_dns_item(struct config_reader *r, char *item)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-";
	struct addr a;
	char text[ADDR_TEXT_BYTES], all[INTENT_DNS_BYTES];
	const char *was = r->interface->dns;
	if (addr_parse(item, &a) == 0)
		item = strcpy(text, addr_format(&a, all));
	else if (item[strspn(item, plain)] || item[strspn(item, "0123456789.")] == 0 ||
		item[0] == '-' || strlen(item) >= HOST_TEXT_BYTES)
		return -EINVAL;
	int n = snprintf(all, sizeof(all), "%s%s%s", was ? was : "", was ? "," : "", item);
	if (n < 0 || (size_t)n >= sizeof(all))
		return config_error(r, "the DNS list is longer than %d bytes", INTENT_DNS_BYTES);
	return intent_text_set(&r->interface->dns, all);
}

static int
read_dns(struct config_reader *r, char *value)
{
	return value_list(r, value, read_dns_item);
}

static int
read_save_config(struct config_reader *r, char *value)
{
	static const char *const words[] = {"false", "true"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->saves_config = word;
	return 0;
}

static const struct config_key interface_keys[] = {
	{"PrivateKey", read_private_key, "a key of 44 base64 characters, from `wg genkey`",
		"(the output of `wg genkey`)", "this side's key", .is_secret = true},
	{"PrivateKeyFile", read_private_key_file, "the absolute path of a key file",
		"/etc/headgate/private.key", "file with this side's key: mode 0600, owned by root"},
	{"ListenPort", read_listen_port, "0 to 65535", "51820", "UDP port; 0: any"},
	{"ListenAddress", read_listen_addresses, "addresses of this box",
		"203.0.113.2, 2001:db8::2",
		"where the port is open and packets come from; default: any address"},
	{"FwMark", read_fwmark, "off or a number", "0xca6c",
		"mark of outer packets, for the kernel's routing rules"},
	{"Address", read_addresses, "IP addresses with their length", "10.0.0.1/24, fd00::1/64",
		"addresses of the interface"},
	{"MTU", read_mtu, "576 to 16000", "1420",
		"largest inner packet; default: the underlay's less 80 bytes"},
	{"ClampMSS", read_clamp_mss, "yes or no", "yes",
		"TCP connections through the tunnel are told what fits into it; default: yes"},
	{"SNAT", read_snat, "networks", "192.168.10.0/24, 0.0.0.0/0",
		"what peers send there through a port leaves with this box's own address, for "
		"networks that have no route back to the peers; default: none"},
	{"Table", read_table, "auto, off, or the number of a table", "auto",
		"kernel table that gets the routes to allowed IPs"},
	{"DNS", read_dns, "IP addresses or search domains", "10.0.0.1, example.org",
		"resolvers and search domains of this host, by resolvconf or resolvectl"},
	{"PreUp", read_pre_up, "a command", "echo %i comes",
		"run by bash before the interface has anything; %i: its name; may be repeated"},
	{"PostUp", read_post_up, "a command", "ip rule add from 10.0.0.0/24 lookup 7",
		"run when addresses, DNS and routes are there"},
	{"PreDown", read_pre_down, "a command", "ip rule del from 10.0.0.0/24 lookup 7",
		"run before anything is taken away"},
	{"PostDown", read_post_down, "a command", "echo %i is gone",
		"run when all is taken away"},
	{"SaveConfig", read_save_config, "true or false", "false",
		"true: the running state is written back to this file at the end"},
	{"Name", read_name, "1 to 15 letters, digits or _=+.-", "hg0",
		"the interface's name; default: the file's"},
};

const struct config_section config_section_interface = {
	.name = "Interface",
	.begin = interface_begin,
	.keys = interface_keys,
	.n_keys = ARRAY_COUNT(interface_keys),
	.help = "a WireGuard interface, as in a wg-quick file",
};
