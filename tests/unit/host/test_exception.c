/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exception thread between real devices and the rings of two workers, played by the test:
 *
 *   ping 10.8.0.2 ─► hg-wan (TAP) ─► thread ─► ring ─► test answers ─► ring ─► thread ─► hg-wan
 */
#include "sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "host/exception.h"
#include "host/twin.h"
#include "mailbox/frame.h"

enum { N_WORKERS = 2, WAN = 3, TUN = 4 };

static struct err err;

struct scene {
	struct rte_mempool *pool;
	struct exception_worker workers[N_WORKERS];
	struct exception *e;
	struct netlink *nl;
	struct twin wan, tun;
};

static void
eal_once(void)
{
	static bool is_up;
	char prefix[64];
	snprintf(prefix, sizeof(prefix), "hg-unit-%d", getpid());
	char *argv[] = {(char *)"test", (char *)"--no-huge", (char *)"--no-pci", (char *)"-m",
		(char *)"128", (char *)"--no-telemetry", (char *)"--file-prefix", prefix,
		(char *)"-l", (char *)"0", (char *)"--log-level=error", NULL};
	if (!is_up && rte_eal_init((int)ARRAY_COUNT(argv) - 1, argv) < 0)
		fail_msg("rte_eal_init");
	is_up = true;
}

static struct frame_ring *
ring(const char *what, unsigned worker, unsigned n_slots)
{
	char name[28];
	snprintf(name, sizeof(name), "%s-%u", what, worker);
	struct frame_ring *r = frame_ring_create(name, n_slots,
		FRAME_RING_ONE_PRODUCER | FRAME_RING_ONE_CONSUMER, &err);
	assert_non_null(r);
	return r;
}

static void
scene_open(struct scene *s, unsigned n_slots)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 8}};
	struct prefix p;
	memset(s, 0, sizeof(*s));
	eal_once();
	s->pool = rte_pktmbuf_pool_create_by_ops("frames", 1023, 0, 0, 2048 + 128, SOCKET_ID_ANY,
		frame_pool_ops());
	assert_non_null(s->pool);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		s->workers[i].from_kernel.urgent = ring("down-urgent", i, n_slots);
		s->workers[i].from_kernel.bulk = ring("down-bulk", i, n_slots);
		s->workers[i].to_kernel.urgent = ring("up-urgent", i, n_slots);
		s->workers[i].to_kernel.bulk = ring("up-bulk", i, n_slots);
	}
	struct exception_config config = {.pool = (struct frame_pool *)s->pool,
		.workers = s->workers, .n_workers = N_WORKERS, .cpu = -1};
	s->e = exception_start(&config, &err);
	assert_non_null(s->e);
	s->nl = netlink_open(&err);
	assert_int_equal(twin_create_tap(&s->wan, s->nl, "wan", &mac, &err), 0);
	assert_int_equal(twin_create_tun(&s->tun, s->nl, "hg0", &err), 0);
	assert_int_equal(prefix_parse("10.8.0.1/24", &p), 0);
	assert_int_equal(netlink_addr_add(s->nl, s->wan.ifindex, &p, &err), 0);
	assert_int_equal(prefix_parse("10.80.0.1/24", &p), 0);
	assert_int_equal(netlink_addr_add(s->nl, s->tun.ifindex, &p, &err), 0);
	assert_int_equal(twin_set_up(&s->wan, s->nl, true, &err), 0);
	assert_int_equal(twin_set_up(&s->tun, s->nl, true, &err), 0);
}

static void
scene_close(struct scene *s)
{
	exception_stop(s->e);
	twin_destroy(&s->wan);
	twin_destroy(&s->tun);
	netlink_close(s->nl);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		frame_ring_destroy(s->workers[i].from_kernel.urgent);
		frame_ring_destroy(s->workers[i].from_kernel.bulk);
		frame_ring_destroy(s->workers[i].to_kernel.urgent);
		frame_ring_destroy(s->workers[i].to_kernel.bulk);
	}
	/* Not one frame is lost or freed twice. */
	assert_int_equal(rte_mempool_avail_count(s->pool), 1023);
	rte_mempool_free(s->pool);
}

/* The next frame of a ring within two seconds, or NULL. */
static struct frame *
await(struct frame_ring *r)
{
	struct frame *f;
	ns_t end_ns = clock_boot_ns() + 2 * NS_IN_S;
	while (clock_boot_ns() < end_ns) {
		if (frame_ring_pop(r, &f, 1))
			return f;
		usleep(100);
	}
	return NULL;
}

/* Swaps n bytes at two places. */
static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t = a[i];
		a[i] = b[i];
		b[i] = t;
	}
}

/* Makes an ARP question (42 bytes) its answer from 02:..:22. */
static void
answer_arp(uint8_t *f)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x22};
	f[21] = 2;
	swap(f + 28, f + 38, 4);
	memcpy(f, f + 6, 6);
	memcpy(f + 6, mac, 6);
	memcpy(f + 32, f + 22, 6);
	memcpy(f + 22, mac, 6);
}

/* Makes an ICMP echo request its reply, in place. The checksum differs by the type alone. */
static void
answer_ping(uint8_t *ip)
{
	uint8_t *icmp = ip + (ip[0] & 15) * 4;
	uint32_t sum = load_be16(icmp + 2) + 0x0800u;
	swap(ip + 12, ip + 16, 4);
	icmp[0] = 0;
	store_be16(icmp + 2, (uint16_t)(sum + (sum >> 16)));
}

static pid_t
start(const char *command)
{
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void
await_count(struct scene *s, uint16_t link, size_t offset, uint64_t want)
{
	struct exception_counters c;
	for (int i = 0; i < 200; i++) {
		exception_counters(s->e, link, &c);
		if (*(uint64_t *)((uint8_t *)&c + offset) >= want)
			return;
		usleep(10000);
	}
	fail_msg("the counter at %zu stays below %u", offset, (unsigned)want);
}
#define AWAIT(s, link, counter, want)                                                              \
	await_count(s, link, offsetof(struct exception_counters, counter), want)

static void
a_ping_on_the_tap(void **state)
{
	struct scene s;
	struct exception_counters c;
	sandbox_or_skip();
	scene_open(&s, 64);
	struct exception_worker *w = &s.workers[WAN % N_WORKERS];
	assert_int_equal(exception_add_link(s.e, WAN, s.wan.fd, EXCEPTION_TAP, &err), 0);
	pid_t pid = start("ping -c 1 -W 5 10.8.0.2 >/dev/null");

	struct frame *f;
	do {
		f = await(w->from_kernel.urgent);
		assert_non_null(f);
		if (load_be16((uint8_t *)frame_data(f) + 12) == 0x0806)
			break;
		frame_free(f); /* the kernel's own neighbour discovery */
	} while (true);
	assert_int_equal(frame_link(f), WAN);
	assert_int_equal(frame_len(f), 42);
	answer_arp(frame_data(f));
	assert_int_equal(frame_ring_push(w->to_kernel.urgent, &f, 1), 1);

	do {
		f = await(w->from_kernel.bulk);
		assert_non_null(f);
		if (load_be16((uint8_t *)frame_data(f) + 12) == 0x0800)
			break;
		frame_free(f);
	} while (true);
	uint8_t *p = frame_data(f);
	assert_int_equal(p[14 + 9], IPPROTO_ICMP);
	swap(p, p + 6, 6);
	answer_ping(p + 14);
	assert_int_equal(frame_ring_push(w->to_kernel.bulk, &f, 1), 1);

	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The reply can be there before it is counted. */
	AWAIT(&s, WAN, to_kernel_pkts, 2);
	assert_int_equal(exception_counters(s.e, WAN, &c), 0);
	assert_true(c.from_kernel_pkts >= 2 && c.from_kernel_bytes >= 42 + 98);
	assert_int_equal(c.to_kernel_pkts, 2);
	assert_int_equal(c.drop_refused, 0);
	assert_int_equal(exception_counters(s.e, EXCEPTION_MAX_LINKS, &c), -EINVAL);
	scene_close(&s);
}

static void
a_ping_on_the_tun(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 64);
	struct exception_worker *w = &s.workers[TUN % N_WORKERS];
	assert_int_equal(exception_add_link(s.e, TUN, s.tun.fd, EXCEPTION_TUN, &err), 0);
	pid_t pid = start("ping -c 1 -W 5 10.80.0.2 >/dev/null");
	struct frame *f = await(w->from_kernel.bulk);
	while (f && ((uint8_t *)frame_data(f))[9] != IPPROTO_ICMP) {
		frame_free(f);
		f = await(w->from_kernel.bulk);
	}
	assert_non_null(f);
	assert_int_equal(frame_len(f), 84);
	answer_ping(frame_data(f));
	assert_int_equal(frame_ring_push(w->to_kernel.bulk, &f, 1), 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	scene_close(&s);
}

/* Sends n datagrams of a kernel socket out of the TUN. */
static void
send_datagrams(const char *to, unsigned n, size_t n_bytes)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(9)};
	uint8_t data[4096] = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	inet_pton(AF_INET, to, &sin.sin_addr);
	for (unsigned i = 0; i < n; i++)
		assert_true(sendto(fd, data, n_bytes, 0, (struct sockaddr *)&sin,
			sizeof(sin)) >= 0);
	close(fd);
}

static void
drops_are_counted(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 16);
	assert_int_equal(exception_add_link(s.e, TUN, s.tun.fd, EXCEPTION_TUN, &err), 0);
	assert_int_equal(exception_add_link(s.e, TUN, s.tun.fd, EXCEPTION_TUN, &err), -EEXIST);

	/* Nobody empties the ring of 16. */
	send_datagrams("10.80.0.2", 40, 100);
	AWAIT(&s, TUN, drop_ring_full, 24);

	/* A packet longer than a frame. */
	assert_int_equal(twin_set_mtu(&s.tun, s.nl, 4000, &err), 0);
	send_datagrams("10.80.0.2", 1, 3000);
	AWAIT(&s, TUN, drop_oversize, 1);

	/* What the kernel does not take, and what has no link. */
	struct frame *f[2];
	assert_int_equal(frame_alloc_burst((struct frame_pool *)s.pool, f, 2), 2);
	for (int i = 0; i < 2; i++) {
		memset(frame_data(f[i]), 0, 20);
		frame_set_len(f[i], 20);
	}
	frame_set_link(f[0], TUN);
	frame_set_link(f[1], 77);
	assert_int_equal(frame_ring_push(s.workers[1].to_kernel.bulk, f, 2), 2);
	AWAIT(&s, TUN, drop_refused, 1);
	for (int i = 0; i < 200 && !exception_unknown_link_pkts(s.e); i++)
		usleep(10000);
	assert_int_equal(exception_unknown_link_pkts(s.e), 1);

	/* An empty pool: the kernel's queue is emptied all the same. */
	struct frame *hoard[1023];
	unsigned n = 0;
	while (n < 1023 && (hoard[n] = frame_alloc((struct frame_pool *)s.pool)))
		n++;
	send_datagrams("10.80.0.2", 100, 100);
	AWAIT(&s, TUN, drop_no_frame, 10);
	frame_free_burst(hoard, n);
	scene_close(&s);
}

static void
links_come_and_go(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 256);
	int rc = exception_add_link(s.e, EXCEPTION_MAX_LINKS, 0, EXCEPTION_TUN, &err);
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(exception_remove_link(s.e, TUN, &err), -ENOENT);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(exception_add_link(s.e, TUN, s.tun.fd, EXCEPTION_TUN, &err), 0);
		send_datagrams("10.80.0.2", 4, 100);
		assert_int_equal(exception_remove_link(s.e, TUN, &err), 0);
	}
	/* A device that is removed under the thread takes nothing with it. */
	assert_int_equal(exception_add_link(s.e, TUN, s.tun.fd, EXCEPTION_TUN, &err), 0);
	assert_int_equal(exception_add_link(s.e, WAN, s.wan.fd, EXCEPTION_TAP, &err), 0);
	shell("ip link del hg0");
	usleep(20000);
	assert_int_equal(exception_remove_link(s.e, TUN, &err), 0);
	assert_int_equal(exception_remove_link(s.e, WAN, &err), 0);
	scene_close(&s);
}

/* A datagram of n_bytes to the listener; over lo a large one goes unfragmented. */
static void
send_to_port(uint8_t family, int port, size_t n_bytes)
{
	struct endpoint to = {.port = (uint16_t)port};
	struct sockaddr_storage ss;
	uint8_t data[4096];
	memset(data, 0x5a, sizeof(data));
	addr_parse(family == ADDR_V4 ? "127.0.0.1" : "::1", &to.addr);
	socklen_t n = endpoint_to_sockaddr(&to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	assert_int_equal(sendto(fd, data, n_bytes, 0, (struct sockaddr *)&ss, n), (ssize_t)n_bytes);
	close(fd);
}

static void
listen_ports(void **state)
{
	struct scene s;
	struct exception_counters c;
	sandbox_or_skip();
	scene_open(&s, 64);
	struct exception_listener l = {.interface_idx = 1, .fwmark = 7};
	int port = exception_listen(s.e, &l, &err);
	assert_true(port > 0);
	assert_int_equal(exception_listen(s.e, &l, &err), -EEXIST);
	struct exception_listener again = {.interface_idx = 2, .port = (uint16_t)port};
	assert_int_equal(exception_listen(s.e, &again, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "ListenPort"));
	assert_int_equal(exception_set_fwmark(s.e, 1, 8, &err), 0);
	assert_int_equal(exception_set_fwmark(s.e, 2, 8, &err), -ENOENT);

	static const uint8_t families[] = {ADDR_V4, ADDR_V6};
	for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
		struct exception_datagram d;
		send_to_port(families[i], port, 148);
		struct frame *f = await(s.workers[1].from_kernel.bulk);
		assert_non_null(f);
		assert_int_equal(frame_link(f), EXCEPTION_LINK_DATAGRAM);
		assert_int_equal(frame_len(f), sizeof(d) + 148);
		memcpy(&d, frame_data(f), sizeof(d));
		assert_int_equal(d.payload_bytes, 148);
		assert_int_equal(d.interface_idx, 1);
		assert_int_equal(d.port, port);
		assert_int_equal(d.src.addr.family, families[i]);
		assert_int_equal(d.dst.family, families[i]);
		assert_true(d.src.port != 0);
		assert_int_equal(((uint8_t *)frame_data(f))[sizeof(d) + 147], 0x5a);
		frame_free(f);
	}
	send_to_port(ADDR_V4, port, 4000);
	AWAIT(&s, EXCEPTION_LINK_DATAGRAM, drop_oversize, 1);
	AWAIT(&s, EXCEPTION_LINK_DATAGRAM, from_kernel_pkts, 2);
	assert_int_equal(exception_counters(s.e, EXCEPTION_LINK_DATAGRAM, &c), 0);
	assert_int_equal(c.from_kernel_pkts, 2);
	assert_int_equal(exception_unlisten(s.e, 1, &err), 0);
	assert_int_equal(exception_unlisten(s.e, 1, &err), -ENOENT);
	assert_int_equal(exception_listen(s.e, &again, &err), port);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_on_the_tap),
		cmocka_unit_test(a_ping_on_the_tun),
		cmocka_unit_test(drops_are_counted),
		cmocka_unit_test(links_come_and_go),
		cmocka_unit_test(listen_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
