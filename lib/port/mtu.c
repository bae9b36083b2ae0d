/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How large a port's packets may be. What bounds it: the packet buffers, what the driver says of
 * itself, what its profile says, AF_PACKET's frames. Who asks for more is told which it was; a
 * device that has more of itself, without being asked, is cut down to it, and that is told too.
 */
#include <errno.h>
#include <rte_ethdev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "port/port_inner.h"

enum {
	LINK_BYTES = 18, /* Ethernet's header with a VLAN tag */
	/*
	 * AF_PACKET's frame (TPACKET_V2): header, address and padding stand before the packet. The
	 * driver's frames are of FRAME_BYTES, unless framesz= says otherwise.
	 */
	FRAME_OVERHEAD_BYTES = 66 + LINK_BYTES,
	FRAME_BYTES = 2048,
	FRAME_STEP_BYTES = 1024,
	FRAME_MAX = 32768,
	FRAMES_A_BLOCK = 4, /* whole pages; the driver would not see a gap between blocks */
	MTU_MAX = 16000,
	TUNNEL_BYTES = 128, /* what sealing adds, and padding, fits behind the longest packet */
};

uint32_t
port_netdev_mtu(const char *netdev)
{
	struct ifreq ifr = {.ifr_mtu = 0};
	int fd = *netdev ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return 0;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", netdev);
	uint32_t mtu = ioctl(fd, SIOCGIFMTU, &ifr) == 0 ? (uint32_t)ifr.ifr_mtu : 0;
	close(fd);
	return mtu;
}

static bool
is_af_packet(const char *device)
{
	return strncmp(device, "net_af_packet", 13) == 0;
}

/* The number behind ",name=" of a device string, or fallback. */
static uint32_t
argument(const char *device, const char *name, uint32_t fallback)
{
	size_t n = strlen(name);
	for (const char *at = strchr(device, ','); at; at = strchr(at + 1, ',')) {
		if (strncmp(at + 1, name, n) == 0 && at[1 + n] == '=')
			return (uint32_t)strtoul(at + 2 + n, NULL, 10);
	}
	return fallback;
}

/* Of AF_PACKET's frames for that MTU; 0: the driver's own will do, or it has none. */
static uint32_t
frame_bytes(const char *device, uint32_t mtu)
{
	uint32_t needed = (mtu + FRAME_OVERHEAD_BYTES + FRAME_STEP_BYTES - 1) / FRAME_STEP_BYTES *
			  FRAME_STEP_BYTES;
	if (!is_af_packet(device))
		return 0;
	return argument(device, "framesz", needed > FRAME_BYTES ? needed : 0);
}

uint32_t
port_buffer_bytes(const char *device, uint32_t mtu)
{
	char netdev[IF_NAMESIZE];
	port_device_netdev(device, netdev);
	mtu = mtu ? mtu : MIN_OF(port_netdev_mtu(netdev), (uint32_t)MTU_MAX);
	return MAX_OF(mtu + TUNNEL_BYTES, MIN_OF(frame_bytes(device, mtu), (uint32_t)FRAME_MAX));
}

void
port_size_frames(const char *device, uint32_t mtu, char out[PROFILE_DEVICE_BYTES])
{
	uint32_t frame = frame_bytes(device, mtu);
	size_t n = strlen(out);
	if (!frame)
		return;
	if (!argument(device, "framesz", 0))
		n += (size_t)snprintf(out + n, PROFILE_DEVICE_BYTES - n, ",framesz=%u", frame);
	if (!argument(device, "blocksz", 0) && n < PROFILE_DEVICE_BYTES)
		snprintf(out + n, PROFILE_DEVICE_BYTES - n, ",blocksz=%u", frame * FRAMES_A_BLOCK);
}

/* A bound, and what has it: "it is more than the 1500 that %s" goes on. */
struct bound {
	uint32_t mtu;
	const char *of;
};

/* The tightest bound. */
static struct bound
bound_of(const struct port *port, const struct rte_eth_dev_info *info, uint32_t buffer_bytes)
{
	uint32_t frame = argument(port->device, "framesz", UINT16_MAX);
	struct bound bounds[] = {
		{buffer_bytes - LINK_BYTES,
			"fit into the packet buffers, which are made at start for the MTUs in the "
			"config"},
		{port->profile.max_mtu ? port->profile.max_mtu : UINT16_MAX,
			"a port of this driver carries"},
		{info->max_mtu, "the device carries"},
		{is_af_packet(port->device) ? frame - MIN_OF(frame, (uint32_t)FRAME_OVERHEAD_BYTES)
					    : UINT16_MAX,
			"fit into AF_PACKET's frames, which would cut longer ones: give Device a "
			"larger framesz="},
	};
	struct bound *least = &bounds[0];
	for (unsigned i = 1; i < ARRAY_COUNT(bounds); i++) {
		if (bounds[i].mtu < least->mtu)
			least = &bounds[i];
	}
	return *least;
}

/* The device has it already, or is made to. */
static int
set(const struct port *port, uint16_t wanted, struct err *err)
{
	uint16_t has = (uint16_t)port_netdev_mtu(port->netdev);
	if (has >= wanted || rte_eth_dev_set_mtu(port->dpdk_id, wanted) == 0)
		return 0;
	if (!port->netdev[0])
		rte_eth_dev_get_mtu(port->dpdk_id, &has);
	if (has >= wanted)
		return 0;
	return err_set(err, -EINVAL, "port %s: the device refuses MTU %u (it has %u)", port->name,
		wanted, has);
}

/* The kernel takes no piece of an AF_XDP socket's memory that is larger than a page. */
static int
check_buffers(const struct port *port, const struct rte_mempool *pool, struct err *err)
{
	uint32_t bytes = rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL);
	if (strcmp(port->driver, "net_af_xdp") != 0 || bytes <= (uint32_t)sysconf(_SC_PAGESIZE))
		return 0;
	return err_set(err, -EINVAL,
		"port %s (net_af_xdp): the MTU or framesz= of another port makes packet buffers of "
		"%u bytes, and AF_XDP takes at most a page: use net_af_packet here too, or lower "
		"that MTU",
		port->name, bytes);
}

int
port_set_mtu(struct port *port, const struct port_config *config,
	const struct rte_eth_dev_info *info, struct err *err)
{
	uint32_t buffer_bytes = rte_pktmbuf_data_room_size(config->pool) - RTE_PKTMBUF_HEADROOM;
	struct bound most = bound_of(port, info, buffer_bytes);
	uint32_t wanted = config->mtu ? config->mtu : port_netdev_mtu(port->netdev);
	port->max_mtu = (uint16_t)MIN_OF(most.mtu, UINT16_MAX);
	if (config->mtu && wanted > most.mtu)
		return err_set(err, -EINVAL, "port %s (%s): MTU %u is more than the %u that %s",
			port->name, port->driver, wanted, most.mtu, most.of);
	if (check_buffers(port, config->pool, err))
		return -EINVAL;
	if (wanted > most.mtu)
		log_warn("port %s: %s has MTU %u, of which %u %s: larger packets are lost",
			port->name, port->netdev, wanted, most.mtu, most.of);
	int rc = config->mtu ? set(port, config->mtu, err) : 0;
	if (rc)
		return rc;
	if (!wanted && rte_eth_dev_get_mtu(port->dpdk_id, &port->mtu) == 0)
		wanted = port->mtu;
	wanted = wanted ? wanted : 1500;
	port->mtu = (uint16_t)MIN_OF(wanted, most.mtu);
	return 0;
}
