/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/twin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "host/sysctl.h"

static int
name_error(const char *name, int code, struct err *err)
{
	/* EBUSY: held by a process, or persistent; EINVAL: a device of another type. */
	if ((code == EBUSY || code == EINVAL || code == EEXIST) && if_nametoindex(name))
		return err_set(err, -EEXIST,
			"cannot create the device %s: there is one of this name; end the program "
			"that holds it, or remove it with `ip link del %s`, or choose another name",
			name, name);
	if (code == EPERM)
		return err_set(err, -code,
			"cannot create the device %s: not permitted; run as root or with "
			"CAP_NET_ADMIN", name);
	return err_set(err, -code, "cannot create the device %s: %s", name, strerror(code));
}

static int
open_tun(struct err *err)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno,
			"cannot open /dev/net/tun: %s; load the module with `modprobe tun`, or set "
			"Host = no", strerror(errno));
	return fd;
}

static int
create(struct twin *out, enum twin_kind kind, const char *name, struct err *err)
{
	struct ifreq ifr = {.ifr_flags = IFF_NO_PI | IFF_TUN_EXCL |
		(kind == TWIN_TAP ? IFF_TAP : IFF_TUN)};
	*out = (struct twin){.fd = -1, .kind = kind};
	if (!*name || strlen(name) >= IF_NAMESIZE || strpbrk(name, "/%: \t\n"))
		return err_set(err, -EINVAL,
			"%s cannot name a device: 1 to %d bytes without space, '/', ':' and '%%'",
			name, IF_NAMESIZE - 1);
	memcpy(ifr.ifr_name, name, strlen(name));
	memcpy(out->name, name, strlen(name));
	int fd = open_tun(err);
	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int rc = name_error(name, errno, err);
		close(fd);
		return rc;
	}
	out->fd = fd;
	out->ifindex = if_nametoindex(name);
	if (ioctl(fd, TUNSETOFFLOAD, 0) < 0)
		log_debug("%s: offloads stay as they are: %s", name, strerror(errno));
	return 0;
}

/* Best effort: without IPv6 in the kernel there is nothing to set. */
static void
set_ipv6(const struct twin *t, const char *what, const char *value)
{
	char path[80];
	struct err err;
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", t->name, what);
	if (sysctl_write(path, value, &err))
		log_debug("%s", err.text);
}

int
twin_create_tap(struct twin *out, struct netlink *nl, const char *port_name,
	const struct mac *mac, struct err *err)
{
	char name[64];
	snprintf(name, sizeof(name), "hg-%s", port_name);
	int rc = create(out, TWIN_TAP, name, err);
	if (rc)
		return rc;
	rc = netlink_link_set_mac(nl, out->ifindex, mac, err);
	if (rc) {
		twin_destroy(out);
		return rc;
	}
	set_ipv6(out, "accept_dad", "0");
	return 0;
}

int
twin_create_tun(struct twin *out, struct netlink *nl, const char *name, struct err *err)
{
	int rc = create(out, TWIN_TUN, name, err);
	if (rc)
		return rc;
	set_ipv6(out, "accept_dad", "0");
	set_ipv6(out, "addr_gen_mode", "1");
	return 0;
}

void
twin_destroy(struct twin *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->ifindex = 0;
}

int
twin_set_mtu(struct twin *t, struct netlink *nl, uint32_t mtu, struct err *err)
{
	return netlink_link_set_mtu(nl, t->ifindex, mtu, err);
}

int
twin_set_up(struct twin *t, struct netlink *nl, bool is_up, struct err *err)
{
	return netlink_link_set_up(nl, t->ifindex, is_up, err);
}

int
twin_set_carrier(struct twin *t, bool has_carrier, struct err *err)
{
	int on = has_carrier;
	if (ioctl(t->fd, TUNSETCARRIER, &on) < 0)
		return err_set(err, -errno, "cannot %s the carrier of %s: %s",
			on ? "give back" : "take", t->name, strerror(errno));
	return 0;
}
