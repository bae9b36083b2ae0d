/* SPDX-License-Identifier: BSD-3-Clause */
/* [Interface]: wg's and wg-quick's own section and keys, and two of ours. */
#include <errno.h>
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
read_mtu(struct config_reader *r, char *value)
{
	return value_mtu(value, &r->interface->mtu);
}

static int
read_table(struct config_reader *r, char *value)
{
	static const char *const words[] = {[TABLE_AUTO] = "auto", [TABLE_OFF] = "off"};
	struct interface_intent *i = r->interface;
	unsigned word;
	i->table_id = 0;
	if (value_word(value, words, ARRAY_COUNT(words), &word) == 0) {
		i->table = (enum table_mode)word;
		return 0;
	}
	i->table = TABLE_NUMBER;
	int rc = value_number(value, UINT32_MAX, &i->table_id);
	return i->table_id ? rc : -EINVAL;
}

static int
refuse_hook(struct config_reader *r, char *value)
{
	return config_error(r,
		"%s is not run yet: take the line out and run the command from a systemd unit "
		"beside headgated",
		r->key->name);
}

static int
refuse_dns(struct config_reader *r, char *value)
{
	return config_error(r,
		"DNS is not set yet: take the line out and give this host its resolver by "
		"resolvectl or /etc/resolv.conf");
}

static int
read_save_config(struct config_reader *r, char *value)
{
	static const char *const words[] = {"false", "true"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	if (!word)
		return 0;
	return config_error(r,
		"SaveConfig is not done yet: take the line out and keep changes with "
		"`wg showconf`");
}

static const struct config_key interface_keys[] = {
	{"PrivateKey", read_private_key, "a key of 44 base64 characters, from `wg genkey`",
		"(the output of `wg genkey`)", "this side's key", .is_secret = true},
	{"PrivateKeyFile", read_private_key_file, "the absolute path of a key file",
		"/etc/headgate/private.key", "file with this side's key: mode 0600, owned by root"},
	{"ListenPort", read_listen_port, "0 to 65535", "51820", "UDP port; 0: any"},
	{"FwMark", read_fwmark, "off or a number", "0xca6c",
		"mark of outer packets, for the kernel's routing rules"},
	{"Address", read_addresses, "IP addresses with their length", "10.0.0.1/24, fd00::1/64",
		"addresses of the interface"},
	{"MTU", read_mtu, "576 to 16000", "1420",
		"largest inner packet; default: the underlay's less 80 bytes"},
	{"Table", read_table, "auto, off, or the number of a table", "auto",
		"kernel table that gets the routes to allowed IPs"},
	{"DNS", refuse_dns, "IP addresses or search domains", "10.0.0.1", "not set yet: refused"},
	{"PreUp", refuse_hook, "a command", "", "not run yet: refused"},
	{"PostUp", refuse_hook, "a command", "", "not run yet: refused"},
	{"PreDown", refuse_hook, "a command", "", "not run yet: refused"},
	{"PostDown", refuse_hook, "a command", "", "not run yet: refused"},
	{"SaveConfig", read_save_config, "true or false", "false", "true is not done yet: refused"},
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
