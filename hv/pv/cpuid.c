/* CPUID for PV guests.
 *
 * Feature words are white lists: a bit is shown when it is in the list, the processor has it, and
 * the state it needs is saved by us. Left out is what needs ring 0 or control registers guests do
 * not have (PSE, PGE, SMEP, SMAP, UMIP, PKU, CET, PCID, LA57, FSGSBASE, XSAVES, MONITOR),
 * interrupts and clocks that are ours (x2APIC, TSC deadline, TSC_ADJUST), MSRs guests may not
 * touch (MTRR, MCE, speculation controls, debug store, performance), and topology, which is
 * virtual: each vCPU is a package of its own.
 * Guest user code runs the plain instruction and sees the processor's own leaves; the two agree on
 * what ring 3 can use, since that is decided by XCR0.
 * That string instructions are fast byte by byte is not shown under an emulator, which runs each byte as an
 * instruction: kernels that go by it copy and clear pages at an eighth of the speed.
 * AVX-512 is shown when its state components are ours to save; AMX never is.
 * Neighbours: emulate.c runs this for the prefixed instruction; hv/cpu's features.c enables. */
#include "hv/dom/vcpu.h"
#include "hv/pv/cpuid.h"
#include "hv/pv/pv.h"
#include "protocol/cpuid.h"

enum { EAX, EBX, ECX, EDX };
#define BIT(n) (1u << (n))

#define BASIC_MAX	0x16u
#define EXTENDED_MAX	0x80000008u
#define CACHE_LEAVES	6u		/* as many subleaves of leaf 4 as tools have room for */

#define XCR0_X87_SSE	3ull
#define XCR0_AVX	4ull
#define XCR0_AVX512	0xe0ull

/* Leaf 1: SSE3 PCLMUL SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND */
#define L1C_BASE	(BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | \
			 BIT(23) | BIT(25) | BIT(30))
#define L1C_XSAVE	(BIT(26) | BIT(27))		/* XSAVE OSXSAVE */
#define L1C_AVX		(BIT(12) | BIT(28) | BIT(29))	/* FMA AVX F16C */
#define L1C_HYPERVISOR	BIT(31)
#define L1D_ACPI	BIT(22)
#define L1D_APIC	BIT(9)
/* FPU DE TSC MSR PAE CX8 SEP CMOV PAT CLFLUSH MMX FXSR SSE SSE2 SS */
#define L1D_BASE	(BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(11) | BIT(15) | \
			 BIT(16) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | BIT(27))
/* Leaf 7, subleaf 0: BMI1 FDP BMI2 NOFPUSEL RDSEED ADX CLFLUSHOPT CLWB SHA */
#define L7B_BASE	(BIT(3) | BIT(6) | BIT(8) | BIT(13) | BIT(18) | BIT(19) | BIT(23) | BIT(24) | BIT(29))
#define L7B_STRINGS	BIT(9)				/* ERMS */
#define L7B_AVX		BIT(5)				/* AVX2 */
#define L7B_AVX512	(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | \
			 BIT(31))
/* PREFETCHWT1 GFNI CLDEMOTE MOVDIRI MOVDIR64B */
#define L7C_BASE	(BIT(0) | BIT(8) | BIT(25) | BIT(27) | BIT(28))
#define L7C_AVX		(BIT(9) | BIT(10))		/* VAES VPCLMULQDQ */
#define L7C_AVX512	(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define L7D_BASE	(BIT(10) | BIT(14))		/* MD_CLEAR SERIALIZE */
#define L7D_STRINGS	BIT(4)				/* FSRM */
#define L7D_AVX512	(BIT(2) | BIT(3) | BIT(8) | BIT(23))
#define L71A_STRINGS	(BIT(10) | BIT(11) | BIT(12))	/* FZRM FSRS FSRC */
#define L71A_AVX	(BIT(4) | BIT(23))		/* AVX_VNNI AVX_IFMA */
#define L71A_AVX512	BIT(5)				/* BF16 */
/* Leaf 0xd, subleaf 1: XSAVEOPT XSAVEC XGETBV1 */
#define LD1A_BASE	(BIT(0) | BIT(1) | BIT(2))
/* Extended leaves: LAHF ABM SSE4A MISALIGNSSE PREFETCH TBM */
#define E1C_BASE	(BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(21))
#define E1C_AVX		(BIT(11) | BIT(16))		/* XOP FMA4 */
#define E1D_COMMON	0x0183f3ffu			/* AMD repeats these bits of leaf 1 */
/* SYSCALL NX MMXEXT FFXSR LM 3DNOWEXT 3DNOW */
#define E1D_BASE	(BIT(11) | BIT(20) | BIT(22) | BIT(25) | BIT(29) | BIT(30) | BIT(31))
#define E7D_ITSC	BIT(8)
#define E8B_BASE	(BIT(0) | BIT(2))		/* CLZERO RSTR_FP_ERR_PTRS */
#define VIRTUAL_BITS	48u
#define LEGACY_XSAVE	576u		/* x87, SSE and the header */

static uint32_t if_mask(bool shown, uint32_t bits)
{
	return shown ? bits : 0;
}

static bool has_avx(const struct cpuid_host *h)
{
	return h->xcr0_mask & XCR0_AVX;
}

static bool has_avx512(const struct cpuid_host *h)
{
	return (h->xcr0_mask & XCR0_AVX512) == XCR0_AVX512;
}

static void leaf_1(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t out[4])
{
	bool xsave = h->xcr0_mask != 0 && (out[ECX] & BIT(26));

	out[EBX] = (out[EBX] & 0xffff) | (g->vcpu_id * 2) << 24; /* brand, CLFLUSH; APIC id */
	out[ECX] &= L1C_BASE | if_mask(xsave, L1C_XSAVE) | if_mask(xsave && has_avx(h), L1C_AVX);
	out[ECX] |= L1C_HYPERVISOR | if_mask(xsave, L1C_XSAVE);
	out[EDX] &= L1D_BASE | if_mask(g->is_control, L1D_APIC | L1D_ACPI);
}

static void leaf_7(const struct cpuid_host *h, uint32_t sub, uint32_t out[4])
{
	bool avx = has_avx(h), avx512 = has_avx512(h), strings = !h->is_tcg;

	if (sub == 0) {
		out[EAX] = out[EAX] > 1 ? 1 : out[EAX];
		out[EBX] &= L7B_BASE | if_mask(strings, L7B_STRINGS) | if_mask(avx, L7B_AVX) |
			    if_mask(avx512, L7B_AVX512);
		out[ECX] &= L7C_BASE | if_mask(avx, L7C_AVX) | if_mask(avx512, L7C_AVX512);
		out[EDX] &= L7D_BASE | if_mask(strings, L7D_STRINGS) | if_mask(avx512, L7D_AVX512);
		return;
	}
	out[EAX] &= if_mask(strings, L71A_STRINGS) | if_mask(avx, L71A_AVX) | if_mask(avx512, L71A_AVX512);
	out[EBX] = out[ECX] = out[EDX] = 0;
	if (sub > 1)
		out[EAX] = 0;
}

/* Bytes of an XSAVE area with the components of @mask: standard form or compacted. */
static uint32_t xsave_size(const struct cpuid_host *h, uint64_t mask, bool compact)
{
	uint32_t size = LEGACY_XSAVE, r[4];
	for (uint32_t i = 2; i < 63; i++) {
		if (!(mask >> i & 1))
			continue;
		h->raw(0xd, i, r);
		if (compact && (r[ECX] & 2))
			size = (size + 63) & ~63u;
		uint32_t end = compact ? size + r[EAX] : r[EBX] + r[EAX];
		size = end > size ? end : size;
	}
	return size;
}

static void leaf_d(
	const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t sub, uint32_t out[4])
{
	uint64_t mask = h->xcr0_mask, on = (g->xcr0 & mask) | 1;

	if (sub == 0) {
		out[EAX] = (uint32_t)mask;
		out[EBX] = xsave_size(h, on, false);
		out[ECX] = xsave_size(h, mask, false);
		out[EDX] = (uint32_t)(mask >> 32);
	} else if (sub == 1) {
		out[EAX] &= LD1A_BASE;
		out[EBX] = out[EAX] & BIT(1) ? xsave_size(h, on, true) : 0;
		out[ECX] = out[EDX] = 0;
	} else if (sub < 63 && (mask >> sub & 1)) {
		out[ECX] &= 2;
		out[EDX] = 0;
	} else {
		out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
	}
}

static void basic_leaf(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t leaf,
	uint32_t sub, uint32_t out[4])
{
	h->raw(leaf, sub, out);
	switch (leaf) {
	case 0:
		out[EAX] = out[EAX] > BASIC_MAX ? BASIC_MAX : out[EAX];
		return;
	case 1:
		leaf_1(h, g, out);
		return;
	case 2: case 0x15: case 0x16:	/* caches by descriptor; frequencies */
		return;
	case 4:				/* caches, shared with nobody */
		out[EAX] &= 0x3fff;
		return;
	case 7:
		leaf_7(h, sub, out);
		return;
	case 0xd:
		if (h->xcr0_mask) {
			leaf_d(h, g, sub, out);
			return;
		}
		break;
	}
	out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
}

static void extended_leaf(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t leaf,
			  uint32_t out[4])
{
	uint32_t l1[4];

	h->raw(leaf, 0, out);
	switch (leaf & 0xff) {
	case 0:
		out[EAX] = out[EAX] > EXTENDED_MAX ? EXTENDED_MAX : out[EAX];
		break;
	case 1:
		h->raw(1, 0, l1);
		leaf_1(h, g, l1);
		out[ECX] &= E1C_BASE | if_mask(has_avx(h), E1C_AVX);
		out[EDX] &= E1D_BASE | (E1D_COMMON & l1[EDX]);
		break;
	case 7:
		out[EAX] = out[EBX] = out[ECX] = 0;
		out[EDX] &= if_mask(h->tsc_is_stable, E7D_ITSC);
		break;
	case 8:
		out[EAX] = (out[EAX] & 0xff) | VIRTUAL_BITS << 8;
		out[EBX] &= E8B_BASE;
		out[ECX] = out[EDX] = 0;
		break;
	default:		/* 2..6: name and caches */
		break;
	}
}

static void xen_leaf(const struct cpuid_host *h, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
	switch (leaf) {
	case XEN_CPUID_LEAF(0):
		out[EAX] = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
		out[EBX] = XEN_CPUID_SIGNATURE_EBX;
		out[ECX] = XEN_CPUID_SIGNATURE_ECX;
		out[EDX] = XEN_CPUID_SIGNATURE_EDX;
		break;
	case XEN_CPUID_LEAF(1):
		out[EAX] = 4 << 16 | 17;
		break;
	case XEN_CPUID_LEAF(2):
		out[EAX] = 1;				/* hypercall pages */
		out[EBX] = XEN_CPUID_FIRST_LEAF; /* MSR of theirs; builders fill it in instead */
		out[ECX] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	case XEN_CPUID_LEAF(3):
		if (sub == 0) {
			out[EAX] = if_mask(h->tsc_is_stable, BIT(1));
			out[EBX] = h->tsc_is_stable ? 2 : 0;	/* never emulated; default */
			out[ECX] = h->tsc_khz;
		} else if (sub == 2) {
			out[EAX] = h->tsc_khz;
		}
		break;
	case XEN_CPUID_LEAF(5):
		if (sub == 0)	/* grant entries hold 32-bit frame numbers */
			out[EBX] = h->phys_bits > 44 ? 44 : h->phys_bits;
		break;
	}
}

void cpuid_policy(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t leaf,
	uint32_t sub, uint32_t out[4])
{
	uint32_t max[4];

	out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
	if (leaf >> 8 == XEN_CPUID_FIRST_LEAF >> 8) {
		xen_leaf(h, leaf, sub, out);
		return;
	}
	h->raw(leaf & 0x80000000u, 0, max);
	if (leaf > max[EAX])
		return;
	if (leaf <= BASIC_MAX)
		basic_leaf(h, g, leaf, sub, out);
	else if (leaf >= 0x80000000u && leaf <= EXTENDED_MAX)
		extended_leaf(h, g, leaf, out);
}

void cpuid_host_get(struct cpuid_host *h)
{
	struct clock_params clock;
	cpu_clock_params(&clock);
	*h = (struct cpuid_host){
		.raw = cpu_cpuid,
		.xcr0_mask = cpu_features.has_xsave ? cpu_features.xcr0_mask | XCR0_X87_SSE : 0,
		.tsc_is_stable = clock.stable,
		.tsc_khz = (uint32_t)cpu_tsc_khz(),
		.phys_bits = cpu_features.phys_bits,
		.is_tcg = cpu_features.is_tcg,
	};
}

void pv_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	struct cpuid_host h;
	struct cpuid_guest g = {
		.is_control = v->domain->is_control, .vcpu_id = v->id, .xcr0 = v->ctx.xcr0,
	};
	cpuid_host_get(&h);
	cpuid_policy(&h, &g, leaf, sub, out);
}

/* How many subleaves tools list of @leaf; 0: the leaf has none. */
static uint32_t subleaf_count(
	const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t leaf)
{
	uint32_t r[4], n;

	switch (leaf) {
	case 4:
		for (n = 1; n < CACHE_LEAVES; n++) {
			cpuid_policy(h, g, leaf, n - 1, r);
			if (!(r[EAX] & 0x1f))
				break;		/* the one that ends the list is of it */
		}
		return n;
	case 7:
		cpuid_policy(h, g, leaf, 0, r);
		return r[EAX] + 1;
	case 0xd:
		return h->xcr0_mask ? 64u - (uint32_t)__builtin_clzll(h->xcr0_mask) : 1;
	default:
		return 0;
	}
}

static int range_each(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t first,
		      cpuid_emit_fn *emit, void *ctx)
{
	uint32_t r[4];

	cpuid_policy(h, g, first, 0, r);
	for (uint32_t leaf = first, last = r[EAX]; leaf <= last; leaf++) {
		uint32_t n = subleaf_count(h, g, leaf);
		for (uint32_t sub = 0; sub < (n ? n : 1); sub++) {
			cpuid_policy(h, g, leaf, sub, r);
			int rc = emit(ctx, leaf, n ? sub : CPUID_NO_SUBLEAF, r);
			if (rc)
				return rc;
		}
	}
	return 0;
}

int cpuid_each(
	const struct cpuid_host *h, const struct cpuid_guest *g, cpuid_emit_fn *emit, void *ctx)
{
	int rc = range_each(h, g, 0, emit, ctx);
	return rc ? rc : range_each(h, g, 0x80000000u, emit, ctx);
}
