/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/filter.h"

#include <errno.h>
#include <stdbool.h>

#include "base/bytes.h"

enum { SCRATCH_WORDS = 16 };

/* Classes, and the fields of a code. */
enum {
	LD = 0x00, LDX = 0x01, ST = 0x02, STX = 0x03, ALU = 0x04, JMP = 0x05, RET = 0x06,
	MISC = 0x07,
	W = 0x00, H = 0x08, B = 0x10,
	IMM = 0x00, ABS = 0x20, IND = 0x40, MEM = 0x60, LEN = 0x80, MSH = 0xa0,
	ADD = 0x00, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50, LSH = 0x60,
	RSH = 0x70, NEG = 0x80, MOD = 0x90, XOR = 0xa0,
	JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40,
	X = 0x08, A = 0x10,
	TAX = 0x00, TXA = 0x80,
};

/* ---- The check ---- */

static bool
is_load(uint16_t code)
{
	switch (code) {
	case LD | W | ABS:
	case LD | H | ABS:
	case LD | B | ABS:
	case LD | W | IND:
	case LD | H | IND:
	case LD | B | IND:
	case LD | IMM:
	case LD | W | LEN:
	case LDX | IMM:
	case LDX | W | LEN:
	case LDX | B | MSH:
		return true;
	default:
		return false;
	}
}

static bool
is_sound_alu(const struct filter_insn *insn)
{
	uint16_t op = insn->code & 0xf0;
	bool has_x = insn->code & X;
	if (insn->code & ~(0xf0 | X | ALU) || op > XOR || (op == NEG && has_x))
		return false;
	if (op == DIV || op == MOD)
		return has_x || insn->k;
	return (op != LSH && op != RSH) || has_x || insn->k < 32;
}

/* left: how many instructions stand behind this one. */
static bool
is_sound_jump(const struct filter_insn *insn, uint32_t left)
{
	uint16_t op = insn->code & 0xf0;
	if (insn->code == (JMP | JA))
		return insn->k < left;
	return !(insn->code & ~(0xf0 | X | JMP)) && op >= JEQ && op <= JSET && insn->jt < left &&
	       insn->jf < left;
}

static bool
is_sound(const struct filter_insn *insn, uint32_t left)
{
	switch (insn->code & 0x07) {
	case LD:
	case LDX:
		if (insn->code == (LD | MEM) || insn->code == (LDX | MEM))
			return insn->k < SCRATCH_WORDS;
		return is_load(insn->code);
	case ST:
	case STX:
		return insn->code == (insn->code & 0x07) && insn->k < SCRATCH_WORDS;
	case ALU:
		return is_sound_alu(insn);
	case JMP:
		return is_sound_jump(insn, left);
	case RET:
		return insn->code == RET || insn->code == (RET | A);
	default:
		return insn->code == (MISC | TAX) || insn->code == (MISC | TXA);
	}
}

int
filter_check(const struct watch_filter *f, struct err *err)
{
	if (f->n_insns > FILTER_MAX_INSNS)
		return err_set(err, -EINVAL, "the filter has %u instructions, at most %d are taken",
			f->n_insns, FILTER_MAX_INSNS);
	for (uint32_t i = 0; i < f->n_insns; i++) {
		if (!is_sound(&f->insns[i], f->n_insns - 1 - i))
			return err_set(err, -EINVAL, "instruction %u of the filter is no good", i);
	}
	if (f->n_insns && (f->insns[f->n_insns - 1].code & 0x07) != RET)
		return err_set(err, -EINVAL, "the filter does not end with a return");
	return 0;
}

/* ---- The machine ---- */

struct machine {
	const struct filter_packet *packet;
	uint32_t a, x;
	uint32_t scratch[SCRATCH_WORDS];
};

/* size: W, H or B. False: not within the packet. */
static bool
load(const struct filter_packet *p, uint64_t at, uint16_t size, uint32_t *out)
{
	uint32_t n = size == W ? 4 : size == H ? 2 : 1;
	if (at + n > p->n_bytes)
		return false;
	const uint8_t *from = p->bytes + at;
	*out = size == W ? load_be32(from) : size == H ? load_be16(from) : *from;
	return true;
}

/* Loads into *to. False: beyond the packet, which ends the program. */
static bool
run_load(struct machine *m, const struct filter_insn *insn, uint32_t *to)
{
	uint32_t byte;
	switch (insn->code & 0xe0) {
	case IMM:
		*to = insn->k;
		return true;
	case ABS:
		return load(m->packet, insn->k, insn->code & 0x18, to);
	case IND:
		return load(m->packet, (uint64_t)m->x + insn->k, insn->code & 0x18, to);
	case MEM:
		*to = m->scratch[insn->k];
		return true;
	case LEN:
		*to = m->packet->n_wire_bytes;
		return true;
	default: /* MSH: the length of an IPv4 header */
		if (!load(m->packet, insn->k, B, &byte))
			return false;
		*to = (byte & 0xf) * 4;
		return true;
	}
}

/* False: a division by zero, which ends the program. */
static bool
run_alu(struct machine *m, const struct filter_insn *insn)
{
	uint32_t by = insn->code & X ? m->x : insn->k;
	switch (insn->code & 0xf0) {
	case ADD:
		m->a += by;
		break;
	case SUB:
		m->a -= by;
		break;
	case MUL:
		m->a *= by;
		break;
	case DIV:
	case MOD:
		if (!by)
			return false;
		m->a = (insn->code & 0xf0) == DIV ? m->a / by : m->a % by;
		break;
	case OR:
		m->a |= by;
		break;
	case AND:
		m->a &= by;
		break;
	case LSH:
		m->a = by < 32 ? m->a << by : 0;
		break;
	case RSH:
		m->a = by < 32 ? m->a >> by : 0;
		break;
	case NEG:
		m->a = -m->a;
		break;
	default:
		m->a ^= by;
		break;
	}
	return true;
}

/* How many instructions are skipped. */
static uint32_t
run_jump(const struct machine *m, const struct filter_insn *insn)
{
	uint32_t with = insn->code & X ? m->x : insn->k;
	bool is_true;
	switch (insn->code & 0xf0) {
	case JA:
		return insn->k;
	case JEQ:
		is_true = m->a == with;
		break;
	case JGT:
		is_true = m->a > with;
		break;
	case JGE:
		is_true = m->a >= with;
		break;
	default:
		is_true = m->a & with;
		break;
	}
	return is_true ? insn->jt : insn->jf;
}

/* All but jumps and returns. False: the program ends. */
static bool
step(struct machine *m, const struct filter_insn *insn)
{
	switch (insn->code & 0x07) {
	case LD:
		return run_load(m, insn, &m->a);
	case LDX:
		return run_load(m, insn, &m->x);
	case ST:
		m->scratch[insn->k] = m->a;
		return true;
	case STX:
		m->scratch[insn->k] = m->x;
		return true;
	case ALU:
		return run_alu(m, insn);
	default:
		if (insn->code == (MISC | TAX))
			m->x = m->a;
		else
			m->a = m->x;
		return true;
	}
}

uint32_t
filter_run(const struct watch_filter *f, const struct filter_packet *packet)
{
	struct machine m = {.packet = packet};
	if (!f->n_insns)
		return UINT32_MAX;
	for (uint32_t pc = 0; pc < f->n_insns; pc++) {
		const struct filter_insn *insn = &f->insns[pc];
		if ((insn->code & 0x07) == RET)
			return insn->code & A ? m.a : insn->k;
		if ((insn->code & 0x07) == JMP)
			pc += run_jump(&m, insn);
		else if (!step(&m, insn))
			return 0;
	}
	return 0;
}
