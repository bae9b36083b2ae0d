/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends packets at a gateway as fast as this machine can, from made-up addresses:
 *
 *   flood KIND --dev NETDEV --mac MAC --to ADDRESS --port PORT [--from ADDRESS] [--key PUBLICKEY]
 *         [--seconds N] [--pps N]
 *
 *   initiation  handshake initiations with a right mac1 (so --key), else random
 *   bad-mac     the same with a wrong mac1
 *   cookie      cookie replies for random indices
 *   data        data messages for random indices, with random tags
 *   garbage     datagrams of random length and content
 *   fragments   first, middle and last fragments that never make a whole
 *   replay      what went to PORT over the netdev in the first second, again and again
 *
 * The frames leave by --dev, a netdev of the test's own namespace. Sources are random within the
 * last 16 bits of --from. IPv4. Prints how many were sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/key.h"
#include "base/secret.h"
#include "crypto/init.h"
#include "noise/cookie.h"
#include "wire/ip.h"
#include "wire/wg.h"

enum {
	HEADERS = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES,
	FRAME_BYTES = 1514,
	N_FRAMES = 1024, /* made once, sent in turn */
	BATCH = 64,
	RECORD_MS = 1000,
};

struct frame {
	uint32_t n_bytes;
	uint8_t bytes[FRAME_BYTES];
};

struct flood {
	const char *kind, *dev;
	struct mac mac;
	uint32_t to, from; /* host order */
	uint16_t port;
	struct key key;
	unsigned seconds;
	unsigned pps;          /* 0: as many as can be */
	int fd;
	struct frame *frames;
	unsigned n_frames;
};

static void
die(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(1);
}

static uint32_t
random32(void)
{
	uint32_t v;
	secret_random(&v, sizeof(v));
	return v;
}

/* ---- What is sent: each fills a UDP payload and returns its length ---- */

static uint32_t
make_handshake(const struct flood *f, uint8_t *payload, bool is_mac_right)
{
	struct wg_initiation *m = (struct wg_initiation *)payload;
	struct cookie_maker maker = {0};
	secret_random(m, sizeof(*m));
	m->type = WG_INITIATION;
	memset(&m->macs, 0, sizeof(m->macs));
	cookie_maker_init(&maker, &f->key);
	cookie_add_macs(&maker, m, sizeof(*m), clock_boot_ns());
	if (!is_mac_right)
		m->macs.mac1[0] ^= 1;
	return sizeof(*m);
}

static uint32_t
make_initiation(const struct flood *f, uint8_t *payload)
{
	return make_handshake(f, payload, true);
}

static uint32_t
make_bad_mac(const struct flood *f, uint8_t *payload)
{
	return make_handshake(f, payload, false);
}

static uint32_t
make_cookie(const struct flood *f, uint8_t *payload)
{
	secret_random(payload, sizeof(struct wg_cookie));
	store_le32(payload, WG_COOKIE);
	return sizeof(struct wg_cookie);
}

static uint32_t
make_data(const struct flood *f, uint8_t *payload)
{
	uint32_t n = WG_DATA_OVERHEAD_BYTES + random32() % 90 * 16;
	secret_random(payload, n);
	store_le32(payload, WG_DATA);
	/* Low indices are those in use, if any are. */
	store_le32(payload + 4, random32() & (random32() % 2 ? 0xffu : ~0u));
	return n;
}

static uint32_t
make_garbage(const struct flood *f, uint8_t *payload)
{
	uint32_t n = random32() % (FRAME_BYTES - HEADERS);
	secret_random(payload, n);
	if (n >= 4 && random32() % 2)
		store_le32(payload, random32() % 6);
	return n;
}

static const struct kind {
	const char *name;
	uint32_t (*make)(const struct flood *f, uint8_t *payload);
	bool is_fragment, needs_key;
} kinds[] = {
	{"initiation", make_initiation, false, true},
	{"bad-mac", make_bad_mac, false, true},
	{"cookie", make_cookie, false, false},
	{"data", make_data, false, false},
	{"garbage", make_garbage, false, false},
	{"fragments", make_garbage, true, false},
};

static const struct kind *
find_kind(const char *name)
{
	for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* ---- Frames ---- */

static void
put_headers(const struct flood *f, struct frame *frame, uint32_t n_payload, bool is_fragment)
{
	uint8_t *eth = frame->bytes, *ip = eth + ETHERNET_BYTES, *udp = ip + IPV4_BYTES;
	memcpy(eth, f->mac.bytes, 6);
	secret_random(eth + 6, 6);
	eth[6] = 2;
	store_be16(eth + 12, ETHERTYPE_IPV4);
	memset(ip, 0, IPV4_BYTES + UDP_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IPV4_BYTES + UDP_BYTES + n_payload));
	store_be16(ip + 4, (uint16_t)random32());
	if (is_fragment) {
		static const uint16_t offsets[] = {0x2000, 0x2000 | 200, 400, 0x3fff};
		store_be16(ip + 6, offsets[random32() % ARRAY_COUNT(offsets)]);
	}
	ip[8] = 64;
	ip[9] = IP_PROTO_UDP;
	store_be32(ip + 12, (f->from & 0xffff0000u) | (random32() & 0xffffu));
	store_be32(ip + 16, f->to);
	uint64_t sum = 0;
	for (unsigned i = 0; i < IPV4_BYTES; i += 2)
		sum += load_le16(ip + i);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(sum));
	store_be16(udp, (uint16_t)(1024 + random32() % 64000));
	store_be16(udp + 2, f->port);
	store_be16(udp + 4, (uint16_t)(UDP_BYTES + n_payload));
	frame->n_bytes = HEADERS + n_payload;
}

static void
make_frames(struct flood *f, const struct kind *kind)
{
	for (; f->n_frames < N_FRAMES; f->n_frames++) {
		struct frame *frame = &f->frames[f->n_frames];
		uint32_t n = kind->make(f, frame->bytes + HEADERS);
		put_headers(f, frame, n, kind->is_fragment);
	}
}

static bool
is_for_port(const struct flood *f, const uint8_t *frame, ssize_t n)
{
	const uint8_t *ip = frame + ETHERNET_BYTES;
	return n >= HEADERS && memcmp(frame, f->mac.bytes, 6) == 0 &&
	       load_be16(frame + 12) == ETHERTYPE_IPV4 && ip[0] == 0x45 &&
	       ip[9] == IP_PROTO_UDP && load_be16(ip + IPV4_BYTES + 2) == f->port;
}

static void
record_frames(struct flood *f)
{
	ns_t end_ns = clock_boot_ns() + RECORD_MS * NS_IN_MS;
	struct pollfd p = {.fd = f->fd, .events = POLLIN};
	while (f->n_frames < N_FRAMES && clock_boot_ns() < end_ns && poll(&p, 1, 100) >= 0) {
		struct frame *frame = &f->frames[f->n_frames];
		ssize_t n = recv(f->fd, frame->bytes, sizeof(frame->bytes), MSG_DONTWAIT);
		if (n <= 0 || !is_for_port(f, frame->bytes, n))
			continue;
		frame->n_bytes = (uint32_t)n;
		f->n_frames++;
	}
	if (!f->n_frames)
		die("replay: nothing went to that port in a second");
}

/* ---- Sending ---- */

static void
open_socket(struct flood *f, bool hears)
{
	int on = 1;
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(hears ? ETH_P_ALL : 0),
		.sll_ifindex = (int)if_nametoindex(f->dev),
	};
	f->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(hears ? ETH_P_ALL : 0));
	if (f->fd < 0 || !at.sll_ifindex || bind(f->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("cannot open a packet socket on that netdev");
	(void)setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
}

static uint64_t
send_for(struct flood *f)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint64_t n_sent = 0;
	unsigned next = 0;
	ns_t begin_ns = clock_boot_ns(), end_ns = begin_ns + f->seconds * NS_IN_S;
	memset(msgs, 0, sizeof(msgs));
	for (ns_t now_ns = begin_ns; now_ns < end_ns; now_ns = clock_boot_ns()) {
		if (f->pps && n_sent * NS_IN_S > (now_ns - begin_ns) * f->pps)
			continue;
		for (unsigned i = 0; i < BATCH; i++, next = (next + 1) % f->n_frames) {
			iov[i] = (struct iovec){f->frames[next].bytes, f->frames[next].n_bytes};
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		int n = sendmmsg(f->fd, msgs, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("sending failed");
		n_sent += n > 0 ? (unsigned)n : 0;
	}
	return n_sent;
}

static void
take_option(struct flood *f, const char *name, const char *value)
{
	struct in_addr a;
	if (strcmp(name, "--dev") == 0)
		f->dev = value;
	else if (strcmp(name, "--mac") == 0 && mac_parse(value, &f->mac) == 0)
		return;
	else if (strcmp(name, "--to") == 0 && inet_pton(AF_INET, value, &a) == 1)
		f->to = ntohl(a.s_addr);
	else if (strcmp(name, "--from") == 0 && inet_pton(AF_INET, value, &a) == 1)
		f->from = ntohl(a.s_addr);
	else if (strcmp(name, "--port") == 0)
		f->port = (uint16_t)atoi(value);
	else if (strcmp(name, "--key") == 0 && key_from_base64(&f->key, value) == 0)
		return;
	else if (strcmp(name, "--pps") == 0)
		f->pps = (unsigned)atoi(value);
	else if (strcmp(name, "--seconds") == 0)
		f->seconds = (unsigned)atoi(value);
	else
		die("see the head of tests/flood/flood.c for what it takes");
}

int
main(int argc, char **argv)
{
	struct flood f = {.seconds = 5, .from = 0xc6336400};
	struct err err = {""};
	for (int i = 2; i + 1 < argc; i += 2)
		take_option(&f, argv[i], argv[i + 1]);
	bool is_replay = argc > 1 && strcmp(argv[1], "replay") == 0;
	const struct kind *kind = argc > 1 ? find_kind(argv[1]) : NULL;
	if (!(argc % 2 == 0 && f.dev && f.to && f.port && (kind || is_replay)) ||
		(kind && kind->needs_key && key_is_zero(&f.key)))
		die("see the head of tests/flood/flood.c for what it takes");
	if (crypto_init(&err))
		die(err.text);
	f.frames = calloc(N_FRAMES, sizeof(*f.frames));
	if (!f.frames)
		die("no memory");
	open_socket(&f, is_replay);
	if (is_replay)
		record_frames(&f);
	else
		make_frames(&f, kind);
	printf("%llu\n", (unsigned long long)send_for(&f));
	close(f.fd);
	free(f.frames);
	return 0;
}
