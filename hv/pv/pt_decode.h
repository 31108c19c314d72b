/* Instructions by which guest kernels write page-table entries. Layer: pv. Pure: bytes in, facts out. */
#pragma once
#include "hv/base/types.h"

enum pt_op { PT_MOV, PT_XCHG, PT_CMPXCHG, PT_AND, PT_OR, PT_XOR, PT_BTS, PT_BTR, PT_BTC };
struct pt_insn {
	enum pt_op op;
	uint8_t length;		/* bytes, 1..15 */
	uint8_t width;		/* of the memory operand: 1, 2, 4, 8 bytes */
	bool has_imm;		/* else the source is register @reg */
	bool high_byte;		/* width 1: @reg 0..3 means ah, ch, dh, bh */
	uint8_t reg;		/* 0 rax, 1 rcx, ... 15 r15 */
	uint64_t imm;		/* sign-extended to 64 bits; bit operations: the bit's number */
};
/* Decode the first instruction of @n bytes. False: incomplete, none of the above, or no memory operand. */
bool pt_decode(const uint8_t *bytes, size_t n, struct pt_insn *out);

/* What it does to the @width low bytes of @old: returns the new value (upper bytes zero). *flags (RFLAGS) and *source,
 * the value of its register operand, are updated as the instruction does (exchange); @rax as well
 * (compare and exchange). Values are taken at @width. */
uint64_t pt_execute(const struct pt_insn *insn, uint64_t old, uint64_t *source, uint64_t *rax, uint64_t *flags);
