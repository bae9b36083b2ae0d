/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture filters: programs that libpcap compiles pass the check and choose the same packets as
 * libpcap's own machine; programs that nobody should run do not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "watch/filter.h"

enum { PACKET_BYTES = 60, RANDOM_PROGRAMS = 200000 };

/* 10.1.7.7:1234 > 192.168.10.9:53, UDP. */
static const uint8_t udp_packet[PACKET_BYTES] = {0x45, 0, 0, 60, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 7,
	7, 192, 168, 10, 9, 4, 210, 0, 53, 0, 40};

static const struct filter_packet udp = {udp_packet, PACKET_BYTES, PACKET_BYTES};

static bool
compile(const char *text, int link_type, struct watch_filter *out)
{
	struct bpf_program program;
	pcap_t *pcap = pcap_open_dead(link_type, 65535);
	assert_non_null(pcap);
	bool is_good = pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (is_good) {
		assert_true(program.bf_len <= FILTER_MAX_INSNS);
		out->n_insns = program.bf_len;
		for (unsigned i = 0; i < program.bf_len; i++) {
			const struct bpf_insn *b = &program.bf_insns[i];
			out->insns[i] = (struct filter_insn){b->code, b->jt, b->jf, b->k};
		}
		pcap_freecode(&program);
	}
	pcap_close(pcap);
	return is_good;
}

static void
chooses(void **state)
{
	static const struct {
		const char *text;
		bool is_wanted;
	} rows[] = {
		{"udp", true},
		{"tcp", false},
		{"host 10.1.7.7", true},
		{"host 10.1.7.8", false},
		{"src net 10.1.0.0/16 and dst port 53", true},
		{"src net 10.2.0.0/16 and dst port 53", false},
		{"dst net 10.1.0.0/16", false},
		{"portrange 1000-2000", true},
		{"portrange 2000-3000", false},
		{"len > 50 and ip[8] = 64", true},
		{"len > 60", false},
		{"udp[4:2] * 2 = 80", true},
		{"udp[4:2] / 3 = 14 or ip[9] % 4 = 2", false},
		{"not (icmp or ip6)", true},
		{"ip6", false},
		{"ip[100] = 0", false},
	};
	struct watch_filter f;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		assert_true(compile(rows[i].text, DLT_RAW, &f));
		assert_int_equal(filter_check(&f, NULL), 0);
		assert_int_equal(filter_run(&f, &udp) != 0, rows[i].is_wanted);
	}
	/* Frames have other programs, and what is no frame's is none of theirs. */
	assert_true(compile("ether host 2:0:0:0:0:1", DLT_EN10MB, &f));
	assert_int_equal(filter_check(&f, NULL), 0);
	assert_false(compile("ether host 2:0:0:0:0:1", DLT_RAW, &f));
	f.n_insns = 0;
	assert_int_equal(filter_run(&f, &udp), UINT32_MAX);
}

/* Codes of the table below: class | size | mode, or class | operation | source. */
enum {
	LD_ABS = 0x20,
	LD_MEM = 0x60,
	ST = 2,
	DIV_K = 0x34,
	DIV_X = 0x3c,
	LSH_K = 0x64,
	JA = 5,
	JEQ = 0x15,
	RET = 6,
	RET_A = 0x16,
	RET_X = 0x0e,
	TAX = 7
};

static void
refuses(void **state)
{
	static const struct {
		uint32_t n;
		struct filter_insn insns[3];
		bool is_good;
	} rows[] = {
		{1, {{RET, 0, 0, 1}}, true},
		{1, {{RET_A, 0, 0, 1}}, true},
		{1, {{RET_X, 0, 0, 1}}, false},
		{1, {{TAX, 0, 0, 0}}, false}, /* does not end */
		{2, {{TAX, 0, 0, 0}, {RET, 0, 0, 1}}, true},
		{2, {{0x47, 0, 0, 0}, {RET, 0, 0, 1}}, false},
		{2, {{0xff, 0, 0, 0}, {RET, 0, 0, 1}}, false},
		{2, {{0x1020, 0, 0, 0}, {RET, 0, 0, 1}}, false}, /* a code of 16 bits */
		{2, {{ST, 0, 0, 15}, {RET, 0, 0, 1}}, true},
		{2, {{ST, 0, 0, 16}, {RET, 0, 0, 1}}, false},
		{2, {{LD_MEM, 0, 0, 15}, {RET, 0, 0, 1}}, true},
		{2, {{LD_MEM, 0, 0, 16}, {RET, 0, 0, 1}}, false},
		{2, {{LD_MEM, 0, 0, UINT32_MAX}, {RET, 0, 0, 1}}, false},
		{2, {{LD_ABS, 0, 0, UINT32_MAX}, {RET, 0, 0, 1}}, true}, /* ends when run */
		{2, {{DIV_K, 0, 0, 1}, {RET, 0, 0, 1}}, true},
		{2, {{DIV_K, 0, 0, 0}, {RET, 0, 0, 1}}, false},
		{2, {{DIV_X, 0, 0, 0}, {RET, 0, 0, 1}}, true}, /* ends when run */
		{2, {{LSH_K, 0, 0, 31}, {RET, 0, 0, 1}}, true},
		{2, {{LSH_K, 0, 0, 32}, {RET, 0, 0, 1}}, false},
		{2, {{JA, 0, 0, 0}, {RET, 0, 0, 1}}, true},
		{2, {{JA, 0, 0, 1}, {RET, 0, 0, 1}}, false},
		{2, {{JA, 0, 0, UINT32_MAX}, {RET, 0, 0, 1}}, false}, /* backwards: for ever */
		{2, {{JEQ, 0, 0, 1}, {RET, 0, 0, 1}}, true},
		{2, {{JEQ, 1, 0, 1}, {RET, 0, 0, 1}}, false},
		{2, {{JEQ, 0, 1, 1}, {RET, 0, 0, 1}}, false},
		{3, {{JEQ, 1, 0, 1}, {RET, 0, 0, 1}, {RET, 0, 0, 0}}, true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct watch_filter f = {.n_insns = rows[i].n};
		memcpy(f.insns, rows[i].insns, sizeof(rows[i].insns));
		if ((filter_check(&f, NULL) == 0) != rows[i].is_good)
			fail_msg("row %zu", i);
		if (rows[i].is_good)
			(void)filter_run(&f, &udp);
	}
	struct watch_filter longest = {.n_insns = FILTER_MAX_INSNS + 1};
	assert_int_equal(filter_check(&longest, NULL), -EINVAL);
}

static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	return z ^ z >> 31;
}

/* Any sound program ends as it does in libpcap's machine, on a packet in memory of its own size. */
static void
agrees_with_libpcap(void **state)
{
	static const uint16_t codes[] = {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x80, 0x01, 0x81,
		0xb1, 0x60, 0x61, 0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44,
		0x54, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25,
		0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87};
	uint8_t *bytes = malloc(PACKET_BYTES);
	uint64_t rng = 7;
	unsigned n_sound = 0;
	memcpy(bytes, udp_packet, PACKET_BYTES);
	const struct filter_packet packet = {bytes, PACKET_BYTES, 99};
	for (unsigned i = 0; i < RANDOM_PROGRAMS; i++) {
		struct watch_filter f = {.n_insns = 1 + draw(&rng) % 12};
		struct bpf_insn theirs[12];
		/* Their scratch words are not cleared: those are stored to before all else. */
		for (unsigned k = 0; k < f.n_insns; k++) {
			f.insns[k] = (struct filter_insn){codes[draw(&rng) % ARRAY_COUNT(codes)],
				draw(&rng) % 4, draw(&rng) % 4, (uint32_t)(draw(&rng) % 70)};
			if ((f.insns[k].code & ~1u) == 0x60)
				f.insns[k].code = 0;
		}
		f.insns[f.n_insns - 1].code = draw(&rng) % 2 ? 0x06 : 0x16;
		memcpy(theirs, f.insns, sizeof(theirs));
		if (filter_check(&f, NULL))
			continue;
		n_sound++;
		assert_int_equal(filter_run(&f, &packet),
			bpf_filter(theirs, bytes, packet.n_wire_bytes, packet.n_bytes));
	}
	assert_true(n_sound > RANDOM_PROGRAMS / 20);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(agrees_with_libpcap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
