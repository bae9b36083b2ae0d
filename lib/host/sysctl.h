/* SPDX-License-Identifier: BSD-3-Clause */
/* One value below /proc/sys, of the network namespace of the calling thread. */
#pragma once

#include <stddef.h>

#include "base/err.h"

enum { SYSCTL_VALUE_BYTES = 64 };

/* path: "net/ipv6/conf/eth1/disable_ipv6". Reads its first line. 0 or a negative errno. */
int sysctl_read(const char *path, char out[SYSCTL_VALUE_BYTES], struct err *err);
int sysctl_write(const char *path, const char *value, struct err *err);
