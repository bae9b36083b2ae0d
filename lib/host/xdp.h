/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program of a netdev, which outlives the process that attached it. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "host/netlink.h"

/* The number of the program that the device has; 0: none. -ENODEV. */
int xdp_program(struct netlink *nl, const char *device, uint32_t *id, struct err *err);
/* Detaches the program unless it is number keep_id; none being there is no failure. -ENODEV. */
int xdp_detach(struct netlink *nl, const char *device, uint32_t keep_id, struct err *err);
