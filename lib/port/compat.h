/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that differ between DPDK 22.11 (Debian 12) and 24.11 (Debian 13): all of them, here. */
#pragma once

#include <rte_version.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_u64 rte_tel_data_add_dict_uint
#endif
