/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names and numbers as people and other programs write them: addresses, prefixes, endpoints, MAC
 * addresses, keys, lists of cores, interface names, driver profiles. The input is a text. What is
 * taken comes back from its own formatted text, and fits where it is to go.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/key.h"
#include "intent/cores.h"
#include "intent/intent.h"
#include "port/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static void
addresses(const char *text)
{
	struct addr a, a2;
	struct prefix p, p2;
	struct endpoint e, e2;
	char out[256];
	_Static_assert(sizeof(out) >= ENDPOINT_TEXT_BYTES, "all of them fit");
	if (addr_parse(text, &a) == 0)
		must(addr_parse(addr_format(&a, out), &a2) == 0 && addr_is_equal(&a, &a2));
	if (prefix_parse(text, &p) == 0) {
		must(p.len <= addr_bits(p.addr.family));
		must(prefix_parse(prefix_format(&p, out), &p2) == 0 && prefix_is_equal(&p, &p2));
		struct prefix masked = prefix_masked(&p);
		must(prefix_has(&masked, &p.addr));
	}
	if (endpoint_parse(text, &e) == 0) {
		struct sockaddr_storage ss;
		must(endpoint_parse(endpoint_format(&e, out), &e2) == 0);
		must(endpoint_is_equal(&e, &e2));
		must(endpoint_to_sockaddr(&e, &ss) <= sizeof(ss));
		must(endpoint_from_sockaddr((struct sockaddr *)&ss, &e2) == 0);
		must(endpoint_is_equal(&e, &e2));
	}
}

static void
keys_and_macs(const char *text)
{
	struct key k, k2;
	struct mac m, m2;
	char base64[KEY_BASE64_BYTES], hex[KEY_HEX_BYTES], short_text[KEY_SHORT_BYTES];
	char mac[MAC_TEXT_BYTES];
	if (key_from_base64(&k, text) == 0) {
		key_to_base64(&k, base64);
		must(strcmp(base64, text) == 0);
		must(strlen(key_short(&k, short_text)) < KEY_SHORT_BYTES);
	}
	if (key_from_hex(&k, text) == 0) {
		key_to_hex(&k, hex);
		must(key_from_hex(&k2, hex) == 0 && key_is_equal(&k, &k2));
	}
	if (mac_parse(text, &m) == 0)
		must(mac_parse(mac_format(&m, mac), &m2) == 0 && !memcmp(&m, &m2, sizeof(m)));
}

static void
names(const char *text)
{
	struct core_set cores;
	struct port_profile profile;
	struct err err;
	if (core_set_parse(text, &cores) == 0) {
		unsigned n = 0;
		for (unsigned i = 0; i < CORE_MAX; i++)
			n += core_set_has(&cores, i);
		must(n == cores.n);
	}
	if (intent_name_is_valid(text, INTENT_NAME_BYTES))
		must(text[0] && strlen(text) < INTENT_NAME_BYTES && !strchr(text, '/'));
	if (profile_parse(&profile, text, "t", &err) == 0)
		must(profile.rx_descriptors && profile.n_pci <= PROFILE_PCI_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);
	if (!text)
		return 0;
	memcpy(text, data, n_bytes);
	text[n_bytes] = 0;
	addresses(text);
	keys_and_macs(text);
	names(text);
	free(text);
	return 0;
}
