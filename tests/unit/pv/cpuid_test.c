/* The CPUID policy over synthetic processors: a server with everything, a machine without XSAVE,
 * and one whose AVX-512 state the hypervisor does not save. */
#include <string.h>
#include "hv/pv/cpuid.h"
#include "tests/unit/check_main.h"

enum { EAX, EBX, ECX, EDX };
#define BIT(n) (1u << (n))

/* Everything set, but for structure: maxima, sizes, and the sub-leaves of 4 and 0xd. */
static void raw_everything(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	static const uint32_t size[] = {
		[2] = 256, [3] = 64, [4] = 64, [5] = 64, [6] = 512, [7] = 1024, [8] = 128, [9] = 8};
	static const uint32_t at[] = {[2] = 576,
		[3] = 960,
		[4] = 1024,
		[5] = 1088,
		[6] = 1152,
		[7] = 1664,
		[8] = 0,
		[9] = 2688};
	memset(out, 0xff, 16);
	switch (leaf) {
	case 0: out[EAX] = 0x1f; break;
	case 0x80000000: out[EAX] = 0x80000021; break;
	case 4: out[EAX] = sub < 3 ? 0xfc004121 : 0; break;
	case 7: out[EAX] = sub == 0 ? 2 : ~0u; break;
	case 0xd:
		if (sub >= 2) {
			out[EAX] = sub < 10 ? size[sub] : 0;
			out[EBX] = sub < 10 ? at[sub] : 0;
			out[ECX] = sub == 6 ? 2 : 0;
			out[EDX] = 0;
		}
		break;
	case 0x80000008: out[EAX] = 0x3934; break;
	}
}

/* qemu64: no XSAVE, nothing beyond leaf 0xd. */
static void raw_plain(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	(void)sub;
	memset(out, 0, 16);
	switch (leaf) {
	case 0: out[EAX] = 0xd; break;
	case 1: out[EAX] = 0x60fb1; out[ECX] = 0x80002001; out[EDX] = 0x078bfbfd; break;
	case 0x80000000: out[EAX] = 0x8000000a; break;
	case 0x80000001: out[EDX] = 0x20100800; break;
	case 0x80000008: out[EAX] = 0x3028; break;
	}
}

/* Caches without end, and none of the extended leaves. */
static void raw_caches(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	memset(out, 0, 16);
	if (leaf == 0)
		out[EAX] = 4;
	else if (leaf == 4)
		out[EAX] = 0x121 + (sub << 5);
}

static const struct cpuid_host server = { raw_everything, 0xe7, true, 2400000, 52, false };
static const struct cpuid_host no_avx512 = { raw_everything, 0x7, false, 2400000, 46, false };
static const struct cpuid_host no_avx = { raw_everything, 0x3, true, 2400000, 46, false };
static const struct cpuid_host plain = { raw_plain, 0, false, 1000000, 40, false };
static const struct cpuid_host caches = { raw_caches, 0, false, 1000000, 40, false };
static const struct cpuid_guest dom0 = { true, 0, 1 }, domu = { false, 3, 7 };

START_TEST(hidden_bits)
{
	uint32_t r[4];
	cpuid_policy(&server, &dom0, 1, 0, r);
	/* MONITOR VMX SMX EIST PDCM PCID DCA x2APIC TSC-deadline DTES64 */
	ck_assert_uint_eq(r[ECX] & (BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(15) | BIT(17) |
					   BIT(18) | BIT(21) | BIT(24) | BIT(2)),
		0);
	/* VME PSE MCE MTRR PGE MCA PSE36 DS HTT */
	ck_assert_uint_eq(r[EDX] & (BIT(1) | BIT(3) | BIT(7) | BIT(12) | BIT(13) | BIT(14) |
					   BIT(17) | BIT(21) | BIT(28)),
		0);
	cpuid_policy(&server, &dom0, 7, 0, r);
	/* FSGSBASE TSC_ADJUST SGX HLE SMEP INVPCID RTM MPX SMAP PT */
	ck_assert_uint_eq(r[EBX] & (BIT(0) | BIT(1) | BIT(2) | BIT(4) | BIT(7) | BIT(10) | BIT(11) |
					   BIT(14) | BIT(20) | BIT(25)),
		0);
	/* UMIP PKU OSPKE CET_SS LA57 RDPID */
	ck_assert_uint_eq(r[ECX] & (BIT(2) | BIT(3) | BIT(4) | BIT(7) | BIT(16) | BIT(22)), 0);
	/* CET_IBT AMX IBRS STIBP L1D ARCH_CAPS SSBD */
	ck_assert_uint_eq(r[EDX] & (BIT(20) | BIT(22) | BIT(24) | BIT(25) | BIT(26) | BIT(27) |
					   BIT(28) | BIT(29) | BIT(31)),
		0);
	ck_assert_uint_eq(r[EAX], 1);
	cpuid_policy(&server, &dom0, 7, 1, r);
	ck_assert_uint_eq(
		r[EAX] & (BIT(6) | BIT(17) | BIT(18) | BIT(26)), 0); /* LASS FRED LKGS LAM */
	cpuid_policy(&server, &dom0, 0xd, 1, r);
	ck_assert_uint_eq(r[EAX], 7);		/* no XSAVES, no XFD */
	cpuid_policy(&server, &dom0, 0x80000001, 0, r);
	ck_assert_uint_eq(r[ECX] & (BIT(2) | BIT(3) | BIT(4) | BIT(22) | BIT(29)),
		0); /* SVM .. TOPOEXT MONITORX */
	ck_assert_uint_eq(
		r[EDX] & (BIT(3) | BIT(13) | BIT(26) | BIT(27)), 0); /* PSE PGE PAGE1GB RDTSCP */
}
END_TEST

START_TEST(shown_bits)
{
	uint32_t r[4];
	cpuid_policy(&server, &domu, 1, 0, r);
	ck_assert_uint_eq(r[ECX] & (BIT(31) | BIT(26) | BIT(27) | BIT(28)),
		BIT(31) | BIT(26) | BIT(27) | BIT(28));
	ck_assert_uint_eq(r[EDX] & (BIT(16) | BIT(19) | BIT(24) | BIT(26)),
		BIT(16) | BIT(19) | BIT(24) | BIT(26));
	ck_assert_uint_eq(r[EDX] & BIT(9), 0);			/* APIC: dom0 only */
	ck_assert_uint_eq(r[EBX] >> 24, 6);			/* vCPU 3 */
	cpuid_policy(&server, &dom0, 1, 0, r);
	ck_assert_uint_ne(r[EDX] & BIT(9), 0);
	cpuid_policy(&server, &domu, 0x80000001, 0, r);
	ck_assert_uint_eq(r[EDX] & (BIT(11) | BIT(20) | BIT(29)),
		BIT(11) | BIT(20) | BIT(29)); /* SYSCALL NX LM */
	cpuid_policy(&server, &domu, 0x80000007, 0, r);
	ck_assert_uint_eq(r[EDX], BIT(8));
	cpuid_policy(&no_avx512, &domu, 0x80000007, 0, r);
	ck_assert_uint_eq(r[EDX], 0);				/* TSC not known to be stable */
	cpuid_policy(&server, &domu, 0x80000008, 0, r);
	ck_assert_uint_eq(r[EAX], 48 << 8 | 52);
}
END_TEST

/* The emulator runs string instructions byte by byte, whatever it says. */
START_TEST(strings_are_slow_in_tcg)
{
	struct cpuid_host tcg = server;
	uint32_t r[4];
	cpuid_policy(&server, &domu, 7, 0, r);
	ck_assert(r[EBX] & BIT(9) && r[EDX] & BIT(4));		/* ERMS FSRM */
	cpuid_policy(&server, &domu, 7, 1, r);
	ck_assert_uint_eq(r[EAX] & (BIT(10) | BIT(11) | BIT(12)), BIT(10) | BIT(11) | BIT(12));
	tcg.is_tcg = true;
	cpuid_policy(&tcg, &domu, 7, 0, r);
	ck_assert(!(r[EBX] & BIT(9)) && !(r[EDX] & BIT(4)) && r[EBX] & BIT(3));
	cpuid_policy(&tcg, &domu, 7, 1, r);
	ck_assert_uint_eq(r[EAX] & (BIT(10) | BIT(11) | BIT(12)), 0);
}
END_TEST

/* AVX-512 is shown exactly when its state is saved. */
START_TEST(avx512_follows_state)
{
	uint32_t r[4];
	cpuid_policy(&server, &domu, 7, 0, r);
	ck_assert_uint_ne(r[EBX] & BIT(16), 0);
	cpuid_policy(&no_avx512, &domu, 7, 0, r);
	ck_assert_uint_eq(r[EBX] & (BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) |
					   BIT(30) | BIT(31)),
		0);
	ck_assert_uint_ne(r[EBX] & BIT(5), 0);		/* AVX2 stays */
	ck_assert_uint_eq(r[ECX] & (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14)), 0);
	ck_assert_uint_eq(r[EDX] & (BIT(2) | BIT(3) | BIT(8) | BIT(23)), 0);
	cpuid_policy(&no_avx512, &domu, 7, 1, r);
	ck_assert_uint_eq(r[EAX] & BIT(5), 0);
	cpuid_policy(&no_avx512, &domu, 0xd, 0, r);
	ck_assert_uint_eq(r[EAX], 7);
	ck_assert_uint_eq(r[EDX], 0);
	ck_assert_uint_eq(r[ECX], 832);
	cpuid_policy(&no_avx512, &domu, 0xd, 5, r);
	ck_assert_uint_eq(r[EAX] | r[EBX], 0);
}
END_TEST

/* A processor with AVX of which only SSE state is saved. */
START_TEST(avx_follows_state)
{
	uint32_t r[4];
	cpuid_policy(&no_avx, &domu, 1, 0, r);
	ck_assert_uint_eq(r[ECX] & (BIT(26) | BIT(27)), BIT(26) | BIT(27));
	ck_assert_uint_eq(r[ECX] & (BIT(12) | BIT(28) | BIT(29)), 0);	/* FMA AVX F16C */
	cpuid_policy(&no_avx, &domu, 7, 0, r);
	ck_assert_uint_eq(r[EBX] & BIT(5), 0);
	cpuid_policy(&no_avx, &domu, 0xd, 0, r);
	ck_assert_uint_eq(r[EAX], 3);
	ck_assert_uint_eq(r[ECX], 576);
}
END_TEST

/* Subleaves beyond those we know of answer zeros, whatever the processor says. */
START_TEST(no_such_subleaf)
{
	static const uint32_t dark[][2] = { { 7, 2 }, { 7, ~0u }, { 0x40000003, 1 }, { 0x40000003, 3 }, { 0x40000005, 1 } };
	uint32_t r[4];
	for (unsigned i = 0; i < sizeof dark / sizeof dark[0]; i++) {
		memset(r, 0xff, sizeof r);
		cpuid_policy(&server, &domu, dark[i][0], dark[i][1], r);
		ck_assert_msg((r[EAX] | r[EBX] | r[ECX] | r[EDX]) == 0, "%x.%x", dark[i][0], dark[i][1]);
	}
}
END_TEST

START_TEST(xsave_sizes)
{
	uint32_t r[4];
	cpuid_policy(&server, &dom0, 0xd, 0, r);		/* XCR0 = 1 */
	ck_assert_uint_eq(r[EAX], 0xe7);
	ck_assert_uint_eq(r[EBX], 576);
	ck_assert_uint_eq(r[ECX], 2688);
	cpuid_policy(&server, &domu, 0xd, 0, r);		/* XCR0 = 7 */
	ck_assert_uint_eq(r[EBX], 832);
	cpuid_policy(&server, &domu, 0xd, 1, r);
	ck_assert_uint_eq(r[EBX], 832);
	struct cpuid_guest all = { false, 0, 0xe7 };
	cpuid_policy(&server, &all, 0xd, 1, r);		/* compacted, component 6 aligned to 64 */
	ck_assert_uint_eq(r[EBX], 576 + 256 + 64 + 512 + 1024);
	cpuid_policy(&server, &all, 0xd, 9, r);		/* PKRU is not ours */
	ck_assert_uint_eq(r[EAX] | r[EBX] | r[ECX] | r[EDX], 0);
	cpuid_policy(&server, &all, 0xd, 62, r);
	ck_assert_uint_eq(r[EAX], 0);
	cpuid_policy(&server, &all, 0xd, 64, r);
	ck_assert_uint_eq(r[EAX], 0);
}
END_TEST

START_TEST(no_xsave)
{
	uint32_t r[4];
	cpuid_policy(&plain, &domu, 1, 0, r);
	ck_assert_uint_eq(r[ECX] & (BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(12)), 0);
	ck_assert_uint_ne(r[ECX] & BIT(31), 0);
	cpuid_policy(&plain, &domu, 0xd, 0, r);
	ck_assert_uint_eq(r[EAX] | r[EBX] | r[ECX] | r[EDX], 0);
	cpuid_policy(&plain, &domu, 0x80000001, 0, r);
	ck_assert_uint_eq(r[EDX], 0x20100800);
}
END_TEST

START_TEST(maxima)
{
	uint32_t r[4];
	cpuid_policy(&server, &domu, 0, 0, r);
	ck_assert_uint_eq(r[EAX], 0x16);
	cpuid_policy(&server, &domu, 0x80000000, 0, r);
	ck_assert_uint_eq(r[EAX], 0x80000008);
	static const uint32_t dark[] = {3, 5, 6, 9, 0xa, 0xb, 0x14, 0x17, 0x1f, 0x20, 0x80000009,
		0x8000001e, 0x80000021, 0x40000006, 0x400000ff, 0x40000100, 0xffffffff, 0x7fffffff,
		0xc0000000};
	for (unsigned i = 0; i < sizeof dark / sizeof dark[0]; i++) {
		cpuid_policy(&server, &dom0, dark[i], 0, r);
		ck_assert_msg(!(r[EAX] | r[EBX] | r[ECX] | r[EDX]), "leaf %x is not dark", dark[i]);
	}
	cpuid_policy(&server, &domu, 4, 0, r);
	ck_assert_uint_eq(r[EAX], 0x121);		/* shared with nobody */
}
END_TEST

START_TEST(hypervisor_leaves)
{
	uint32_t r[4];
	char name[13] = { 0 };
	cpuid_policy(&server, &domu, 0x40000000, 0, r);
	memcpy(name, &r[EBX], 12);
	ck_assert_str_eq(name, "XenVMMXenVMM");
	ck_assert_uint_eq(r[EAX], 0x40000005);
	cpuid_policy(&server, &domu, 0x40000001, 0, r);
	ck_assert_uint_eq(r[EAX], 0x40011);
	cpuid_policy(&server, &domu, 0x40000002, 0, r);
	ck_assert_uint_eq(r[EAX], 1);
	ck_assert_uint_eq(r[ECX], 1);
	cpuid_policy(&server, &domu, 0x40000003, 0, r);
	ck_assert_uint_eq(r[EBX], 2);
	ck_assert_uint_eq(r[ECX], 2400000);
	cpuid_policy(&server, &domu, 0x40000003, 2, r);
	ck_assert_uint_eq(r[EAX], 2400000);
	ck_assert_uint_eq(r[EBX] | r[ECX] | r[EDX], 0);
	cpuid_policy(&plain, &domu, 0x40000003, 0, r);
	ck_assert_uint_eq(r[EBX], 0);
	cpuid_policy(&server, &domu, 0x40000005, 0, r);
	ck_assert_uint_eq(r[EBX], 44);			/* more would ask for grant version 2 */
	cpuid_policy(&plain, &domu, 0x40000005, 0, r);
	ck_assert_uint_eq(r[EBX], 40);
}
END_TEST

static int count(void *ctx, uint32_t leaf, uint32_t sub, const uint32_t out[4])
{
	(void)out;
	uint64_t *last = ctx, key = (uint64_t)leaf << 32 | (sub == CPUID_NO_SUBLEAF ? 0 : sub);
	ck_assert(last[1] == 0 || key > last[0]);
	last[0] = key;
	last[1]++;
	return last[1] == 200 ? -1 : 0;
}

START_TEST(list)
{
	uint64_t seen[2] = { 0, 0 };
	ck_assert_int_eq(cpuid_each(&server, &dom0, count, seen), 0);
	ck_assert_uint_gt(seen[1], 0x16 + 9);
	ck_assert_uint_lt(seen[1], 60);
}
END_TEST

struct listed { uint32_t leaf, n, last_sub; };

static int count_of(void *ctx, uint32_t leaf, uint32_t sub, const uint32_t out[4])
{
	struct listed *l = ctx;
	(void)out;
	if (leaf == l->leaf) {
		l->n++;
		l->last_sub = sub;
	}
	return 0;
}

START_TEST(listed_subleaves)
{
	const struct { const struct cpuid_host *h; uint32_t leaf, n; } expected[] = {
		{ &server, 4, 4 },		/* three caches and the end */
		{ &plain, 4, 1 }, { &caches, 4, 6 },
		{ &server, 7, 2 }, { &plain, 7, 1 },
		{ &server, 0xd, 8 }, { &plain, 0xd, 1 },
	};
	for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		struct listed l = { .leaf = expected[i].leaf };
		ck_assert_int_eq(cpuid_each(expected[i].h, &dom0, count_of, &l), 0);
		ck_assert_msg(l.n == expected[i].n, "row %u: %u", i, l.n);
		ck_assert_uint_eq(l.last_sub, l.n - 1);
	}
}
END_TEST

CHECK_MAIN("cpuid", NULL, NULL, hidden_bits, shown_bits, strings_are_slow_in_tcg, avx512_follows_state,
	   avx_follows_state, no_such_subleaf, xsave_sizes, no_xsave, maxima, hypervisor_leaves, list,
	   listed_subleaves)
