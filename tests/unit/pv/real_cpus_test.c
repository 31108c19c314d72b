/* What we make of processors that no emulator at hand imitates: AVX-512, XSAVES, PCID, x2APIC, an
 * invariant TSC. Their CPUID leaves, less topology, caches and names, go through detection, and what
 * that gives through the policy for guests. */
#include <string.h>
#include "hv/cpu/detect.h"
#include "hv/pv/cpuid.h"
#include "tests/unit/check_main.h"

enum { EAX, EBX, ECX, EDX };
#define BIT(n) (1u << (n))
#define INTEL 0x756e6547, 0x6c65746e, 0x49656e69
#define AMD 0x68747541, 0x444d4163, 0x69746e65
#define AVX(ecx) { 0xd, 2, { 256, 576, ecx, 0 } }

struct leaf { uint32_t leaf, sub, r[4]; };

static const struct leaf skylake_sp[] = {	/* 06_55H stepping 4 */
	{ 0, 0, { 0x16, INTEL } },
	{ 1, 0, { 0x00050654, 0x00400800, 0x7ffefbff, 0xbfebfbff } },
	{ 7, 0, { 0, 0xd39ffffb, 0x00000008, 0xbc000400 } },
	{ 0xd, 0, { 0x2ff, 2696, 2696, 0 } },
	{ 0xd, 1, { 0xf, 2568, 0x100, 0 } },
	AVX(0),
	{ 0xd, 3, { 64, 960, 0, 0 } }, { 0xd, 4, { 64, 1024, 0, 0 } },
	{ 0xd, 5, { 64, 1088, 0, 0 } }, { 0xd, 6, { 512, 1152, 0, 0 } },
	{ 0xd, 7, { 1024, 1664, 0, 0 } }, { 0xd, 8, { 128, 0, 1, 0 } },
	{ 0xd, 9, { 8, 2688, 0, 0 } },
	{ 0x15, 0, { 2, 168, 0, 0 } },		/* the crystal's rate is not told */
	{ 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, 0x121, 0x2c100800 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
	{ 0x80000008, 0, { 0x302e, 0, 0, 0 } },
};
static const struct leaf icelake_sp[] = {	/* 06_6AH stepping 6 */
	{ 0, 0, { 0x1b, INTEL } },
	{ 1, 0, { 0x000606a6, 0x00800800, 0x7ffefbff, 0xbfebfbff } },
	{ 7, 0, { 0, 0xf3bfb7ef, 0x40417f4e, 0xbc040410 } },
	{ 0xd, 0, { 0x2e7, 2696, 2696, 0 } },
	{ 0xd, 1, { 0xf, 2440, 0x100, 0 } },
	AVX(0),
	{ 0xd, 5, { 64, 1088, 0, 0 } }, { 0xd, 6, { 512, 1152, 0, 0 } },
	{ 0xd, 7, { 1024, 1664, 0, 0 } }, { 0xd, 8, { 128, 0, 1, 0 } },
	{ 0xd, 9, { 8, 2688, 0, 0 } },
	{ 0x15, 0, { 2, 232, 25000000, 0 } },
	{ 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, 0x121, 0x2c100800 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
	{ 0x80000008, 0, { 0x3934, 0, 0, 0 } },
};
static const struct leaf zen3[] = {		/* family 19h model 01h */
	{ 0, 0, { 0x10, AMD } },
	{ 1, 0, { 0x00a00f11, 0x00800800, 0x7efa320b, 0x178bfbff } },
	{ 7, 0, { 0, 0x219c97a9, 0x0040069c, 0x00000010 } },
	{ 0xd, 0, { 0x207, 2440, 2440, 0 } },
	{ 0xd, 1, { 0xf, 840, 0x1800, 0 } },
	AVX(0),
	{ 0xd, 9, { 8, 2432, 0, 0 } }, { 0xd, 11, { 16, 0, 1, 0 } }, { 0xd, 12, { 24, 0, 1, 0 } },
	{ 0x80000000, 0, { 0x80000023, AMD } },
	{ 0x80000001, 0, { 0x00a00f11, 0x40000000, 0x75c237ff, 0x2fd3fbff } },
	{ 0x80000007, 0, { 0, 0x3b, 0, 0x6799 } },
	{ 0x80000008, 0, { 0x3030, 0x791ef257, 0x713f, 0 } },
};
static const struct leaf piledriver[] = {	/* family 15h: FMA4, and FXRSTOR that leaves pointers */
	{ 0, 0, { 0xd, AMD } },
	{ 1, 0, { 0x00600f20, 0x00080800, 0x3e98320b, 0x178bfbff } },
	{ 7, 0, { 0, 0x8, 0, 0 } },
	{ 0xd, 0, { 7, 832, 960, 0x40000000 } },	/* LWP */
	AVX(0), { 0xd, 62, { 128, 832, 0, 0 } },
	{ 0x80000000, 0, { 0x8000001e, AMD } },
	{ 0x80000001, 0, { 0x00600f20, 0x30000000, 0x01ebbfff, 0x2fd3fbff } },
	{ 0x80000007, 0, { 0, 0, 0, 0x7d9 } },
	{ 0x80000008, 0, { 0x3030, 0, 0x500f, 0 } },
};

/* What is expected: of detection, and of the words that a guest with AVX state is shown. */
static const struct expected {
	const char *name;
	const struct leaf *leaves;
	unsigned count;
	uint64_t xcr0_mask;
	uint32_t fpu_size;
	uint8_t phys_bits;
	const char *vendor;
	uint32_t family, model, stepping;
	bool has_smep, has_smap, has_pcid, has_fsgsbase, has_xsaveopt, has_arch_capabilities, keeps_fpu_pointers;
	uint64_t tsc_khz;
	uint32_t l1c, l1d, l7b, l7c, l7d, ld1a, e1c, e1d;
} cpus[] = {
	{ "Skylake-SP", skylake_sp, sizeof skylake_sp / sizeof skylake_sp[0],
	  0xe7, 2688, 46, "GenuineIntel", 6, 0x55, 4,
	  true, true, true, true, true, true, false, 0,
	  0xfed83203, 0x0f898975, 0xd18f2368, 0, 0x400, 7, 0x121, 0x20100800 },
	{ "Ice Lake-SP", icelake_sp, sizeof icelake_sp / sizeof icelake_sp[0],
	  0xe7, 2688, 52, "GenuineIntel", 6, 0x6a, 6,
	  true, true, true, true, true, true, false, 2900000,
	  0xfed83203, 0x0f898975, 0xf1af2368, 0x5f42, 0x410, 7, 0x121, 0x20100800 },
	{ "Zen 3", zen3, sizeof zen3 / sizeof zen3[0],
	  0x7, 832, 48, "AuthenticAMD", 0x19, 1, 1,
	  true, true, true, true, true, false, false, 0,
	  0xfed83203, 0x07898975, 0x218c0328, 0x600, 0x10, 7, 0x1e1, 0x23d18975 },
	{ "Piledriver", piledriver, sizeof piledriver / sizeof piledriver[0],
	  0x7, 832, 48, "AuthenticAMD", 0x15, 2, 0,
	  false, false, false, false, false, false, true, 0,
	  0xbe983203, 0x07898975, 0x8, 0, 0, 0, 0x2109e1, 0x23d18975 },
};

static const struct expected *cpu;

static void raw(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	memset(out, 0, 16);
	for (unsigned i = 0; i < cpu->count; i++)
		if (cpu->leaves[i].leaf == leaf && cpu->leaves[i].sub == sub)
			memcpy(out, cpu->leaves[i].r, 16);
}

START_TEST(detection)
{
	struct cpu_detected d;
	cpu = &cpus[_i];
	cpu_detect(raw, &d);
	ck_assert(d.features.has_xsave && d.features.has_nx && !d.features.is_tcg && d.has_pge);
	ck_assert_uint_eq(d.features.xcr0_mask, cpu->xcr0_mask);
	ck_assert_uint_eq(d.features.fpu_size, cpu->fpu_size);
	ck_assert_uint_eq(d.features.phys_bits, cpu->phys_bits);
	ck_assert_str_eq(d.vendor, cpu->vendor);
	ck_assert(d.family == cpu->family && d.model == cpu->model && d.stepping == cpu->stepping);
	ck_assert(d.has_smep == cpu->has_smep && d.features.uses_smep == cpu->has_smep);
	ck_assert(d.has_smap == cpu->has_smap && d.features.uses_smap == cpu->has_smap);
	ck_assert_int_eq(d.has_pcid, cpu->has_pcid);
	ck_assert_int_eq(d.has_fsgsbase, cpu->has_fsgsbase);
	ck_assert_int_eq(d.has_arch_capabilities, cpu->has_arch_capabilities);
	ck_assert_int_eq(d.has_xsaveopt, cpu->has_xsaveopt);
	ck_assert_int_eq(d.keeps_fpu_pointers, cpu->keeps_fpu_pointers);
	ck_assert(cpu_tsc_is_invariant(raw));
	ck_assert_uint_eq(cpu_tsc_khz_told(raw), cpu->tsc_khz);
}
END_TEST

static struct cpuid_host host_of_cpu(void)
{
	struct cpu_detected d;
	cpu_detect(raw, &d);
	return (struct cpuid_host){ raw, d.features.xcr0_mask, cpu_tsc_is_invariant(raw), 2100000,
		d.features.phys_bits, d.features.is_tcg };
}

START_TEST(guests_view)
{
	static const struct cpuid_guest guest = { false, 0, 7 };
	uint32_t r[4];
	cpu = &cpus[_i];
	const struct cpuid_host h = host_of_cpu();
	cpuid_policy(&h, &guest, 1, 0, r);
	ck_assert_msg(r[ECX] == cpu->l1c && r[EDX] == cpu->l1d, "%s: leaf 1 %x %x", cpu->name, r[ECX], r[EDX]);
	cpuid_policy(&h, &guest, 7, 0, r);
	ck_assert_msg(r[EBX] == cpu->l7b && r[ECX] == cpu->l7c && r[EDX] == cpu->l7d,
		"%s: leaf 7 %x %x %x", cpu->name, r[EBX], r[ECX], r[EDX]);
	cpuid_policy(&h, &guest, 0xd, 0, r);
	ck_assert_msg(r[EAX] == cpu->xcr0_mask && r[EBX] == 832 && r[ECX] == cpu->fpu_size && !r[EDX],
		"%s: leaf d %x %u %u", cpu->name, r[EAX], r[EBX], r[ECX]);
	cpuid_policy(&h, &guest, 0xd, 1, r);
	ck_assert_msg(r[EAX] == cpu->ld1a && !r[ECX] && !r[EDX], "%s: leaf d.1 %x %x", cpu->name, r[EAX], r[ECX]);
	cpuid_policy(&h, &guest, 0x80000001, 0, r);
	ck_assert_msg(r[ECX] == cpu->e1c && r[EDX] == cpu->e1d, "%s: leaf 80000001 %x %x", cpu->name,
		r[ECX], r[EDX]);
	cpuid_policy(&h, &guest, 0x80000007, 0, r);
	ck_assert_uint_eq(r[EDX], BIT(8));
	cpuid_policy(&h, &guest, 0x80000008, 0, r);
	ck_assert_uint_eq(r[EAX], 48u << 8 | cpu->phys_bits);
}
END_TEST

/* Every feature word shown, to dom0 and guests, has no bit that the processor lacks but the two of ours. */
START_TEST(nothing_invented)
{
	static const struct { uint32_t leaf, sub; unsigned word; uint32_t ours; } words[] = {
		{ 1, 0, ECX, BIT(27) | BIT(31) }, { 1, 0, EDX, 0 }, { 7, 0, EBX, 0 }, { 7, 0, ECX, 0 },
		{ 7, 0, EDX, 0 }, { 7, 1, EAX, 0 }, { 0xd, 0, EAX, 0 }, { 0xd, 1, EAX, 0 },
		{ 0x80000001, 0, ECX, 0 }, { 0x80000001, 0, EDX, 0 }, { 0x80000007, 0, EDX, 0 },
		{ 0x80000008, 0, EBX, 0 } };
	uint32_t shown[4], there[4];
	cpu = &cpus[_i];
	const struct cpuid_host h = host_of_cpu();
	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		for (unsigned control = 0; control < 2; control++) {
			struct cpuid_guest g = { control, 1, 1 };
			cpuid_policy(&h, &g, words[i].leaf, words[i].sub, shown);
			raw(words[i].leaf, words[i].sub, there);
			uint32_t extra = shown[words[i].word] & ~there[words[i].word];
			ck_assert_msg(!(extra & ~words[i].ours), "%s: leaf %x word %u: %x", cpu->name,
				words[i].leaf, words[i].word, extra);
		}
	}
}
END_TEST

/* QEMU's TCG: no SMAP, whatever the model says; hypervisors that tell the TSC's rate are believed. */
START_TEST(hypervisors)
{
	static const struct leaf tcg[] = {
		{ 0, 0, { 0xd, INTEL } }, { 1, 0, { 0x306c4, 0, 0x80000000, 0 } },
		{ 7, 0, { 0, BIT(7) | BIT(20), 0, 0 } },
		{ 0x40000000, 0, { 0x40000001, 0x54474354, 0x43544743, 0x47435447 } },
		{ 0x40000010, 0, { 7, 0, 0, 0 } } };
	static const struct leaf vmware[] = {
		{ 0, 0, { 0xd, INTEL } }, { 1, 0, { 0x306c4, 0, 0x80000000, 0 } },
		{ 7, 0, { 0, BIT(7) | BIT(20), 0, 0 } },
		{ 0x40000000, 0, { 0x40000010, 0x61774d56, 0x4d566572, 0x65726177 } },
		{ 0x40000010, 0, { 2100000, 0, 0, 0 } } };
	const struct expected machines[] = { { .leaves = tcg, .count = 5 }, { .leaves = vmware, .count = 5 } };
	struct cpu_detected d;
	cpu = &machines[0];
	cpu_detect(raw, &d);
	ck_assert(d.features.is_tcg && d.features.uses_smep && d.has_smap && !d.features.uses_smap);
	ck_assert(!d.features.has_xsave && !d.features.has_nx && !d.has_pge);
	ck_assert_uint_eq(d.features.fpu_size, 512);
	ck_assert_uint_eq(d.features.phys_bits, 36);
	ck_assert_uint_eq(cpu_tsc_khz_told(raw), 0);		/* the leaf is beyond those it has */
	ck_assert(!cpu_tsc_is_invariant(raw));
	cpu = &machines[1];
	cpu_detect(raw, &d);
	ck_assert(!d.features.is_tcg && d.features.uses_smep && d.features.uses_smap);
	ck_assert_uint_eq(cpu_tsc_khz_told(raw), 2100000);
}
END_TEST

/* Part of AVX-512's state alone cannot be enabled. */
START_TEST(partial_avx512)
{
	static const struct leaf some[] = {
		{ 0, 0, { 0xd, INTEL } }, { 1, 0, { 0, 0, BIT(26), 0 } }, { 0xd, 0, { 0x67, 0, 0, 0 } },
		AVX(0), { 0xd, 5, { 64, 1088, 0, 0 } }, { 0xd, 6, { 512, 1152, 0, 0 } } };
	const struct expected machine = { .leaves = some, .count = sizeof some / sizeof some[0] };
	struct cpu_detected d;
	cpu = &machine;
	cpu_detect(raw, &d);
	ck_assert_uint_eq(d.features.xcr0_mask, 7);
	ck_assert_uint_eq(d.features.fpu_size, 832);
}
END_TEST

/* Leaves beyond the last of either range, which answer with another's data, tell nothing. */
START_TEST(beyond_the_last)
{
	static const struct leaf old[] = {
		{ 0, 0, { 6, AMD } }, { 1, 0, { 0x60fb1, 0, 0, 0 } }, { 7, 0, { ~0u, ~0u, ~0u, ~0u } },
		{ 0x15, 0, { 1, 1, 1000, 0 } }, { 0x80000000, 0, { 0x80000000, 0, 0, 0 } },
		{ 0x80000001, 0, { ~0u, ~0u, ~0u, ~0u } }, { 0x80000002, 0, { ~0u, ~0u, ~0u, ~0u } },
		{ 0x80000007, 0, { ~0u, ~0u, ~0u, ~0u } }, { 0x80000008, 0, { ~0u, ~0u, ~0u, ~0u } } };
	const struct expected machine = { .leaves = old, .count = sizeof old / sizeof old[0] };
	struct cpu_detected d;
	cpu = &machine;
	cpu_detect(raw, &d);
	ck_assert(!d.has_smep && !d.has_smap && !d.has_fsgsbase && !d.has_arch_capabilities);
	ck_assert(!d.features.has_nx && d.features.phys_bits == 36 && d.keeps_fpu_pointers);
	ck_assert_str_eq(d.name, "");
	ck_assert(!cpu_tsc_is_invariant(raw) && cpu_tsc_khz_told(raw) == 0);
}
END_TEST

/* From each mode that firmware may leave the local APIC in, only by steps the processor accepts. */
START_TEST(xapic_mode)
{
	uint64_t steps[2];
	ck_assert_uint_eq(cpu_xapic_steps(0xfee00d00, steps), 2);	/* x2APIC, boot CPU */
	ck_assert_uint_eq(steps[0], 0xfee00100);
	ck_assert_uint_eq(steps[1], 0xfee00900);
	ck_assert_uint_eq(cpu_xapic_steps(0xfee00900, steps), 1);
	ck_assert_uint_eq(steps[0], 0xfee00900);
	ck_assert_uint_eq(cpu_xapic_steps(0xfee00000, steps), 1);	/* disabled */
	ck_assert_uint_eq(steps[0], 0xfee00800);
}
END_TEST

int main(void)
{
	TCase *t = CHECK_CASE(NULL, NULL, hypervisors, partial_avx512, beyond_the_last, xapic_mode);
	int n = sizeof cpus / sizeof cpus[0];
	tcase_add_loop_test(t, detection, 0, n);
	tcase_add_loop_test(t, guests_view, 0, n);
	tcase_add_loop_test(t, nothing_invented, 0, n);
	return check_run("real_cpus", t);
}
