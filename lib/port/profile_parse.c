/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a profile: lines of "key = value", a row of the table below each. */
#include <ctype.h>
#include <errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "port/profile.h"

enum { VALUE_BYTES = 1024 };

struct word {
	const char *name;
	uint64_t bits;
};

static const struct word rx_offload_words[] = {
	{"ipv4-checksum", RTE_ETH_RX_OFFLOAD_IPV4_CKSUM},
	{"udp-checksum", RTE_ETH_RX_OFFLOAD_UDP_CKSUM},
	{"tcp-checksum", RTE_ETH_RX_OFFLOAD_TCP_CKSUM},
	{NULL, 0},
};

static const struct word tx_offload_words[] = {
	{"fast-free", RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE},
	{NULL, 0},
};

static const struct word rss_words[] = {
	{"ip", RTE_ETH_RSS_IP},
	{"udp", RTE_ETH_RSS_UDP},
	{"tcp", RTE_ETH_RSS_TCP},
	{NULL, 0},
};

/* Each reader returns 0 or -EINVAL; value may be written to. */

static int
read_number(char *value, uint16_t *out)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || errno || n > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)n;
	return 0;
}

static int
read_text(const char *value, char *out, size_t out_bytes)
{
	size_t n = strlen(value);
	if (n >= out_bytes)
		return -EINVAL;
	memcpy(out, value, n + 1);
	return 0;
}

/* The next word of a list that commas or blanks part; NULL: there is none. */
static char *
next_word(char **rest)
{
	return strtok_r(NULL, ", \t", rest);
}

static int
read_words(char *value, const struct word *words, uint64_t *out)
{
	char *rest = value;
	if (strcmp(value, "none") == 0)
		return 0;
	for (char *w = next_word(&rest); w; w = next_word(&rest)) {
		const struct word *known = words;
		while (known->name && strcmp(known->name, w) != 0)
			known++;
		if (!known->name)
			return -EINVAL;
		*out |= known->bits;
	}
	return 0;
}

static int
read_family(struct port_profile *p, char *value)
{
	return read_text(value, p->family, sizeof(p->family));
}

static int
read_drivers(struct port_profile *p, char *value)
{
	char *rest = value;
	for (char *w = next_word(&rest); w; w = next_word(&rest)) {
		if (p->n_drivers == PROFILE_DRIVERS_MAX ||
			read_text(w, p->drivers[p->n_drivers++], sizeof(p->drivers[0])))
			return -EINVAL;
	}
	return 0;
}

static int
read_pci(struct port_profile *p, char *value)
{
	char *rest = value;
	for (char *w = next_word(&rest); w; w = next_word(&rest)) {
		unsigned vendor, device = 0xffff;
		int n = 0;
		bool is_any = sscanf(w, "%4x:*%n", &vendor, &n) == 1 && n > 0 && !w[n];
		n = is_any ? n : 0;
		if (!is_any && (sscanf(w, "%4x:%4x%n", &vendor, &device, &n) != 2 || w[n]))
			return -EINVAL;
		if (p->n_pci == PROFILE_PCI_MAX)
			return -EINVAL;
		p->pci[p->n_pci++] = (struct profile_pci){(uint16_t)vendor, (uint16_t)device};
	}
	return 0;
}

static int
read_binding(struct port_profile *p, char *value)
{
	static const char *const words[] = {
		[PROFILE_BINDING_NONE] = "none",
		[PROFILE_BINDING_VFIO] = "vfio-pci",
		[PROFILE_BINDING_KERNEL] = "kernel",
	};
	for (unsigned i = 0; i < ARRAY_COUNT(words); i++) {
		if (strcmp(words[i], value) != 0)
			continue;
		p->binding = (enum profile_binding)i;
		return 0;
	}
	return -EINVAL;
}

static int
read_rx_descriptors(struct port_profile *p, char *value)
{
	return read_number(value, &p->rx_descriptors);
}

static int
read_tx_descriptors(struct port_profile *p, char *value)
{
	return read_number(value, &p->tx_descriptors);
}

static int
read_max_queues(struct port_profile *p, char *value)
{
	return read_number(value, &p->max_queues);
}

static int
read_max_mtu(struct port_profile *p, char *value)
{
	return read_number(value, &p->max_mtu);
}

static int
read_virtual(struct port_profile *p, char *value)
{
	p->is_virtual = strcmp(value, "yes") == 0;
	return p->is_virtual || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

static int
read_rx_offloads(struct port_profile *p, char *value)
{
	return read_words(value, rx_offload_words, &p->rx_offloads);
}

static int
read_tx_offloads(struct port_profile *p, char *value)
{
	return read_words(value, tx_offload_words, &p->tx_offloads);
}

static int
read_rss(struct port_profile *p, char *value)
{
	return read_words(value, rss_words, &p->rss);
}

static int
read_devargs(struct port_profile *p, char *value)
{
	return strchr(value, '=') ? read_text(value, p->devargs, sizeof(p->devargs)) : -EINVAL;
}

static int
read_note(struct port_profile *p, char *value)
{
	return read_text(value, p->note, sizeof(p->note));
}

static const struct profile_key {
	const char *name;
	int (*read)(struct port_profile *p, char *value);
	const char *wants;
	bool is_needed;
} keys[] = {
	{"family", read_family, "a name of at most 63 characters", true},
	{"drivers", read_drivers, "at most 8 names of DPDK drivers", false},
	{"pci", read_pci, "at most 64 of VENDOR:DEVICE in hex; DEVICE may be *", false},
	{"binding", read_binding, "vfio-pci, kernel or none", true},
	{"rx_descriptors", read_rx_descriptors, "0 to 65535", true},
	{"tx_descriptors", read_tx_descriptors, "0 to 65535", true},
	{"max_queues", read_max_queues, "0 (what the device has) to 65535", true},
	{"max_mtu", read_max_mtu, "0 (what the device says) to 65535", false},
	{"virtual", read_virtual, "yes or no", true},
	{"rx_offloads", read_rx_offloads,
		"none, or some of ipv4-checksum udp-checksum tcp-checksum", true},
	{"tx_offloads", read_tx_offloads, "none or fast-free", true},
	{"rss", read_rss, "none, or some of ip udp tcp", true},
	{"devargs", read_devargs, "name=value,… of at most 127 characters", false},
	{"note", read_note, "at most 383 characters", false},
};

static char *
trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	char *end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = 0;
	return text;
}

static const struct profile_key *
find_key(const char *name)
{
	for (unsigned i = 0; i < ARRAY_COUNT(keys); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

/* One line without its comment; *seen gets the bit of its key. */
static int
parse_line(struct port_profile *out, char *line, uint32_t *seen, struct err *err)
{
	char *equals = strchr(line, '=');
	if (!equals)
		return err_set(err, -EINVAL, "'%.40s' is no line of the form key = value", line);
	*equals = 0;
	const char *name = trim(line);
	char *value = trim(equals + 1);
	const struct profile_key *key = find_key(name);
	if (!key)
		return err_set(err, -EINVAL, "'%.40s' is no key of a driver profile; "
			"drivers-config/README.md lists them", name);
	uint32_t bit = 1u << (key - keys);
	if (*seen & bit)
		return err_set(err, -EINVAL, "%s stands here a second time", name);
	*seen |= bit;
	if (!value[0] || key->read(out, value))
		return err_set(err, -EINVAL, "%s = %.60s: it wants %s", name, value, key->wants);
	return 0;
}

static int
check(const struct port_profile *p, uint32_t seen, const char *where, struct err *err)
{
	for (unsigned i = 0; i < ARRAY_COUNT(keys); i++) {
		if (keys[i].is_needed && !(seen & 1u << i))
			return err_set(err, -EINVAL, "%s: %s is missing", where, keys[i].name);
	}
	if (!p->rx_descriptors || !p->tx_descriptors)
		return err_set(err, -EINVAL, "%s: a queue without descriptors carries nothing",
			where);
	return 0;
}

int
profile_parse(struct port_profile *out, const char *text, const char *where, struct err *err)
{
	uint32_t seen = 0;
	unsigned number = 0;
	memset(out, 0, sizeof(*out));
	while (*text) {
		char line[VALUE_BYTES];
		size_t n = strcspn(text, "\n");
		number++;
		if (n >= sizeof(line))
			return err_set(err, -EINVAL, "%s:%u: a line longer than %d characters",
				where, number, VALUE_BYTES - 1);
		memcpy(line, text, n);
		line[n] = 0;
		line[strcspn(line, "#")] = 0;
		text += n + (text[n] == '\n');
		char *content = trim(line);
		int rc = *content ? parse_line(out, content, &seen, err) : 0;
		if (rc)
			return err_prefix(err, rc, "%s:%u", where, number);
	}
	return check(out, seen, where, err);
}
