/* SPDX-License-Identifier: BSD-3-Clause */
/* [Gateway]: options of the process, and the section that is known but not there yet. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "crypto/aead_names.h"
#include "intent/cores.h"
#include "source/config_reader.h"

static int
gateway_begin(struct config_reader *r, const char *argument)
{
	char where[INTENT_WHERE_BYTES];
	struct origin *origin = &r->it->gateway.origin;
	if (origin->file_id)
		return config_error(r,
			"a second [Gateway]: the first is at %s, and there is one "
			"for all files",
			intent_where(r->it, *origin, where));
	*origin = config_here(r);
	return 0;
}

static int
read_workers(struct config_reader *r, char *value)
{
	struct core_set cores;
	int rc = core_set_parse(value, &cores);
	struct gateway_intent *g = &r->it->gateway;
	return rc ? rc : value_text(value, g->workers, sizeof(g->workers));
}

static int
read_control(struct config_reader *r, char *value)
{
	uint32_t core;
	if (value_number(value, CORE_MAX - 1, &core) < 0)
		return -EINVAL;
	r->it->gateway.control_core = (int32_t)core;
	return 0;
}

static int
read_hugepages(struct config_reader *r, char *value)
{
	static const char *const words[] = {"no", "auto"};
	unsigned word;
	uint32_t mib;
	if (value_word(value, words, ARRAY_COUNT(words), &word) == 0)
		r->it->gateway.hugepages_mib = word ? HUGEPAGES_AUTO : 0;
	else if (value_number(value, 1 << 20, &mib) == 0)
		r->it->gateway.hugepages_mib = (int32_t)mib;
	else
		return -EINVAL;
	return 0;
}

static int
read_idle(struct config_reader *r, char *value)
{
	static const char *const words[] = {[IDLE_SLEEP] = "sleep", [IDLE_POLL] = "poll"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->it->gateway.idle = (enum idle_mode)word;
	return 0;
}

static int
read_host(struct config_reader *r, char *value)
{
	static const char *const words[] = {"no", "yes"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->it->gateway.host = word;
	return 0;
}

static int
read_netfilter(struct config_reader *r, char *value)
{
	static const char *const words[] = {
		[NETFILTER_REFUSE] = "refuse", [NETFILTER_IGNORE] = "ignore"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->it->gateway.netfilter = (enum netfilter_mode)word;
	return 0;
}

static int
read_log_level(struct config_reader *r, char *value)
{
	return log_level_parse(value, &r->it->gateway.log_level);
}

static int
read_crypto(struct config_reader *r, char *value)
{
	struct gateway_intent *g = &r->it->gateway;
	bool is_auto = strcasecmp(value, "auto") == 0;
	if (!is_auto && !aead_name_is_known(value))
		return -EINVAL;
	g->crypto_origin = config_here(r);
	return is_auto ? (g->crypto[0] = 0) : value_text(value, g->crypto, sizeof(g->crypto));
}

/* "61000-65535" */
static int
read_snat_ports(struct config_reader *r, char *value)
{
	struct gateway_intent *g = &r->it->gateway;
	uint32_t first, last;
	char *dash = strchr(value, '-');
	if (!dash)
		return -EINVAL;
	*dash = 0;
	if (value_number(value_trim(value), UINT16_MAX, &first) < 0 ||
		value_number(value_trim(dash + 1), UINT16_MAX, &last) < 0 || first < 1024 ||
		first > last)
		return -EINVAL;
	g->snat_first_port = (uint16_t)first;
	g->snat_last_port = (uint16_t)last;
	return 0;
}

static int
read_snat_flows(struct config_reader *r, char *value)
{
	uint32_t n;
	if (value_number(value, INTENT_SNAT_FLOWS_MAX, &n) < 0 || n < INTENT_SNAT_FLOWS_MIN)
		return -EINVAL;
	r->it->gateway.snat_flows = n;
	return 0;
}

static const struct config_key gateway_keys[] = {
	{"Workers", read_workers, "a list of cores", "1-3,5",
		"cores that forward packets; default: all but one"},
	{"Control", read_control, "the number of a core", "0",
		"core of the control and handshake threads"},
	{"Hugepages", read_hugepages, "auto, no, or a size in MiB", "auto",
		"memory on huge pages: what there is, none, or this much"},
	{"Idle", read_idle, "sleep or poll", "sleep",
		"what a worker without packets does: poll has the lowest latency"},
	{"Host", read_host, "yes or no", "yes",
		"kernel twins of the ports and the netlink mirror; no: static neighbours only"},
	{"Netfilter", read_netfilter, "refuse or ignore", "refuse",
		"when the kernel has forward or NAT rules that headgate would bypass"},
	{"LogLevel", read_log_level, "error, warn, info or debug", "info", "how much is logged"},
	{"Crypto", read_crypto, AEAD_WISHES, "auto",
		"AEAD backend; auto: by a self-test and a short timing. A named one is taken or "
		"refused, and does every burst itself"},
	{"SNATPorts", read_snat_ports, "FIRST-LAST, of 1024 to 65535", "61000-65535",
		"ports and ICMP identifiers that SNAT takes: none that a program of this box uses. "
		"A change forgets all translations"},
	{"SNATFlows", read_snat_flows, "1024 to 16777216", "65536",
		"how many flows SNAT translates at a time, about 150 bytes each; a change forgets "
		"all"},
};

const struct config_section config_section_gateway = {
	.name = "Gateway",
	.begin = gateway_begin,
	.keys = gateway_keys,
	.n_keys = ARRAY_COUNT(gateway_keys),
	.help = "options of the process",
};

static int
refuse_section(struct config_reader *r, const char *argument)
{
	return config_error(
		r, "[%s] is not in this version: take the section out", r->section->name);
}

const struct config_section config_section_segment = {
	.name = "Segment",
	.argument = "NAME",
	.begin = refuse_section,
	.help = "a layer-2 segment bridged to other sites (not in this version)",
};
