/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VLAN of another port as a port of its own: `Device = wan.100`, the other port's name, a dot and
 * the VLAN id (IEEE 802.1Q). Which form a Device has is a matter of its text alone; whether it
 * makes sense is a matter of all ports, wherever their sections stand.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "intent/intent.h"

enum { VLAN_ID_MIN = 1, VLAN_ID_MAX = 4094 };

/* What Device = PORT.ID says. */
struct vlan_device {
	char parent[INTENT_PORT_NAME_BYTES];
	uint16_t id;
};

/*
 * Whether the Device names a VLAN of a port: NAME.DIGITS, which no PCI address and no device string
 * with arguments is. out->id is 0 when the number is none of VLAN_ID_MIN to VLAN_ID_MAX.
 */
bool vlan_device_parse(const char *device, struct vlan_device *out);

/* Whether ports[index], if it is a VLAN, may be one. 0, or -EINVAL and a sentence. */
int vlan_check(const struct intent *it, size_t index, struct err *err);
