/* Decoding and computing the few instructions that write page-table entries.
 *
 * Linux uses mov, xchg, cmpxchg, lock and, lock btr; or, xor, bts, btc complete the families. The
 * address is not computed: the fault tells it. Everything else is refused, among it a register
 * as destination and string instructions. Spec: SDM 2A chapter 2 (formats), 2B (operations). */
#include "hv/pv/pt_decode.h"

#define F_CF 0x1ull
#define F_PF 0x4ull
#define F_AF 0x10ull
#define F_ZF 0x40ull
#define F_SF 0x80ull
#define F_OF 0x800ull
#define F_ARITH (F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF)

struct reader {
	const uint8_t *at, *end;
	bool failed;
	bool operand16;
	uint8_t rex;
};

static uint8_t byte_take(struct reader *r)
{
	if (r->at == r->end) {
		r->failed = true;
		return 0;
	}
	return *r->at++;
}

/* @n bytes, little-endian, sign-extended. */
static uint64_t imm_take(struct reader *r, unsigned n)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)byte_take(r) << 8 * i;
	unsigned shift = 64 - 8 * n;
	return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* Legacy prefixes, then REX. Returns the first opcode byte. */
static uint8_t prefixes_take(struct reader *r)
{
	for (;;) {
		uint8_t b = byte_take(r);
		switch (b) {
		case 0x66:
			r->operand16 = true;
			break;
		case 0xf0: case 0x2e: case 0x36: case 0x3e: case 0x26: case 0x64: case 0x65: case 0x67:
			break;
		default:
			if ((b & 0xf0) != 0x40)
				return b;
			r->rex = b;
			return byte_take(r);
		}
	}
}

/* ModRM with SIB and displacement; returns the reg field without REX. Memory operands only. */
static uint8_t modrm_take(struct reader *r)
{
	uint8_t modrm = byte_take(r), mod = modrm >> 6, rm = modrm & 7;
	uint8_t base = rm;
	if (mod == 3)
		r->failed = true;
	if (rm == 4)
		base = byte_take(r) & 7;
	if (mod == 1)
		(void)imm_take(r, 1);
	else if (mod == 2 || (mod == 0 && base == 5))	/* rip-relative, or SIB without base */
		(void)imm_take(r, 4);
	return modrm >> 3 & 7;
}

static uint8_t operand_width(const struct reader *r, bool byte)
{
	return byte ? 1 : r->rex & 8 ? 8 : r->operand16 ? 2 : 4;
}

static void register_source(const struct reader *r, struct pt_insn *out, uint8_t reg)
{
	out->reg = (uint8_t)(reg | (r->rex & 4 ? 8 : 0));
	if (out->width == 1 && !r->rex && reg >= 4) {
		out->reg = reg - 4;
		out->high_byte = true;
	}
}

static void imm_source(struct reader *r, struct pt_insn *out, unsigned bytes)
{
	out->has_imm = true;
	out->imm = imm_take(r, bytes);
}

static bool alu_op(uint8_t field, enum pt_op *op)
{
	switch (field) {
	case 1: *op = PT_OR; return true;
	case 4: *op = PT_AND; return true;
	case 6: *op = PT_XOR; return true;
	default: return false;
	}
}

/* Opcodes of one byte. */
static bool decode_short(struct reader *r, uint8_t opcode, struct pt_insn *out)
{
	bool byte = !(opcode & 1);
	uint8_t reg;
	out->width = operand_width(r, byte);
	unsigned imm_bytes = byte ? 1 : out->width == 2 ? 2 : 4;
	switch (opcode) {
	case 0x08: case 0x09: case 0x20: case 0x21: case 0x30: case 0x31:
		(void)alu_op(opcode >> 3, &out->op);
		register_source(r, out, modrm_take(r));
		return true;
	case 0x80: case 0x81: case 0x83:
		reg = modrm_take(r);
		imm_source(r, out, opcode == 0x83 ? 1 : imm_bytes);
		return alu_op(reg, &out->op);
	case 0x86: case 0x87:
		out->op = PT_XCHG;
		register_source(r, out, modrm_take(r));
		return true;
	case 0x88: case 0x89:
		out->op = PT_MOV;
		register_source(r, out, modrm_take(r));
		return true;
	case 0xc6: case 0xc7:
		out->op = PT_MOV;
		reg = modrm_take(r);
		imm_source(r, out, imm_bytes);
		return reg == 0;
	default:
		return false;
	}
}

/* Opcodes behind 0F. */
static bool decode_0f(struct reader *r, struct pt_insn *out)
{
	uint8_t opcode = byte_take(r), reg;
	out->width = operand_width(r, opcode == 0xb0);
	switch (opcode) {
	case 0xb0: case 0xb1:
		out->op = PT_CMPXCHG;
		register_source(r, out, modrm_take(r));
		return true;
	case 0xab: case 0xb3: case 0xbb:
		out->op = opcode == 0xab ? PT_BTS : opcode == 0xb3 ? PT_BTR : PT_BTC;
		register_source(r, out, modrm_take(r));
		return true;
	case 0xba:
		reg = modrm_take(r);
		imm_source(r, out, 1);
		if (reg < 5)
			return false;
		out->op = reg == 5 ? PT_BTS : reg == 6 ? PT_BTR : PT_BTC;
		return true;
	default:
		return false;
	}
}

bool pt_decode(const uint8_t *bytes, size_t n, struct pt_insn *out)
{
	struct reader r = { .at = bytes, .end = bytes + (n > 15 ? 15 : n) };
	struct pt_insn insn = { .op = PT_MOV };
	uint8_t opcode = prefixes_take(&r);
	bool known = opcode == 0x0f ? decode_0f(&r, &insn) : decode_short(&r, opcode, &insn);
	if (!known || r.failed)
		return false;
	insn.length = (uint8_t)(r.at - bytes);
	*out = insn;
	return true;
}

/* --- computing --- */

static uint64_t width_mask(unsigned width)
{
	return width == 8 ? ~0ull : (1ull << 8 * width) - 1;
}

static uint64_t result_flags(uint64_t value, unsigned width)
{
	uint64_t sign = value >> (8 * width - 1) & 1;
	bool even = !(__builtin_popcountll(value & 0xff) & 1);
	return (value == 0 ? F_ZF : 0) | (sign ? F_SF : 0) | (even ? F_PF : 0);
}

/* Flags of the comparison a - b. */
static uint64_t compare_flags(uint64_t a, uint64_t b, unsigned width)
{
	uint64_t mask = width_mask(width), d = (a - b) & mask, top = 8 * width - 1;
	uint64_t flags = result_flags(d, width) | (a < b ? F_CF : 0);
	if (((a ^ b) & (a ^ d)) >> top & 1)
		flags |= F_OF;
	return flags | ((a ^ b ^ d) & 0x10 ? F_AF : 0);
}

/* A register written at @width: 32-bit results clear the upper half, narrower ones keep it. */
static uint64_t register_merge(uint64_t was, uint64_t value, unsigned width)
{
	return width >= 4 ? value : (was & ~width_mask(width)) | value;
}

uint64_t pt_execute(const struct pt_insn *insn, uint64_t old, uint64_t *source, uint64_t *rax, uint64_t *flags)
{
	uint64_t mask = width_mask(insn->width), next = 0, bit;
	uint64_t src = (insn->has_imm ? insn->imm : *source) & mask, acc = *rax & mask;
	old &= mask;
	switch (insn->op) {
	case PT_MOV:
		return src;
	case PT_XCHG:
		*source = register_merge(*source, old, insn->width);
		return src;
	case PT_CMPXCHG:
		*flags = (*flags & ~F_ARITH) | compare_flags(acc, old, insn->width);
		if (acc == old)
			return src;
		*rax = register_merge(*rax, old, insn->width);
		return old;
	case PT_AND:
	case PT_OR:
	case PT_XOR:
		next = insn->op == PT_AND ? old & src : insn->op == PT_OR ? old | src : old ^ src;
		*flags = (*flags & ~F_ARITH) | result_flags(next, insn->width);
		return next;
	default:	/* PT_BTS, PT_BTR, PT_BTC */
		bit = 1ull << ((insn->has_imm ? insn->imm : *source) & (8u * insn->width - 1));
		*flags = (*flags & ~F_CF) | (old & bit ? F_CF : 0);
		return insn->op == PT_BTS ? old | bit : insn->op == PT_BTR ? old & ~bit : old ^ bit;
	}
}
