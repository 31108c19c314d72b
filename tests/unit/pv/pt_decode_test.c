/* Instructions that write page-table entries: decoding of the forms kernels use, refusal of everything else,
 * results and flags; random bytes must neither crash nor claim more bytes than there are. */
#include <stdlib.h>
#include "hv/base/string.h"
#include "hv/pv/pt_decode.h"
#include "tests/unit/check_main.h"

struct form { const char *bytes; uint8_t n; enum pt_op op; uint8_t width; bool has_imm; uint8_t reg; uint64_t imm; };
static const struct form forms[] = {
	{ "\x48\x89\x07", 3, PT_MOV, 8, false, 0, 0 },				/* mov %rax,(%rdi) */
	{ "\x4c\x89\x44\x24\x08", 5, PT_MOV, 8, false, 8, 0 },			/* mov %r8,8(%rsp) */
	{ "\x48\xc7\x07\x00\x00\x00\x00", 7, PT_MOV, 8, true, 0, 0 },		/* movq $0,(%rdi) */
	{ "\x49\xc7\x45\x10\xff\xff\xff\xff", 8, PT_MOV, 8, true, 0, ~0ull },	/* movq $-1,16(%r13) */
	{ "\x48\x89\x05\x78\x56\x34\x12", 7, PT_MOV, 8, false, 0, 0 },		/* mov %rax,x(%rip) */
	{ "\x48\x89\x04\xcd\x00\x00\x00\x80", 8, PT_MOV, 8, false, 0, 0 },	/* mov %rax,x(,%rcx,8) */
	{ "\x89\x17", 2, PT_MOV, 4, false, 2, 0 },
	{ "\x66\x89\x17", 3, PT_MOV, 2, false, 2, 0 },
	{ "\x66\xc7\x07\x34\x12", 5, PT_MOV, 2, true, 0, 0x1234 },
	{ "\x88\x27", 2, PT_MOV, 1, false, 0, 0 },				/* mov %ah,(%rdi) */
	{ "\x40\x88\x27", 3, PT_MOV, 1, false, 4, 0 },				/* mov %spl,(%rdi) */
	{ "\xc6\x07\x81", 3, PT_MOV, 1, true, 0, 0xffffffffffffff81ull },
	{ "\x48\x87\x03", 3, PT_XCHG, 8, false, 0, 0 },				/* xchg %rax,(%rbx) */
	{ "\xf0\x80\x27\xfd", 4, PT_AND, 1, true, 0, 0xfffffffffffffffdull },	/* lock andb $0xfd,(%rdi) */
	{ "\x3e\x80\x27\xfd", 4, PT_AND, 1, true, 0, 0xfffffffffffffffdull },	/* patched for one CPU */
	{ "\xf0\x48\x0f\xb1\x17", 5, PT_CMPXCHG, 8, false, 2, 0 },		/* lock cmpxchg %rdx,(%rdi) */
	{ "\xf0\x48\x0f\xba\x37\x05", 6, PT_BTR, 8, true, 0, 5 },		/* lock btrq $5,(%rdi) */
	{ "\xf0\x48\x0f\xb3\x07", 5, PT_BTR, 8, false, 0, 0 },
	{ "\x48\x0f\xab\x0f", 4, PT_BTS, 8, false, 1, 0 },
	{ "\x48\x0f\xba\x2f\x3f", 5, PT_BTS, 8, true, 0, 63 },
	{ "\x0f\xba\x3f\x01", 4, PT_BTC, 4, true, 0, 1 },
	{ "\xf0\x48\x83\x0f\x40", 5, PT_OR, 8, true, 0, 0x40 },			/* lock orq $0x40,(%rdi) */
	{ "\xf0\x48\x81\x27\xff\xff\xff\x7f", 8, PT_AND, 8, true, 0, 0x7fffffff },
	{ "\x48\x31\x07", 3, PT_XOR, 8, false, 0, 0 },
	{ "\x48\x09\x37", 3, PT_OR, 8, false, 6, 0 },
};

START_TEST(known_forms)
{
	struct pt_insn i;
	for (unsigned k = 0; k < ARRAY_COUNT(forms); k++) {
		const struct form *f = &forms[k];
		const uint8_t *b = (const uint8_t *)f->bytes;
		ck_assert_msg(pt_decode(b, f->n, &i), "form %u", k);
		ck_assert_uint_eq(i.length, f->n);
		ck_assert_int_eq((int)i.op, (int)f->op);
		ck_assert_uint_eq(i.width, f->width);
		ck_assert_uint_eq(i.has_imm, f->has_imm);
		ck_assert_uint_eq(i.reg, f->reg);
		ck_assert_uint_eq(i.imm, f->imm);
		for (unsigned n = 0; n < f->n; n++)
			ck_assert(!pt_decode(b, n, &i));	/* cut short */
	}
	ck_assert(pt_decode((const uint8_t *)"\x88\x27", 2, &i) && i.high_byte);
}
END_TEST

START_TEST(refused_forms)
{
	static const char *const refused[] = {
		"\x48\x89\xc7\x90\x90\x90\x90\x90\x90", "\xa4\x90\x90\x90\x90\x90\x90\x90\x90",		/* register; movsb */
		"\x48\x01\x07\x90\x90\x90\x90\x90\x90", "\x0f\xba\x27\x05\x90\x90\x90\x90\x90",		/* add; bt */
		"\x48\xc7\x0f\x01\x02\x03\x04\x90\x90", "\xf3\x48\xab\x90\x90\x90\x90\x90\x90",
		"\x83\x3f\x01\x90\x90\x90\x90\x90\x90", "\x48\xf0\x80\x27\xfd\x90\x90\x90\x90",		/* cmp; REX not last */
	};
	struct pt_insn i;
	for (unsigned k = 0; k < ARRAY_COUNT(refused); k++)
		ck_assert_msg(!pt_decode((const uint8_t *)refused[k], 9, &i), "form %u", k);
	uint8_t prefixes[32];
	memset(prefixes, 0xf0, sizeof prefixes);
	prefixes[14] = 0x88;
	ck_assert(!pt_decode(prefixes, 32, &i));	/* 16 bytes would be too long */
}
END_TEST

#define ZF 0x40ull
#define CF 1ull
#define PF 4ull
#define SF 0x80ull
#define OF 0x800ull

static uint64_t run(struct pt_insn i, uint64_t old, uint64_t src, uint64_t *out, uint64_t *rax, uint64_t *flags)
{
	*out = src;
	*flags = 0x202 | CF | ZF;
	return pt_execute(&i, old, out, rax, flags);
}

START_TEST(results)
{
	uint64_t src, rax = 0, fl;
	struct pt_insn i = { .op = PT_XCHG, .width = 8 };
	ck_assert_uint_eq(run(i, 5, 9, &src, &rax, &fl), 9);
	ck_assert_uint_eq(src, 5);
	ck_assert_uint_eq(fl, 0x202 | CF | ZF);
	i.width = 4;
	ck_assert_uint_eq(run(i, 0x1111111122222222ull, ~0ull, &src, &rax, &fl), 0xffffffffull);
	ck_assert_uint_eq(src, 0x22222222ull);
	i.width = 2;
	run(i, 0x1234, ~0ull, &src, &rax, &fl);
	ck_assert_uint_eq(src, 0xffffffffffff1234ull);

	i = (struct pt_insn){ .op = PT_AND, .width = 1, .has_imm = true, .imm = ~2ull };
	ck_assert_uint_eq(run(i, 0x67, 0, &src, &rax, &fl), 0x65);
	ck_assert_uint_eq(fl, 0x202 | PF);
	ck_assert_uint_eq(run(i, 0x02, 0, &src, &rax, &fl), 0);
	ck_assert_uint_eq(fl, 0x202 | PF | ZF);

	i = (struct pt_insn){ .op = PT_CMPXCHG, .width = 8 };
	rax = 77;
	ck_assert_uint_eq(run(i, 77, 99, &src, &rax, &fl), 99);
	ck_assert_uint_eq(fl & (ZF | CF), ZF);
	ck_assert_uint_eq(rax, 77);
	ck_assert_uint_eq(run(i, 78, 99, &src, &rax, &fl), 78);
	ck_assert_uint_eq(fl & (ZF | CF | SF), CF | SF);
	ck_assert_uint_eq(rax, 78);

	i = (struct pt_insn){ .op = PT_BTR, .width = 8, .has_imm = true, .imm = 5 };
	ck_assert_uint_eq(run(i, 0x21, 0, &src, &rax, &fl), 1);
	ck_assert_uint_eq(fl & CF, CF);
	ck_assert_uint_eq(run(i, 1, 0, &src, &rax, &fl), 1);
	ck_assert_uint_eq(fl & CF, 0);
	i.imm = 69;		/* modulo 64 */
	ck_assert_uint_eq(run(i, 0x21, 0, &src, &rax, &fl), 1);
	i.op = PT_BTS;
	ck_assert_uint_eq(run(i, 1, 0, &src, &rax, &fl), 0x21);
	i.op = PT_BTC;
	ck_assert_uint_eq(run(i, 0x21, 0, &src, &rax, &fl), 1);
	i = (struct pt_insn){ .op = PT_OR, .width = 8 };
	ck_assert_uint_eq(run(i, 1ull << 63, 2, &src, &rax, &fl), 1ull << 63 | 2);
	ck_assert_uint_eq(fl & (SF | ZF), SF);
	i.op = PT_XOR;
	ck_assert_uint_eq(run(i, 6, 3, &src, &rax, &fl), 5);
}
END_TEST

/* Of the accumulator minus what was there, signed and unsigned. */
START_TEST(comparison_flags)
{
	uint64_t src, rax, fl;
	struct pt_insn i = { .op = PT_CMPXCHG, .width = 1 };
	rax = 0x80;
	run(i, 1, 99, &src, &rax, &fl);			/* -128 - 1 */
	ck_assert_uint_eq(fl & (ZF | CF | SF | OF), OF);
	rax = 0x7f;
	run(i, 0xff, 99, &src, &rax, &fl);		/* 127 - -1 */
	ck_assert_uint_eq(fl & (ZF | CF | SF | OF), CF | SF | OF);
	rax = 0xff;
	run(i, 1, 99, &src, &rax, &fl);			/* -1 - 1 */
	ck_assert_uint_eq(fl & (ZF | CF | SF | OF), SF);
}
END_TEST

START_TEST(bit_number_in_a_register)
{
	uint64_t src, rax = 0, fl;
	struct pt_insn i = { .op = PT_BTS, .width = 4 };
	ck_assert_uint_eq(run(i, 0, 35, &src, &rax, &fl), 8);
	ck_assert_uint_eq(fl & CF, 0);
	ck_assert_uint_eq(run(i, 8, 35, &src, &rax, &fl), 8);
	ck_assert_uint_eq(fl & CF, CF);
	ck_assert_uint_eq(src, 35);
}
END_TEST

START_TEST(random_bytes)
{
	uint64_t rng = 88172645463325252ull;
	for (unsigned k = 0; k < 2000000; k++) {
		uint8_t bytes[8];
		struct pt_insn i;
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		memcpy(bytes, &rng, 8);
		size_t n = rng >> 5 & 7;
		if (pt_decode(bytes, n, &i)) {
			uint64_t src = rng, rax = ~rng, fl = 2;
			ck_assert_uint_le(i.length, n);
			ck_assert(i.width == 1 || i.width == 2 || i.width == 4 || i.width == 8);
			ck_assert_uint_lt(i.reg, 16);
			uint64_t r = pt_execute(&i, rng * 3, &src, &rax, &fl);
			ck_assert(i.width == 8 || r >> 8 * i.width == 0);
			ck_assert_uint_eq(fl & ~0x8d5ull, 2);
		}
	}
}
END_TEST

CHECK_MAIN("pt_decode", NULL, NULL, known_forms, refused_forms, results, comparison_flags,
	   bit_number_in_a_register, random_bytes)
