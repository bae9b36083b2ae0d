/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/caps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

/* Those that this program has to do with; others are shown by number. */
static const struct {
	uint64_t bit;
	const char *name;
} names[] = {
	{CAPS(CHOWN), "CAP_CHOWN"},
	{CAPS(DAC_OVERRIDE), "CAP_DAC_OVERRIDE"},
	{CAPS(NET_ADMIN), "CAP_NET_ADMIN"},
	{CAPS(NET_RAW), "CAP_NET_RAW"},
	{CAPS(NET_BIND_SERVICE), "CAP_NET_BIND_SERVICE"},
	{CAPS(IPC_LOCK), "CAP_IPC_LOCK"},
	{CAPS(SYS_NICE), "CAP_SYS_NICE"},
	{CAPS(SYS_ADMIN), "CAP_SYS_ADMIN"},
	{CAPS(SYS_RAWIO), "CAP_SYS_RAWIO"},
	{CAPS(SYS_PTRACE), "CAP_SYS_PTRACE"},
};

/* The kernel's form of three masks, low words first. */
struct masks {
	struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static int
get(struct masks *m, struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	if (syscall(SYS_capget, &head, m->words) == 0)
		return 0;
	return err_set(err, -errno, "cannot read this process's capabilities: %s", strerror(errno));
}

int
caps_permitted(uint64_t *out, struct err *err)
{
	struct masks m;
	int rc = get(&m, err);
	*out = rc ? 0 : m.words[0].permitted | (uint64_t)m.words[1].permitted << 32;
	return rc;
}

/* So that no program that is run gets more than this one has, whatever its file says. */
static int
bound_children(uint64_t keep, struct err *err)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		bool is_kept = keep >> cap & 1;
		if (!is_kept && prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EPERM)
			return err_set(err, -errno, "cannot give up capability %u: %s", cap,
				strerror(errno));
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "cannot set no_new_privs: %s", strerror(errno));
	return 0;
}

int
caps_keep(uint64_t keep, bool children_keep_all, struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct masks m;
	int rc = get(&m, err);
	/* First: it takes CAP_SETPCAP, which goes next. */
	if (!rc && !children_keep_all)
		rc = bound_children(keep, err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < ARRAY_COUNT(m.words); i++) {
		uint32_t word = (uint32_t)(keep >> 32 * i);
		m.words[i].permitted &= word;
		m.words[i].effective = m.words[i].permitted;
		m.words[i].inheritable &= word;
	}
	if (syscall(SYS_capset, &head, m.words) < 0)
		return err_set(err, -errno, "cannot give up capabilities: %s", strerror(errno));
	return 0;
}

bool
caps_are_bounded(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

const char *
caps_names(uint64_t mask, char out[CAPS_TEXT_BYTES])
{
	size_t n = 0;
	out[0] = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
		if (mask & names[i].bit)
			n += (size_t)snprintf(out + n, CAPS_TEXT_BYTES - n, "%s%s", n ? ", " : "",
				names[i].name);
		mask &= ~names[i].bit;
	}
	for (unsigned cap = 0; cap < 64 && n < CAPS_TEXT_BYTES - 24; cap++) {
		if (mask >> cap & 1)
			n += (size_t)snprintf(out + n, CAPS_TEXT_BYTES - n, "%scapability %u",
				n ? ", " : "", cap);
	}
	return out;
}
