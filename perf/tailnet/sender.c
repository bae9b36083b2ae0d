/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tailnet clients that only send, as light as can be, so that not the sending end but the gateway
 * limits what arrives: a WireGuard session each, UDP flows inside, at a rate of one's choice.
 *
 *   perf-sender --key-file FILE --gateway PUBLICKEY --at ADDRESS:PORT --local ADDRESS:PORT
 *               --dev NETDEV --mac MAC --from ADDRESS:PORT --to ADDRESS:PORT
 *               [--flows N] [--bytes N] [--pps N] [--seconds N]
 *
 * The gateway is at --at with --mac behind --dev. A client is a line of --key-file, its private key
 * in base64: 1, 2, 4, 8, 16 or 32 of them. The first is at --local, and at --from in the tunnel;
 * each next one has the next port and the next address. --flows of each, by as many source ports.
 * Handshakes go through UDP sockets, data through a packet socket: sealed in batches, each packet
 * is a new one with the counter that follows, the clients by turns. Prints what was sent and the
 * seconds of one core that it took:
 *
 *   1200000 packets in 4.000 s, 3.120 s of a core
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"
#include "frames.h"
#include "tunnel.h"

enum {
	NAP_NS = 50000, /* a shorter wait than that is not worth a sleep */
};

struct sender {
	const char *key_file, *dev;
	struct key private_keys[FRAMES_MAX_CLIENTS], gateway;
	struct frames frames;
	struct aead aead;
	uint64_t pps;
	unsigned seconds;
	int raw;
};

static void
die(const char *what)
{
	fprintf(stderr, "perf-sender: %s\n", what);
	exit(1);
}

/* ---- The command line ---- */

static bool
parse_end(const char *text, uint32_t *address, uint16_t *port)
{
	char copy[32];
	struct in_addr a;
	const char *colon = strchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof(copy))
		return false;
	memcpy(copy, text, (size_t)(colon - text));
	copy[colon - text] = '\0';
	unsigned long n = strtoul(colon + 1, NULL, 10);
	if (inet_pton(AF_INET, copy, &a) != 1 || n == 0 || n > UINT16_MAX)
		return false;
	*address = ntohl(a.s_addr);
	*port = (uint16_t)n;
	return true;
}

static bool
take_end(struct frames *f, const char *name, const char *value)
{
	if (strcmp(name, "--at") == 0)
		return parse_end(value, &f->outer.to, &f->outer.to_port);
	if (strcmp(name, "--local") == 0)
		return parse_end(value, &f->outer.from, &f->outer.from_port);
	if (strcmp(name, "--from") == 0)
		return parse_end(value, &f->inner.from, &f->inner.from_port);
	if (strcmp(name, "--to") == 0)
		return parse_end(value, &f->inner.to, &f->inner.to_port);
	return false;
}

static bool
take_number(struct sender *s, const char *name, const char *value)
{
	unsigned long n = strtoul(value, NULL, 10);
	if (n == 0 || n > 100000000)
		return false;
	if (strcmp(name, "--bytes") == 0)
		s->frames.n_payload = (uint32_t)n;
	else if (strcmp(name, "--flows") == 0)
		s->frames.n_flows = (unsigned)n;
	else if (strcmp(name, "--pps") == 0)
		s->pps = n;
	else if (strcmp(name, "--seconds") == 0)
		s->seconds = (unsigned)n;
	else
		return false;
	return true;
}

static bool
take_option(struct sender *s, const char *name, const char *value)
{
	if (strcmp(name, "--key-file") == 0)
		return (s->key_file = value) != NULL;
	if (strcmp(name, "--dev") == 0)
		return (s->dev = value) != NULL;
	if (strcmp(name, "--gateway") == 0)
		return key_from_base64(&s->gateway, value) == 0;
	if (strcmp(name, "--mac") == 0)
		return mac_parse(value, &s->frames.gateway) == 0;
	return take_end(&s->frames, name, value) || take_number(s, name, value);
}

static void
read_keys(struct sender *s)
{
	char line[KEY_BASE64_BYTES + 1];
	struct frames *f = &s->frames;
	FILE *file = s->key_file ? fopen(s->key_file, "re") : NULL;
	if (!file)
		die("--key-file names no file that can be read");
	while (f->n_clients < FRAMES_MAX_CLIENTS && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (key_from_base64(&s->private_keys[f->n_clients++], line))
			die("--key-file: a line is no key in base64");
	}
	if (!f->n_clients || (f->n_clients & (f->n_clients - 1)))
		die("--key-file: the number of keys is no power of two");
	fclose(file);
	secret_wipe(line, sizeof(line));
}

static void
take_arguments(struct sender *s, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc || !take_option(s, argv[i], argv[i + 1]))
			die("see the head of perf/tailnet/sender.c for what it takes");
	}
	const struct frames *f = &s->frames;
	if (!s->dev || key_is_zero(&s->gateway) || !f->outer.from || !f->outer.to ||
		!f->inner.from || !f->inner.to || f->n_payload > FRAME_PAYLOAD_MAX_BYTES)
		die("see the head of perf/tailnet/sender.c for what it needs");
	read_keys(s);
}

/* ---- Sockets ---- */

static struct sockaddr_in
socket_address(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
}

static void
shake_hands(struct sender *s, unsigned c)
{
	const struct flow_ends *o = &s->frames.outer;
	struct sockaddr_in local = socket_address(o->from, (uint16_t)(o->from_port + c));
	struct sockaddr_in at = socket_address(o->to, o->to_port);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp < 0 || bind(udp, (struct sockaddr *)&local, sizeof(local)) < 0 ||
		connect(udp, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("cannot open a UDP socket from --local to --at");
	if (!tunnel_handshake(udp, &s->private_keys[c], &s->gateway, &s->frames.clients[c].keys))
		die("the gateway does not answer a handshake");
	/* It stays open: the kernel would tell the gateway that nobody is there. */
}

static void
open_dev(struct sender *s)
{
	struct sockaddr_ll dev = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(s->dev)};
	int on = 1;
	s->raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->raw < 0 || !dev.sll_ifindex ||
		bind(s->raw, (struct sockaddr *)&dev, sizeof(dev)) < 0)
		die("cannot open a packet socket on --dev");
	(void)setsockopt(s->raw, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
}

/* ---- Sending ---- */

static unsigned
send_batch(struct sender *s)
{
	struct mmsghdr msgs[FRAMES_BATCH];
	struct iovec iov[FRAMES_BATCH];
	memset(msgs, 0, sizeof(msgs));
	frames_seal(&s->frames, &s->aead);
	for (unsigned i = 0; i < FRAMES_BATCH; i++) {
		iov[i] = (struct iovec){s->frames.bytes[i], s->frames.n_frame};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int n = sendmmsg(s->raw, msgs, FRAMES_BATCH, 0);
	if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
		die("sending failed");
	return n > 0 ? (unsigned)n : 0;
}

/* Leaves the core to others until it is time for the next batch. */
static void
nap(ns_t ahead_ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ahead_ns / NS_IN_S), .tv_nsec = (long)(ahead_ns % NS_IN_S)};
	if (ahead_ns > NAP_NS)
		nanosleep(&t, NULL);
}

static uint64_t
send_for(struct sender *s)
{
	uint64_t n_sent = 0;
	ns_t begin_ns = clock_boot_ns(), now_ns = begin_ns;
	ns_t end_ns = begin_ns + s->seconds * NS_IN_S;
	while (now_ns < end_ns) {
		ns_t due_ns = begin_ns + (s->pps ? n_sent * NS_IN_S / s->pps : 0);
		if (due_ns <= now_ns)
			n_sent += send_batch(s);
		else
			nap(due_ns - now_ns);
		now_ns = clock_boot_ns();
	}
	return n_sent;
}

static double
core_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static struct sender s = {.seconds = 3, .frames = {.n_payload = 64, .n_flows = 1}};
	struct aead_choice choice;
	struct err err = {""};
	take_arguments(&s, argc, argv);
	if (crypto_init(&err) || aead_choose(NULL, &choice, &err) ||
		aead_create(&s.aead, &choice, &err))
		die(err.text);
	open_dev(&s);
	for (unsigned c = 0; c < s.frames.n_clients; c++)
		shake_hands(&s, c);
	frames_lay_out(&s.frames);
	double before = core_seconds();
	ns_t begin_ns = clock_boot_ns();
	uint64_t n = send_for(&s);
	printf("%llu packets in %.3f s, %.3f s of a core\n", (unsigned long long)n,
		(double)(clock_boot_ns() - begin_ns) / 1e9, core_seconds() - before);
	aead_destroy(&s.aead);
	secret_wipe(&s, sizeof(s));
	return 0;
}
