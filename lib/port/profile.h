/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a driver: a line a fact in drivers-config/, a row here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct port_profile {
	const char *driver;          /* as DPDK names it; "default": any other */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t max_queues;         /* 0: what the device has */
	bool is_virtual;             /* its peer may leave checksums partial */
	const char *netdev_argument; /* names the kernel's device underneath, or NULL */
	const char *devargs; /* added to a device string that has no such argument, or NULL */
	const char *note;
};

/* The row of the driver by which a device string starts, or the default's. Never NULL. */
const struct port_profile *profile_of_device(const char *device);
/* The driver's row, or the default's. Never NULL. */
const struct port_profile *profile_of_driver(const char *driver);
