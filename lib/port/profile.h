/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of a driver: a file a NIC family in drivers-config/, a struct port_profile here.
 * The files stand in the program; one of the same name in the folder that is given at start takes
 * its file's place. drivers-config/README.md says what each key means. Main thread, at start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	PROFILE_DRIVERS_MAX = 8,
	PROFILE_PCI_MAX = 64,
	PROFILE_DEVICE_BYTES = 384, /* a device string with the profile's arguments */
};

/* How a device comes to DPDK. */
enum profile_binding {
	PROFILE_BINDING_NONE,   /* there is nothing to bind: a virtual device */
	PROFILE_BINDING_VFIO,   /* its PCI device is bound to vfio-pci */
	PROFILE_BINDING_KERNEL, /* it stays with its kernel driver, which DPDK works beside */
};

struct profile_pci {
	uint16_t vendor, device; /* device 0xffff: any */
};

struct port_profile {
	char name[32];                                /* the file's; "default": any other driver */
	char family[64];                              /* for a person */
	char source[128];                             /* "built in", or the file */
	char drivers[PROFILE_DRIVERS_MAX][32];        /* as DPDK names them */
	unsigned n_drivers;
	struct profile_pci pci[PROFILE_PCI_MAX];
	unsigned n_pci;
	enum profile_binding binding;
	uint16_t rx_descriptors, tx_descriptors;
	uint16_t max_queues;                          /* 0: what the device has */
	uint16_t max_mtu;                             /* 0: what the device says */
	bool is_virtual;                              /* its peer may leave checksums partial */
	uint64_t rx_offloads, tx_offloads, rss;       /* DPDK's bits, asked for where there */
	char devargs[128];                            /* "name=value,…", added unless given */
	char note[384];                               /* known limits, or "" */
};

struct profiles {
	struct port_profile *items;
	size_t n;
};

/*
 * The built-in profiles, then those of folder/NAME.conf; folder NULL or not there: none. 0, or a
 * negative errno and a sentence with file and line.
 */
int profiles_load(struct profiles *out, const char *folder, struct err *err);
void profiles_fini(struct profiles *p);

/*
 * Reads one profile's text into *out, which it clears; where names it in errors. 0, or -EINVAL
 * and a sentence.
 */
int profile_parse(struct port_profile *out, const char *text, const char *where, struct err *err);

/* The driver's profile, or the default's. Never NULL after profiles_load. */
const struct port_profile *profile_of_driver(const struct profiles *p, const char *driver);
/* The profile of the PCI device, or the default's. */
const struct port_profile *profile_of_pci(const struct profiles *p, uint16_t vendor,
	uint16_t device);
/*
 * The one of a device string, before DPDK has seen it: by the driver's name in front of a virtual
 * device, by what sysfs says of a PCI address. Never NULL.
 */
const struct port_profile *profile_of_device(const struct profiles *p, const char *device);

/* The device string with those of its profile's arguments that it does not have itself. */
void profile_device_string(const struct profiles *p, const char *device,
	char out[PROFILE_DEVICE_BYTES]);
