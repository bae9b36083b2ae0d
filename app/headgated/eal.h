/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment: its arguments are ours to make, from the config (design: nobody types them).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "intent/intent.h"
#include "port/profile.h"

struct rte_mempool;

struct eal {
	unsigned worker_cores[64];
	unsigned n_workers;
	unsigned control_core;
	unsigned memory_mib;
	bool has_hugepages;
	bool has_pci;          /* a port names a PCI device */
	char prefix[32];
};

/* Chooses cores and memory, and starts the EAL. Main thread, once. */
int eal_start(struct eal *eal, const struct intent *intent, const struct profiles *profiles,
	struct err *err);
/* The packet buffers for ports, twins and workers. NULL with a sentence. */
struct rte_mempool *eal_make_pool(const struct eal *eal, const struct intent *intent,
	struct err *err);
/* Ends the EAL and removes what it left in its run-time folder. */
void eal_stop(struct eal *eal);
