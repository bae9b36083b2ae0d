/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "crypto/aead.h"
#include "flows.h"
#include "wire/ip.h"
#include "wire/wg.h"

static const uint32_t lan_host = (uint32_t)TRAFFIC_LAN_HOST;

enum {
	PER_QUEUE = 32,
	INNER_TTL = 64,
	CLOCK_TRIES = 31,
};

const char *const traffic_names[TRAFFIC_CASES] = {"encrypt", "decrypt", "hairpin"};

/* A packet on its way: who sends, who is to get it. */
struct item {
	uint32_t from, to;
	uint32_t bytes;
	uint32_t flow;
};

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

double
traffic_mean_bytes(unsigned bytes)
{
	return bytes != TRAFFIC_IMIX ? bytes : (28 * 64 + 16 * 570 + 4 * RIG_TUNNEL_MTU) / 48.0;
}

/* CSIT's IMIX; its largest, 1518, is cut to what the tunnel carries. */
static uint32_t
size_of_next(struct traffic *t)
{
	if (t->bytes != TRAFFIC_IMIX)
		return t->bytes;
	uint64_t at = next_random(&t->rng) % 48;
	return at < 28 ? 64 : at < 44 ? 570 : RIG_TUNNEL_MTU;
}

static void
choose(const struct world *world, struct traffic *t, struct item *items)
{
	for (unsigned i = 0; i < t->burst; i++) {
		uint32_t a = (uint32_t)(next_random(&t->rng) % world->n_peers);
		uint32_t b = (uint32_t)(next_random(&t->rng) % world->n_peers);
		items[i] = (struct item){.from = t->what == TRAFFIC_ENCRYPT ? lan_host : a,
			.to = t->what == TRAFFIC_DECRYPT ? lan_host : b,
			.bytes = size_of_next(t),
			.flow = (uint32_t)(next_random(&t->rng) % flows_of_peer(world))};
	}
}

static void
fill_ipv4(uint8_t *ip, uint32_t source, uint32_t destination, uint32_t bytes)
{
	memset(ip, 0, IPV4_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)bytes);
	ip[8] = INNER_TTL;
	ip[9] = IP_PROTO_UDP;
	store_be32(ip + 12, source);
	store_be32(ip + 16, destination);
	uint64_t sum = 0;
	for (unsigned at = 0; at < IPV4_BYTES; at += 4)
		sum += load_le32(ip + at);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(sum));
}

static uint32_t
host_of(uint32_t who)
{
	return who == lan_host ? (uint32_t)RIG_LAN_HOST : peer_inner(who);
}

static void
fill_udp(uint8_t *udp, uint16_t source, uint16_t destination, uint32_t bytes)
{
	store_be16(udp, source);
	store_be16(udp + 2, destination);
	store_be16(udp + 4, (uint16_t)bytes);
	store_be16(udp + 6, 0);
}

static void
fill_headers(uint8_t *ip, const struct item *item)
{
	struct flow_ports ports = flows_ports(item->flow);
	bool is_ours = item->from == lan_host;
	fill_ipv4(ip, host_of(item->from), host_of(item->to), item->bytes);
	fill_udp(ip + IPV4_BYTES, is_ours ? ports.lan : ports.peer,
		is_ours ? ports.peer : ports.lan, item->bytes - IPV4_BYTES);
}

void
traffic_fill_headers(uint8_t *ip, uint32_t from, uint32_t to, uint32_t flow)
{
	const struct item item = {from, to, IPV4_BYTES + UDP_BYTES, flow};
	fill_headers(ip, &item);
}

/* The inner packet, as it starts out. */
static void
fill_inner(uint8_t *ip, const struct item *item)
{
	fill_headers(ip, item);
	memset(ip + IPV4_BYTES + UDP_BYTES, (int)(host_of(item->to) * 31 + item->bytes),
		item->bytes - IPV4_BYTES - UDP_BYTES);
}

static void
fill_ethernet(uint8_t *eth, const struct port *port, uint16_t ethertype)
{
	memcpy(eth, port->mac.bytes, 6);
	memcpy(eth + 6, (const uint8_t[6]){2, 0, 0, 0, 0, 9}, 6);
	store_be16(eth + 12, ethertype);
}

static void
make_plain(const struct world *world, struct rte_mbuf *m, const struct item *item)
{
	uint8_t *eth = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(ETHERNET_BYTES + item->bytes));
	fill_ethernet(eth, world->rig->lan.port, ETHERTYPE_IPV4);
	fill_inner(eth + ETHERNET_BYTES, item);
}

/* Outer IP and UDP header in front of n_bytes; returns its size. The path checks no UDP sum. */
static uint32_t
fill_outer(const struct world *world, uint8_t *ip, uint32_t peer, uint32_t n_bytes)
{
	struct addr remote = peer_outer(world, peer), local = world_local(world);
	if (world->outer_family == ADDR_V4) {
		fill_ipv4(ip, load_be32(remote.bytes), load_be32(local.bytes),
			n_bytes + IPV4_BYTES + UDP_BYTES);
		fill_udp(ip + IPV4_BYTES, RIG_PEER_PORT, RIG_LISTEN_PORT, n_bytes + UDP_BYTES);
		return IPV4_BYTES + UDP_BYTES;
	}
	memset(ip, 0, IPV6_BYTES);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)(n_bytes + UDP_BYTES));
	ip[6] = IP_PROTO_UDP;
	ip[7] = INNER_TTL;
	memcpy(ip + 8, remote.bytes, 16);
	memcpy(ip + 24, local.bytes, 16);
	fill_udp(ip + IPV6_BYTES, RIG_PEER_PORT, RIG_LISTEN_PORT, n_bytes + UDP_BYTES);
	return IPV6_BYTES + UDP_BYTES;
}

/* A data message as the far end sends it, but for the sealing, which `job` then does. */
static void
make_message(struct world *world, struct rte_mbuf *m, const struct item *item, struct aead_job *job)
{
	struct rig *rig = world->rig;
	struct far_end *f = &world->peers[item->from];
	bool is_v4 = world->outer_family == ADDR_V4;
	uint32_t header = is_v4 ? IPV4_BYTES + UDP_BYTES : IPV6_BYTES + UDP_BYTES;
	uint32_t padded = (uint32_t)wg_padded_bytes(item->bytes, RIG_TUNNEL_MTU);
	uint32_t message = padded + WG_DATA_OVERHEAD_BYTES;
	uint8_t *eth =
		(uint8_t *)rte_pktmbuf_append(m, (uint16_t)(ETHERNET_BYTES + header + message));
	fill_ethernet(eth, rig->wan.port, is_v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	fill_outer(world, eth + ETHERNET_BYTES, item->from, message);
	struct wg_data *data = (struct wg_data *)(eth + ETHERNET_BYTES + header);
	data->type = WG_DATA;
	data->receiver_index = f->gateway_index;
	data->counter = f->next_counter++;
	memset(data->sealed, 0, padded);
	fill_inner(data->sealed, item);
	*job = (struct aead_job){.key = f->recv_key,
		.data = data->sealed,
		.counter = data->counter,
		.n_bytes = padded};
}

static bool
generate(struct world *world, const struct traffic *t, const struct item *items)
{
	struct rig *rig = world->rig;
	struct rte_mbuf *mbufs[BURST_MAX];
	struct aead_job jobs[BURST_MAX];
	if (rte_pktmbuf_alloc_bulk(rig->pool, mbufs, t->burst))
		return false;
	for (unsigned i = 0; i < t->burst; i++) {
		if (t->what == TRAFFIC_ENCRYPT)
			make_plain(world, mbufs[i], &items[i]);
		else
			make_message(world, mbufs[i], &items[i], &jobs[i]);
	}
	if (t->what != TRAFFIC_ENCRYPT)
		aead_seal_burst(&rig->sealer, jobs, t->burst);
	struct rte_ring **rx = t->what == TRAFFIC_ENCRYPT ? rig->lan.rx : rig->wan.rx;
	for (unsigned q = 0, at = 0; at < t->burst; q++, at += PER_QUEUE)
		rte_ring_enqueue_bulk(rx[q], (void **)mbufs + at,
			RTE_MIN((unsigned)PER_QUEUE, t->burst - at), NULL);
	return true;
}

/* Compares with what was sent; one router decremented its TTL. */
static bool
is_inner_right(const uint8_t *ip, uint32_t n_bytes, const struct item *item)
{
	uint8_t expected[RIG_TUNNEL_MTU + WG_PAD_BYTES];
	fill_inner(expected, item);
	ip_ttl_decrement(expected, ADDR_V4);
	return n_bytes >= item->bytes && ipv4_checksum_is_right(ip) &&
	       memcmp(ip, expected, item->bytes) == 0;
}

/* IPv4: the header's. IPv6: UDP's, which must be there (RFC 8200, 8.1). */
static bool
is_outer_sum_right(const uint8_t *ip, uint8_t family, uint32_t n_bytes)
{
	if (family == ADDR_V4)
		return ipv4_checksum_is_right(ip);
	uint32_t udp_bytes = n_bytes - IPV6_BYTES;
	uint64_t sum = ip_sum(ip + 8, 32) + __builtin_bswap16(IP_PROTO_UDP) +
		       __builtin_bswap32(udp_bytes) + ip_sum(ip + IPV6_BYTES, udp_bytes);
	return load_le16(ip + IPV6_BYTES + 6) && ip_sum_fold(sum) == 0xffff;
}

static bool
is_sealed_right(const struct world *world, const struct rte_mbuf *m, const struct item *item)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETHERNET_BYTES);
	uint8_t family, nonce[AEAD_NONCE_BYTES], plain[RIG_TUNNEL_MTU + WG_PAD_BYTES];
	uint32_t n_bytes = ip_check(ip, m->data_len - ETHERNET_BYTES, &family);
	struct addr remote = peer_outer(world, item->to);
	uint32_t header = (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
	const struct far_end *f = &world->peers[item->to];
	if (n_bytes < header + WG_DATA_OVERHEAD_BYTES || family != world->outer_family ||
		!is_outer_sum_right(ip, family, n_bytes) ||
		memcmp(ip_destination(ip, family), remote.bytes, addr_n_bytes(family)) != 0)
		return false;
	const struct wg_data *data = (const struct wg_data *)(ip + header);
	aead_nonce_of_counter(nonce, data->counter);
	struct aead_message message = {.in = data->sealed,
		.in_bytes = n_bytes - header - sizeof(*data),
		.out = plain};
	return data->type == WG_DATA && data->receiver_index == f->own_index &&
	       message.in_bytes <= sizeof(plain) + AEAD_TAG_BYTES &&
	       aead_open(f->send_key, nonce, &message) == 0 &&
	       is_inner_right(plain, (uint32_t)message.in_bytes - AEAD_TAG_BYTES, item);
}

static int
collect(struct world *world, const struct traffic *t, const struct item *items, bool looks,
	struct err *err)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	struct ring_port *out = t->what == TRAFFIC_DECRYPT ? &world->rig->lan : &world->rig->wan;
	unsigned n = rte_ring_dequeue_burst(out->tx[0], (void **)mbufs, BURST_MAX, NULL);
	unsigned n_wrong = 0;
	for (unsigned i = 0; looks && i < n && n == t->burst; i++) {
		const struct rte_mbuf *m = mbufs[i];
		n_wrong += t->what != TRAFFIC_DECRYPT
				   ? !is_sealed_right(world, m, &items[i])
				   : !is_inner_right(rte_pktmbuf_mtod_offset(
							     m, const uint8_t *, ETHERNET_BYTES),
					     m->data_len - ETHERNET_BYTES, &items[i]);
	}
	rte_pktmbuf_free_bulk(mbufs, n);
	if (n == t->burst && !n_wrong)
		return 0;
	return err_set(err, -EIO,
		"%s, %u bytes, %u peers: of %u packets %u came out, %u of them wrong",
		traffic_names[t->what], t->bytes, world->n_peers, t->burst, n, n_wrong);
}

/* Control's part: it would act upon what workers say; here it is only taken out of the way. */
static void
hear_events(struct world *world)
{
	struct event_mail mails[BURST_MAX];
	while (mailbox_take(world->rig->boxes.events, mails, BURST_MAX))
		;
}

static uint64_t
clock_now(void)
{
	_mm_lfence();
	uint64_t now = rte_rdtsc();
	_mm_lfence();
	return now;
}

static int
compare_clk(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The mean of the middle half; sorts. */
static double
middle_mean(uint64_t *clks, unsigned n)
{
	uint64_t sum = 0;
	unsigned from = n / 4, to = n - n / 4;
	qsort(clks, n, sizeof(*clks), compare_clk);
	for (unsigned i = from; i < to; i++)
		sum += clks[i];
	return (double)sum / (to - from);
}

/* What reading the clock itself costs: a pair of clock_now, a pair of rte_rdtsc (the worker's). */
static struct traffic_clk
measure_clock(void)
{
	uint64_t outer[CLOCK_TRIES], inner[CLOCK_TRIES];
	for (unsigned i = 0; i < CLOCK_TRIES; i++) {
		uint64_t from = clock_now();
		outer[i] = clock_now() - from;
		from = rte_rdtsc();
		inner[i] = rte_rdtsc() - from;
	}
	return (struct traffic_clk){.all = middle_mean(outer, CLOCK_TRIES),
		.aead = middle_mean(inner, CLOCK_TRIES)};
}

/* The clocks of turns, each apart. */
struct turns {
	uint64_t all[TRAFFIC_MAX_BURSTS];
	uint64_t aead[TRAFFIC_MAX_BURSTS];
};

static struct traffic_clk
clk_of_turns(struct turns *turns, const struct traffic *t)
{
	struct traffic_clk cost = measure_clock();
	double n_aead = t->what == TRAFFIC_HAIRPIN ? 2 : 1; /* a turn, each within the stages */
	double all = middle_mean(turns->all, t->n_bursts) - 2 * cost.all - 2 * n_aead * cost.aead;
	double aead = middle_mean(turns->aead, t->n_bursts) - n_aead * cost.aead;
	return (struct traffic_clk){.all = all / t->burst, .aead = aead / t->burst};
}

/*
 * A turn as worker_run makes it, with the clock stopped around the ports' own calls. Returns its
 * clocks.
 */
static uint64_t
turn(struct worker *w)
{
	uint64_t from = clock_now();
	rcu_reader_quiescent();
	worker_begin(w);
	uint64_t clk = clock_now() - from;
	rx_burst(w, &w->burst);
	from = clock_now();
	worker_process(w);
	clk += clock_now() - from;
	tx_flush(w);
	return clk;
}

static int
check_drops(const struct worker *w, struct err *err)
{
	for (unsigned i = 0; i < DROP_REASONS; i++) {
		if (w->drops.n_pkts[i])
			return err_set(err, -EIO, "%llu packets were dropped as %s",
				(unsigned long long)w->drops.n_pkts[i],
				drop_name((enum drop_reason)i));
	}
	return 0;
}

int
traffic_run(struct world *world, unsigned k, struct traffic *t, struct traffic_clk *clk,
	struct err *err)
{
	struct worker *w = world->workers[k];
	struct item items[BURST_MAX];
	struct turns turns;
	int rc = 0;
	for (unsigned i = 0; !rc && i < t->n_bursts; i++) {
		choose(world, t, items);
		if (!generate(world, t, items))
			return err_set(err, -ENOMEM, "no packet buffers: some were lost");
		uint64_t aead_from = w->aead_clk;
		turns.all[i] = turn(w);
		turns.aead[i] = w->aead_clk - aead_from;
		rc = check_drops(w, err);
		if (!rc)
			rc = collect(world, t, items, t->looks, err);
		hear_events(world);
	}
	if (!rc)
		*clk = clk_of_turns(&turns, t);
	return rc;
}
