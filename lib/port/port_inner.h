/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share. No other folder includes this. */
#pragma once

#include "port/port.h"

struct rte_eth_dev_info;

/*
 * Sets port->mtu, and the device's where the config names one, before its queues are set up.
 * port->profile and port->netdev are known. 0, or a negative errno and a sentence.
 */
int port_set_mtu(struct port *port, const struct port_config *config,
	const struct rte_eth_dev_info *info, struct err *err);

/* Adds to the device string out, made of `device`, the frame size that AF_PACKET needs for mtu. */
void port_size_frames(const char *device, uint32_t mtu, char out[PROFILE_DEVICE_BYTES]);
