/* SPDX-License-Identifier: BSD-3-Clause */
/* Device strings: a PCI address, or a vdev with its arguments. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "port/port.h"

void
port_device_netdev(const char *device, char out[IF_NAMESIZE])
{
	out[0] = 0;
	if (strncmp(device, "net_tap", 7) == 0)
		return; /* it makes the netdev that iface= names */
	for (const char *at = strchr(device, ','); at; at = strchr(at + 1, ',')) {
		if (strncmp(at + 1, "iface=", 6) != 0)
			continue;
		size_t n = strcspn(at + 7, ",");
		if (n < IF_NAMESIZE) {
			memcpy(out, at + 7, n);
			out[n] = 0;
		}
		return;
	}
}

bool
port_device_is_pci(const char *device)
{
	unsigned domain, bus, slot, function;
	int n = 0;
	if (sscanf(device, "%4x:%2x:%2x.%1u%n", &domain, &bus, &slot, &function, &n) == 4 ||
		sscanf(device, "%2x:%2x.%1u%n", &bus, &slot, &function, &n) == 3)
		return device[n] == 0 || device[n] == ',';
	return false;
}
