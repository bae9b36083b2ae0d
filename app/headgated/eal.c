/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "intent/cores.h"
#include "pool.h"
#include "port/port.h"

enum {
	ARGS_MAX = 80,
	MEMORY_MIB = 256,         /* buffers for a few ports, rings, DPDK's own */
	POOL_BUFS = 32767,
	DATA_ROOM_MIN = 2048,
	DATA_ROOM_LARGE = 4096,   /* from here on fewer buffers do */
};

struct args {
	char text[ARGS_MAX][1024];
	char *argv[ARGS_MAX + 1];
	int argc;
};

static void
arg_add(struct args *a, const char *text)
{
	if (a->argc == ARGS_MAX)
		return;
	snprintf(a->text[a->argc], sizeof(a->text[0]), "%s", text);
	a->argv[a->argc] = a->text[a->argc];
	a->argc++;
}

static unsigned
cores_of_machine(bool usable[CORE_MAX])
{
	cpu_set_t set;
	unsigned n = 0;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	for (unsigned i = 0; i < CORE_MAX; i++) {
		usable[i] = CPU_ISSET(i, &set);
		n += usable[i];
	}
	return n;
}

/* Workers as the config says, else all cores but one; control beside them. */
static int
choose_cores(struct eal *eal, const struct gateway_intent *g, struct err *err)
{
	bool usable[CORE_MAX];
	unsigned n_cores = cores_of_machine(usable);
	struct core_set wanted = {0};
	if (g->workers[0] && core_set_parse(g->workers, &wanted))
		return err_set(
			err, -EINVAL, "Workers = %s: a core list looks like 1-3,5", g->workers);
	unsigned first = 0;
	while (first < CORE_MAX && !usable[first])
		first++;
	eal->control_core = g->control_core >= 0 ? (unsigned)g->control_core : first;
	if (eal->control_core >= CORE_MAX || !usable[eal->control_core])
		return err_set(err, -EINVAL, "Control = %u: this process may not run on that core",
			eal->control_core);
	for (unsigned i = 0; i < CORE_MAX && eal->n_workers < 64; i++) {
		bool is_wanted = g->workers[0]
					 ? core_set_has(&wanted, i)
					 : usable[i] && (i != eal->control_core || n_cores == 1);
		if (is_wanted && !usable[i])
			return err_set(err, -EINVAL,
				"Workers = %s: this process may not run on core %u (it has %u "
				"cores)",
				g->workers, i, n_cores);
		if (is_wanted)
			eal->worker_cores[eal->n_workers++] = i;
	}
	return eal->n_workers ? 0 : err_set(err, -EINVAL, "Workers names no core");
}

static long
read_number(const char *path)
{
	long v = 0;
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%ld", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static bool
has_hugetlbfs(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/mounts", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " hugetlbfs ") != NULL;
	if (f)
		fclose(f);
	return found;
}

static int
choose_memory(struct eal *eal, const struct gateway_intent *g, struct err *err)
{
	long free_mib = read_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") * 2;
	unsigned mib = g->hugepages_mib > 0 ? (unsigned)g->hugepages_mib : MEMORY_MIB;
	bool enough = has_hugetlbfs() && free_mib >= (long)mib;
	if (g->hugepages_mib > 0 && !enough)
		return err_set(err, -ENOMEM,
			"Hugepages = %u: only %ld MiB of 2 MiB pages are free%s; reserve them with "
			"drivers-config/hugepages %u",
			mib, free_mib, has_hugetlbfs() ? "" : " and no hugetlbfs is mounted",
			mib);
	eal->memory_mib = mib;
	eal->has_hugepages = g->hugepages_mib != 0 && enough;
	return 0;
}

/*
 * An EAL thread a worker, numbered from 1, on the worker's core; 0 is the control thread. Two of
 * them may share a core, as on small machines.
 */
static void
core_args(const struct eal *eal, struct args *a)
{
	char map[1024];
	int n = snprintf(map, sizeof(map), "0@%u", eal->control_core);
	for (unsigned i = 0; i < eal->n_workers && n < (int)sizeof(map) - 16; i++)
		n += snprintf(map + n, sizeof(map) - (size_t)n, ",%u@%u", i + 1,
			eal->worker_cores[i]);
	arg_add(a, "--lcores");
	arg_add(a, map);
}

static void
device_args(struct eal *eal, const struct intent *intent, const struct profiles *profiles,
	struct args *a)
{
	for (size_t i = 0; i < intent->n_ports; i++) {
		if (!port_device_is_pci(intent->ports[i]->device))
			continue;
		char device[PROFILE_DEVICE_BYTES];
		profile_device_string(profiles, intent->ports[i]->device, device);
		arg_add(a, "-a");
		arg_add(a, device);
		eal->has_pci = true;
	}
	if (!eal->has_pci)
		arg_add(a, "--no-pci");
}

static void
make_args(struct eal *eal, const struct intent *intent, const struct profiles *profiles,
	struct args *a)
{
	char text[64];
	arg_add(a, "headgated");
	core_args(eal, a);
	device_args(eal, intent, profiles, a);
	arg_add(a, "--file-prefix");
	arg_add(a, eal->prefix);
	snprintf(text, sizeof(text), "%u", eal->memory_mib);
	arg_add(a, "-m");
	arg_add(a, text);
	if (eal->has_hugepages)
		arg_add(a, "--huge-unlink=always");
	else
		arg_add(a, "--no-huge");
	bool is_debug = log_is_on(LOG_LEVEL_DEBUG);
	arg_add(a, is_debug ? "--log-level=*:info" : "--log-level=*:error");
	/* What the EAL says of a device that is not there, each second, we say once and better. */
	arg_add(a, is_debug ? "--log-level=lib.eal:info" : "--log-level=lib.eal:critical");
}

int
eal_start(struct eal *eal, const struct intent *intent, const struct profiles *profiles,
	struct err *err)
{
	memset(eal, 0, sizeof(*eal));
	int rc = choose_cores(eal, &intent->gateway, err);
	if (!rc)
		rc = choose_memory(eal, &intent->gateway, err);
	if (rc)
		return rc;
	snprintf(eal->prefix, sizeof(eal->prefix), "headgate-%d", (int)getpid());
	struct args *a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(err, -ENOMEM, "no memory to start DPDK");
	make_args(eal, intent, profiles, a);
	rc = rte_eal_init(a->argc, a->argv);
	free(a);
	if (rc < 0)
		return err_set(err, -rte_errno,
			"DPDK does not start (%s); --log-level debug says more",
			rte_strerror(rte_errno));
	log_info("%u worker%s, %s", eal->n_workers, eal->n_workers == 1 ? "" : "s",
		eal->has_hugepages ? "on huge pages" : "without huge pages");
	return 0;
}

struct rte_mempool *
eal_make_pool(const struct eal *eal, const struct intent *intent, struct err *err)
{
	unsigned data = DATA_ROOM_MIN;
	for (size_t i = 0; i < intent->n_ports; i++)
		data = RTE_MAX(data,
			port_buffer_bytes(intent->ports[i]->device, intent->ports[i]->mtu));
	unsigned room = data + RTE_PKTMBUF_HEADROOM;
	unsigned n = data > DATA_ROOM_LARGE ? POOL_BUFS / 4 : POOL_BUFS;
	return pool_create(n, (uint16_t)room, eal->has_pci, err);
}

void
eal_stop(struct eal *eal)
{
	char path[128];
	snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	/* The EAL leaves its maps and sockets behind; the folder is this process's alone. */
	DIR *dir = strstr(path, eal->prefix) ? opendir(path) : NULL;
	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
	(void)rmdir(path);
}
