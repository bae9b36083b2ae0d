/* SPDX-License-Identifier: BSD-3-Clause */
/* Device strings: a PCI address, or a vdev with its arguments. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "port/port.h"

/* mlx5 leaves the kernel its netdev; with two ports at one address it is not told which. */
static void
netdev_of_pci(const char *device, char out[IF_NAMESIZE])
{
	char path[96];
	struct dirent *d;
	size_t n = strcspn(device, ",");
	bool has_domain = n > 7;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s%.*s/net", has_domain ? "" : "0000:",
		(int)MIN_OF(n, 32), device);
	DIR *dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(out, IF_NAMESIZE, "%.*s", out[0] ? 0 : IF_NAMESIZE - 1, d->d_name);
		if (!out[0])
			break;
	}
	if (dir)
		closedir(dir);
}

void
port_device_netdev(const char *device, char out[IF_NAMESIZE])
{
	out[0] = 0;
	if (port_device_is_pci(device)) {
		netdev_of_pci(device, out);
		return;
	}
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
