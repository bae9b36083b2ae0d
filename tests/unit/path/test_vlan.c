/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port that is VLAN 100 of the LAN port: its frames come and go with that tag and are to
 * everything else like those of a port of its own; all other tags are the LAN port's twin's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene_test.h"

enum { TAGGED_BYTES = ETHERNET_BYTES + VLAN_TAG_BYTES };

/* The frame with tags put in, outermost first; an id of 0 in the middle is a tag as well. */
static struct rte_mbuf *
tagged(struct rte_mbuf *m, const uint16_t *tcis, unsigned n)
{
	while (n--) {
		assert_non_null(rte_pktmbuf_prepend(m, VLAN_TAG_BYTES));
		uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);
		memmove(eth, eth + VLAN_TAG_BYTES, 12);
		store_be16(eth + 12, ETHERTYPE_VLAN);
		store_be16(eth + 14, tcis[n]);
	}
	return m;
}

static struct rte_mbuf *
tagged_once(struct rte_mbuf *m, uint16_t tci)
{
	return tagged(m, &tci, 1);
}

static struct rte_mbuf *
to_anne(enum scene_port port)
{
	uint8_t ip[SCENE_MAX_BYTES];
	return scene_frame(port, ip, scene_ip(ip, "192.168.30.9", "10.1.0.5", 100));
}

/* What the twin of the link gets, without a drop; NULL: it gets nothing, or another does. */
static struct rte_mbuf *
take_twins(struct scene *s, uint16_t link)
{
	struct rte_mbuf *m = scene_take_kernel(s);
	assert_non_null(m);
	assert_int_equal(frame_link((struct frame *)m), link);
	assert_int_equal(scene_all_drops(s), 0);
	return m;
}

static void
into_the_tunnel(void **state)
{
	struct scene *s = *state;
	uint8_t plain[SCENE_MAX_BYTES];
	uint64_t counter;
	scene_vlan(s);
	put(s, SCENE_LAN, tagged_once(to_anne(SCENE_LAN), 0xa000 | SCENE_VLAN_ID));
	struct rte_mbuf *m = scene_take(SCENE_WAN);
	assert_non_null(m);
	assert_int_equal(scene_open(s, ANNE, m, plain, &counter), 112);
	rte_pktmbuf_free(m);
	assert_int_equal(s->workers[0]->links[SCENE_VLAN].rx_pkts, 1);
	assert_int_equal(s->workers[0]->links[SCENE_VLAN].rx_bytes, ETHERNET_BYTES + 100);
	assert_int_equal(s->workers[0]->links[SCENE_LAN].rx_bytes, TAGGED_BYTES + 100);
}

static void
out_of_the_tunnel(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	scene_vlan(s);
	uint32_t n = scene_ip(ip, "10.1.0.5", "192.168.30.9", 100);
	put(s, SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){0}));
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	const uint8_t *eth = rte_pktmbuf_mtod(m, const uint8_t *);
	assert_int_equal(m->data_len, TAGGED_BYTES + 100);
	assert_int_equal(m->pkt_len, m->data_len);
	assert_memory_equal(eth, ((const uint8_t[12]){2, 0, 0, 0, 2, 9, 2, 0, 0, 0, 1, SCENE_LAN}),
		12);
	assert_int_equal(load_be16(eth + 12), ETHERTYPE_VLAN);
	assert_int_equal(load_be16(eth + 14), SCENE_VLAN_ID);
	assert_int_equal(load_be16(eth + 16), ETHERTYPE_IPV4);
	assert_memory_equal(eth + TAGGED_BYTES + IPV4_BYTES, ip + IPV4_BYTES, 80);
	rte_pktmbuf_free(m);
	assert_int_equal(s->workers[0]->links[SCENE_VLAN].tx_pkts, 1);
	assert_int_equal(s->workers[0]->links[SCENE_VLAN].tx_bytes, ETHERNET_BYTES + 100);
	assert_int_equal(s->workers[0]->links[SCENE_LAN].tx_bytes, TAGGED_BYTES + 100);
}

/* A peer beyond the VLAN: outer packets bear the tag, both ways. */
static void
outer_packets(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES], plain[SCENE_MAX_BYTES];
	uint64_t counter;
	scene_vlan(s);
	scene_endpoint(s, BERT, "198.51.102.2");
	uint32_t n = scene_ip(ip, "192.168.10.9", "10.2.0.5", 100);
	put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_int_equal(load_be16(rte_pktmbuf_mtod(m, uint8_t *) + 14), SCENE_VLAN_ID);
	memmove(rte_pktmbuf_mtod(m, uint8_t *) + 4, rte_pktmbuf_mtod(m, uint8_t *), 12);
	rte_pktmbuf_adj(m, VLAN_TAG_BYTES);
	assert_int_equal(scene_open(s, BERT, m, plain, &counter), 112);
	rte_pktmbuf_free(m);

	n = scene_ip(ip, "10.2.0.5", "192.168.10.9", 100);
	m = scene_sealed(s, BERT, ip, n, &(struct scene_seal){0});
	memcpy(rte_pktmbuf_mtod(m, uint8_t *), s->config.ports[SCENE_LAN]->mac.bytes, 6);
	put(s, SCENE_LAN, tagged_once(m, SCENE_VLAN_ID));
	assert_sent(s, SCENE_LAN);
}

/* Which twin gets it, and whether the tag is still there. */
static void
who_gets_it(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint16_t tcis[2];
		unsigned n;
		uint8_t first; /* of the MAC it is for */
		uint16_t ethertype, link;
		bool is_untagged;
	} rows[] = {
		/* ARP, broadcast, IPv4 multicast, IPv6 multicast of the VLAN */
		{{SCENE_VLAN_ID}, 1, 2, ETHERTYPE_ARP, SCENE_VLAN, true},
		{{SCENE_VLAN_ID}, 1, 0xff, ETHERTYPE_ARP, SCENE_VLAN, true},
		{{SCENE_VLAN_ID}, 1, 0x01, ETHERTYPE_IPV4, SCENE_VLAN, true},
		{{SCENE_VLAN_ID}, 1, 0x33, ETHERTYPE_IPV6, SCENE_VLAN, true},
		{{0xf000 | SCENE_VLAN_ID}, 1, 2, 0x88cc, SCENE_VLAN, true},
		/* a priority tag: the port's own */
		{{0xe000}, 1, 2, ETHERTYPE_ARP, SCENE_LAN, true},
		{{0}, 1, 0xff, ETHERTYPE_ARP, SCENE_LAN, true},
		/* other ids */
		{{SCENE_VLAN_ID + 1}, 1, 2, ETHERTYPE_IPV4, SCENE_LAN, false},
		{{1}, 1, 0xff, ETHERTYPE_ARP, SCENE_LAN, false},
		{{4095}, 1, 2, ETHERTYPE_IPV4, SCENE_LAN, false},
		{{0xffff}, 1, 0xff, ETHERTYPE_IPV4, SCENE_LAN, false},
		/* a tag within a tag */
		{{SCENE_VLAN_ID, SCENE_VLAN_ID}, 2, 2, ETHERTYPE_IPV4, SCENE_LAN, false},
		{{0, SCENE_VLAN_ID}, 2, 2, ETHERTYPE_IPV4, SCENE_LAN, false},
		{{SCENE_VLAN_ID, 0}, 2, 0xff, ETHERTYPE_ARP, SCENE_LAN, false},
		{{SCENE_VLAN_ID}, 1, 2, ETHERTYPE_QINQ, SCENE_LAN, false},
	};
	scene_vlan(s);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct rte_mbuf *m = to_anne(SCENE_LAN);
		uint8_t *eth = rte_pktmbuf_mtod(m, uint8_t *);
		eth[0] = rows[i].first;
		store_be16(eth + 12, rows[i].ethertype);
		put(s, SCENE_LAN, tagged(m, rows[i].tcis, rows[i].n));
		m = take_twins(s, rows[i].link);
		eth = rte_pktmbuf_mtod(m, uint8_t *);
		assert_int_equal(eth[0], rows[i].first);
		assert_int_equal(load_be16(eth + 12),
			rows[i].is_untagged ? rows[i].ethertype : ETHERTYPE_VLAN);
		assert_int_equal(m->data_len, ETHERNET_BYTES + 100 +
			(rows[i].is_untagged ? 0 : rows[i].n * VLAN_TAG_BYTES));
		assert_int_equal(m->pkt_len, m->data_len);
		rte_pktmbuf_free(m);
		assert_true(scene_is_silent(s));
	}
}

/* A priority tag alone makes no difference to a packet that is routed. */
static void
priority_tag_is_forwarded(void **state)
{
	struct scene *s = *state;
	put(s, SCENE_LAN, tagged_once(to_anne(SCENE_LAN), 0xe000));
	assert_sent(s, SCENE_WAN);
}

/* Without a VLAN of ours every tag with an id is the twin's, as it stands. */
static void
port_without_vlans(void **state)
{
	struct scene *s = *state;
	put(s, SCENE_LAN, tagged_once(to_anne(SCENE_LAN), SCENE_VLAN_ID));
	struct rte_mbuf *m = take_twins(s, SCENE_LAN);
	assert_int_equal(m->data_len, TAGGED_BYTES + 100);
	rte_pktmbuf_free(m);
	scene_vlan(s);
	struct rte_mbuf *other = to_anne(SCENE_WAN); /* the VLAN is one of the LAN port's */
	put(s, SCENE_WAN, tagged_once(other, SCENE_VLAN_ID));
	rte_pktmbuf_free(take_twins(s, SCENE_WAN));
}

static void
short_frames(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	for (uint32_t n = ETHERNET_BYTES; n < TAGGED_BYTES; n++) {
		uint8_t frame[TAGGED_BYTES] = {2, 0, 0, 0, 1, SCENE_LAN, [12] = 0x81, [15] = 100};
		frame[0] = n & 1 ? 2 : 0xff;
		put(s, SCENE_LAN, scene_bytes(frame, n));
		assert_int_equal(scene_drops(s, DROP_FRAME_SHORT), n - ETHERNET_BYTES + 1);
	}
	/* The tag is there, and the IP header behind it is not. */
	uint8_t frame[TAGGED_BYTES] = {2, 0, 0, 0, 1, SCENE_LAN, [12] = 0x81, [15] = 100, 8, 0};
	put(s, SCENE_LAN, scene_bytes(frame, sizeof(frame)));
	assert_int_equal(scene_drops(s, DROP_IP_VERSION), 1);
	assert_int_equal(scene_all_drops(s), VLAN_TAG_BYTES + 1);
	assert_true(scene_is_silent(s));
}

static void
others_frame(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	struct rte_mbuf *m = to_anne(SCENE_LAN);
	rte_pktmbuf_mtod(m, uint8_t *)[5] ^= 0x40;
	put(s, SCENE_LAN, tagged_once(m, SCENE_VLAN_ID));
	assert_dropped(s, DROP_FRAME_NOT_OURS);
}

static void
give_kernels(struct scene *s, struct rte_mbuf *m)
{
	struct frame *f = (struct frame *)m;
	frame_set_link(f, SCENE_VLAN);
	assert_int_equal(frame_ring_push(s->config.kernel[0].from_kernel_bulk, &f, 1), 1);
	scene_turn(s);
}

/* What the kernel sends out of the VLAN's twin; the priority that it gave stays. */
static void
kernels_frames(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	static const struct {
		uint16_t tcis[1];
		unsigned n;
		uint16_t out, behind;
	} rows[] = {
		{{0}, 0, SCENE_VLAN_ID, ETHERTYPE_IPV4},
		{{0xa000}, 1, 0xa000 | SCENE_VLAN_ID, ETHERTYPE_IPV4},
		{{7}, 1, SCENE_VLAN_ID, ETHERTYPE_VLAN}, /* a VLAN device of the twin's */
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		give_kernels(s, tagged(to_anne(SCENE_LAN), rows[i].tcis, rows[i].n));
		struct rte_mbuf *m = scene_take(SCENE_LAN);
		assert_non_null(m);
		const uint8_t *eth = rte_pktmbuf_mtod(m, const uint8_t *);
		assert_int_equal(load_be16(eth + 12), ETHERTYPE_VLAN);
		assert_int_equal(load_be16(eth + 14), rows[i].out);
		assert_int_equal(load_be16(eth + 16), rows[i].behind);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(scene_all_drops(s), 0);
}

static void
no_room_for_a_tag(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	struct rte_mbuf *m = to_anne(SCENE_LAN);
	assert_non_null(rte_pktmbuf_prepend(m, (uint16_t)(rte_pktmbuf_headroom(m) - 3)));
	give_kernels(s, m);
	assert_dropped(s, DROP_TOO_BIG);
}

static void
link_down(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	struct port *vlan = s->config.ports[SCENE_VLAN];
	vlan->is_up = false;
	give_kernels(s, to_anne(SCENE_LAN));
	vlan->is_up = true;
	assert_dropped(s, DROP_LINK_DOWN);
}

/* The parent has one TX queue: worker 1 hands the frame over, and it is tagged once. */
static void
another_worker_sends(void **state)
{
	struct scene *s = *state;
	scene_vlan(s);
	struct port *vlan = s->config.ports[SCENE_VLAN];
	uint16_t was = vlan->n_tx_queues;
	vlan->n_tx_queues = 1;
	struct frame *f = (struct frame *)to_anne(SCENE_LAN);
	frame_set_link(f, SCENE_VLAN);
	assert_int_equal(frame_ring_push(s->config.kernel[1].from_kernel_bulk, &f, 1), 1);
	scene_turn_all(s);
	vlan->n_tx_queues = was;
	struct rte_mbuf *m = scene_take(SCENE_LAN);
	assert_non_null(m);
	assert_int_equal(m->data_len, TAGGED_BYTES + 100);
	rte_pktmbuf_free(m);
}

/* Plain and tagged frames of one turn leave in their order, in one batch. */
static void
order_is_kept(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	scene_vlan(s);
	for (unsigned i = 0; i < 8; i++) {
		uint32_t n = scene_ip(ip, "10.1.0.5", i % 3 ? "192.168.30.9" : "192.168.10.9",
			60 + i);
		scene_put(SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){0}));
	}
	scene_turn(s);
	for (unsigned i = 0; i < 8; i++) {
		struct rte_mbuf *m = scene_take(SCENE_LAN);
		assert_non_null(m);
		assert_int_equal(m->data_len, (i % 3 ? TAGGED_BYTES : ETHERNET_BYTES) + 60 + i);
		rte_pktmbuf_free(m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(into_the_tunnel),
		TEST(out_of_the_tunnel),
		TEST(outer_packets),
		TEST(who_gets_it),
		TEST(priority_tag_is_forwarded),
		TEST(port_without_vlans),
		TEST(short_frames),
		TEST(others_frame),
		TEST(kernels_frames),
		TEST(no_room_for_a_tag),
		TEST(link_down),
		TEST(another_worker_sends),
		TEST(order_is_kept),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
