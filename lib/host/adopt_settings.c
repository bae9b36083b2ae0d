/* SPDX-License-Identifier: BSD-3-Clause */
/* A netdev's settings on its twin. Best effort: what the kernel does not know is left out. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/adopt_inner.h"
#include "host/sysctl.h"

/* What of a netdev's settings makes a difference to how its addresses and routes live on. */
static const char *const settings[] = {
	"ipv4 forwarding",
	"ipv4 rp_filter",
	"ipv4 src_valid_mark",
	"ipv4 accept_redirects",
	"ipv4 secure_redirects",
	"ipv4 send_redirects",
	"ipv4 accept_source_route",
	"ipv4 accept_local",
	"ipv4 route_localnet",
	"ipv4 arp_ignore",
	"ipv4 arp_announce",
	"ipv4 arp_filter",
	"ipv4 arp_accept",
	"ipv4 proxy_arp",
	"ipv4 promote_secondaries",
	"ipv4 log_martians",
	"ipv6 forwarding",
	"ipv6 hop_limit",
	"ipv6 accept_redirects",
	"ipv6 accept_ra",
	"ipv6 accept_ra_defrtr",
	"ipv6 accept_ra_pinfo",
	"ipv6 accept_ra_mtu",
	"ipv6 accept_ra_rt_info_max_plen",
	"ipv6 autoconf",
	"ipv6 use_tempaddr",
	"ipv6 proxy_ndp",
};

static void
setting_path(char out[128], const char *setting, const char *device)
{
	snprintf(out, 128, "net/%.4s/conf/%s/%s", setting, device, setting + 5);
}

static void
copy_setting(const char *setting, const char *from_device, const char *to_device)
{
	char from[128], to[128], is[SYSCTL_VALUE_BYTES], was[SYSCTL_VALUE_BYTES];
	struct err err;
	setting_path(from, setting, from_device);
	setting_path(to, setting, to_device);
	if (sysctl_read(from, is, NULL) || sysctl_read(to, was, NULL) || strcmp(is, was) == 0)
		return;
	if (sysctl_write(to, is, &err))
		log_debug("%s", err.text);
}

void
adopt_copy_settings(const char *from_device, const char *to_device)
{
	for (size_t i = 0; i < ARRAY_COUNT(settings); i++)
		copy_setting(settings[i], from_device, to_device);
}

bool
adopt_has_gen_mode(const char *device)
{
	char path[128], mode[SYSCTL_VALUE_BYTES];
	setting_path(path, "ipv6 addr_gen_mode", device);
	return sysctl_read(path, mode, NULL) == 0 && strcmp(mode, "0") == 0;
}

void
adopt_set_gen_mode(const char *device, bool forms_addresses)
{
	char path[128];
	setting_path(path, "ipv6 addr_gen_mode", device);
	sysctl_write(path, forms_addresses ? "0" : "1", NULL);
}
