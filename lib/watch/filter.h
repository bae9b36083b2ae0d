/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture filters: programs of the classic BPF machine, as libpcap compiles them from its filter
 * language. The program comes off a socket, so it is checked before it is run; what was checked
 * ends after at most as many steps as it has instructions, for every jump goes forward, and reads
 * nothing but the packet's own bytes. (libpcap's own interpreter lets programs jump back.)
 *
 * Source: S. McCanne, V. Jacobson: The BSD Packet Filter, 1993, section 3.3.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { FILTER_MAX_INSNS = 512 };

/* Laid out as libpcap's struct bpf_insn. */
struct filter_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct watch_filter {
	uint32_t n_insns;    /* 0: everything passes */
	struct filter_insn insns[FILTER_MAX_INSNS];
};

/* The bytes that are there, and how long the packet is. */
struct filter_packet {
	const uint8_t *bytes;
	uint32_t n_bytes;
	uint32_t n_wire_bytes;
};

/* 0, or -EINVAL with what is wrong about which instruction. */
int filter_check(const struct watch_filter *f, struct err *err) __attribute__((warn_unused_result));
/* How many bytes of the packet the checked program wants; 0: it is not wanted. Pure. */
uint32_t filter_run(const struct watch_filter *f, const struct filter_packet *packet);
