/* The privileged-instruction decoder: known encodings, truncation, and arbitrary bytes. */
#include <stdlib.h>
#include <string.h>
#include "hv/pv/state.h"
#include "tests/unit/check_main.h"

static const struct { uint8_t bytes[8]; size_t n; enum pv_insn_kind kind; uint8_t size, reg, gpr; } known[] = {
	{ { 0xec }, 1, INSN_IN, 1, 0, 0 },
	{ { 0x66, 0xed }, 2, INSN_IN, 2, 0, 0 },
	{ { 0xed }, 1, INSN_IN, 4, 0, 0 },
	{ { 0xe4, 0x60 }, 2, INSN_IN, 1, 0, 0 },
	{ { 0xe6, 0x80 }, 2, INSN_OUT, 1, 0, 0 },
	{ { 0xef }, 1, INSN_OUT, 4, 0, 0 },
	{ { 0xf3, 0x6c }, 2, INSN_INS, 1, 0, 0 },
	{ { 0x66, 0xf3, 0x6f }, 3, INSN_OUTS, 2, 0, 0 },
	{ { 0x0f, 0x32 }, 2, INSN_RDMSR, 0, 0, 0 },
	{ { 0x0f, 0x30 }, 2, INSN_WRMSR, 0, 0, 0 },
	{ { 0x0f, 0x20, 0xe0 }, 3, INSN_MOV_FROM_CR, 0, 4, 0 },
	{ { 0x41, 0x0f, 0x22, 0xc4 }, 4, INSN_MOV_TO_CR, 0, 0, 12 },
	{ { 0x44, 0x0f, 0x20, 0xc0 }, 4, INSN_MOV_FROM_CR, 0, 8, 0 },
	{ { 0x0f, 0x21, 0xf7 }, 3, INSN_MOV_FROM_DR, 0, 6, 7 },
	{ { 0x0f, 0x23, 0xf8 }, 3, INSN_MOV_TO_DR, 0, 7, 0 },
	{ { 0x0f, 0x06 }, 2, INSN_CLTS, 0, 0, 0 },
	{ { 0x0f, 0x09 }, 2, INSN_WBINVD, 0, 0, 0 },
	{ { 0x0f, 0x01, 0xd1 }, 3, INSN_XSETBV, 0, 0, 0 },
	{ { 0xf4 }, 1, INSN_HLT, 0, 0, 0 },
	{ { 0xfa }, 1, INSN_CLI, 0, 0, 0 },
	{ { 0xfb }, 1, INSN_STI, 0, 0, 0 },
	{ { 0x0f, 0x33 }, 2, INSN_RDPMC, 0, 0, 0 },
};

START_TEST(known_encodings)
{
	for (unsigned i = 0; i < ARRAY_COUNT(known); i++) {
		struct pv_insn o;
		ck_assert_msg(pv_decode(known[i].bytes, known[i].n, &o), "row %u", i);
		ck_assert_int_eq(o.kind, known[i].kind);
		ck_assert_uint_eq(o.length, known[i].n);
		ck_assert_uint_eq(o.size, known[i].size);
		ck_assert_uint_eq(o.reg, known[i].reg);
		ck_assert_uint_eq(o.gpr, known[i].gpr);
		for (size_t n = 0; n < known[i].n; n++)
			ck_assert_msg(!pv_decode(known[i].bytes, n, &o), "row %u cut to %zu", i, n);
	}
}
END_TEST

START_TEST(others_are_refused)
{
	static const uint8_t rows[][4] = { { 0x90 }, { 0x0f, 0x0b }, { 0x0f, 0x01, 0xd0 }, { 0x0f, 0x20, 0x00 },
					   { 0x0f, 0x01, 0x10 }, { 0xcd, 0x80 }, { 0x48, 0x89, 0xc0 } };
	struct pv_insn o;
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++)
		ck_assert_msg(!pv_decode(rows[i], 4, &o), "row %u", i);
	uint8_t prefixes[16];
	memset(prefixes, 0x66, sizeof prefixes);
	prefixes[14] = 0xf4;
	ck_assert(pv_decode(prefixes, 16, &o) && o.length == 15);
	prefixes[14] = 0x66;
	prefixes[15] = 0xf4;
	ck_assert(!pv_decode(prefixes, 16, &o));	/* longer than an instruction may be */
}
END_TEST

START_TEST(arbitrary_bytes)
{
	uint8_t bytes[15];
	srand(3);
	for (int i = 0; i < 2000000; i++) {
		size_t n = (size_t)rand() % 16;
		uint8_t *exact = malloc(n ? n : 1);	/* so that the sanitizer sees a read past the end */
		for (size_t k = 0; k < n; k++)
			bytes[k] = rand() % 3 ? (uint8_t)rand() : (uint8_t)"\x0f\x66\xf3\x41\x20\x01\xe4\xec"[rand() % 8];
		memcpy(exact, bytes, n);
		struct pv_insn o;
		if (pv_decode(exact, n, &o))
			ck_assert(o.length >= 1 && o.length <= n && o.gpr < 16 && o.reg < 16);
		free(exact);
	}
}
END_TEST

CHECK_MAIN("decode", NULL, NULL, known_encodings, others_are_refused, arbitrary_bytes)
