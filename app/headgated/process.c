/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "host/caps.h"
#include "port/port.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_SANITIZED 0
#endif

/* systemd names the journal's socket by device and inode; stderr may have been sent elsewhere. */
static bool
logs_to_journal(void)
{
	unsigned long long device, inode;
	const char *text = getenv("JOURNAL_STREAM");
	struct stat st;
	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void
process_begin(void)
{
	/*
	 * Private keys and plain text stand in this memory. A limit of 0 alone would not stop a
	 * core_pattern that pipes to a program.
	 */
	static const struct rlimit none;
	prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	log_set_journal(logs_to_journal());
}

void
process_hold_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD); /* control's alone: no worker is to be interrupted by it */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/*
 * Pages are locked as they are touched, so that what is merely reserved costs nothing. Without the
 * privilege a limit would make later allocations fail, so then it is left alone.
 */
static void
lock_memory(uint64_t permitted)
{
	struct rlimit limit = {0};
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (!(permitted & CAPS(IPC_LOCK)) && limit.rlim_cur != RLIM_INFINITY)
		log_warn("without CAP_IPC_LOCK keys may be written to swap");
	else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_warn("memory cannot be locked (%s): keys may be written to swap",
			strerror(errno));
}

/* Whether the kernel's driver of a PCI device hands it out without asking for CAP_SYS_ADMIN. */
static bool
is_bound_safely(const char *pci)
{
	char path[96], driver[PATH_MAX];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.12s/driver", pci);
	ssize_t n = readlink(path, driver, sizeof(driver) - 1);
	if (n < 0)
		return false;
	driver[n] = 0;
	const char *name = strrchr(driver, '/');
	name = name ? name + 1 : driver;
	return strcmp(name, "vfio-pci") == 0 || strcmp(name, "mlx5_core") == 0;
}

/* docs/decisions/0011 says what each is for. */
static uint64_t
capabilities_for(const struct intent *intent)
{
	uint64_t mask = CAPS(NET_ADMIN) | CAPS(NET_RAW) | CAPS(NET_BIND_SERVICE) | CAPS(IPC_LOCK) |
			CAPS(SYS_NICE);
	for (size_t i = 0; i < intent->n_ports; i++) {
		const char *device = intent->ports[i]->device;
		if (strncmp(device, "net_af_xdp", 10) == 0)
			mask |= CAPS(SYS_ADMIN);
		if (!port_device_is_pci(device))
			continue;
		mask |= CAPS(SYS_RAWIO);
		if (!is_bound_safely(device))
			mask |= CAPS(SYS_ADMIN);
	}
	for (size_t i = 0; i < intent->n_interfaces; i++)
		if (intent->interfaces[i]->save_path)
			mask |= CAPS(CHOWN) | CAPS(DAC_OVERRIDE);
	if (IS_SANITIZED) /* the leak check at the end traces this process */
		mask |= CAPS(SYS_PTRACE);
	return mask;
}

/* Under wg-quick commands, and resolvconf's too, run as root with all of root's power. */
static bool
runs_commands(const struct intent *intent)
{
	for (size_t i = 0; i < intent->n_interfaces; i++)
		if (intent->interfaces[i]->hooks.n || intent->interfaces[i]->dns)
			return true;
	return false;
}

int
process_limit(const struct intent *intent, struct err *err)
{
	char text[CAPS_TEXT_BYTES];
	uint64_t wanted = capabilities_for(intent), permitted;
	int rc = caps_permitted(&permitted, err);
	if (rc)
		return rc;
	uint64_t dispensable = CAPS(IPC_LOCK) | CAPS(SYS_NICE) | CAPS(NET_BIND_SERVICE) |
			       CAPS(CHOWN) | CAPS(DAC_OVERRIDE) | CAPS(SYS_PTRACE);
	uint64_t missing = wanted & ~permitted & ~dispensable;
	if (missing)
		return err_set(err, -EPERM,
			"this user lacks %s: run headgated as root, or by systemd with "
			"AmbientCapabilities", caps_names(missing, text));
	lock_memory(permitted);
	log_debug("keeps %s", caps_names(wanted & permitted, text));
	return caps_keep(wanted, runs_commands(intent), err);
}
