/* Processor detection.
 *
 * Rules: a feature is used only where every layer above copes without it; what guests may use in
 * ring 3 is exactly what control registers enable accordingly (hv/pv/cpuid.c shows the same).
 * Under QEMU's TCG SMAP stays off: its far returns in ring 3 load their stack with kernel rights,
 * so a PV kernel would fault; SMEP is used wherever it is.
 * Neighbours: x86_64/features.c sets the registers. */
#include "hv/base/string.h"
#include "hv/cpu/detect.h"

#define FXSAVE_BYTES	512u
#define XSAVE_LEGACY	576u	/* x87, SSE and the header */
#define XCR0_OURS	0xe7ull	/* x87, SSE, AVX, AVX-512; no MPX, PKRU, AMX */
#define XCR0_AVX512	0xe0ull

#define APIC_BASE_X2APIC	(1ull << 10)
#define APIC_BASE_ENABLE	(1ull << 11)

enum { EAX, EBX, ECX, EDX };

static bool is_tcg(cpuid_raw_fn *raw)
{
	uint32_t r[4];
	raw(1, 0, r);
	if (!(r[ECX] >> 31))
		return false;
	raw(0x40000000, 0, r);
	return memcmp(&r[EBX], "TCGTCGTCGTCG", 12) == 0;
}

/* A leaf beyond the last would answer with another's data: it reads as zeros. */
static void leaf_read(cpuid_raw_fn *raw, uint32_t leaf, uint32_t out[4])
{
	raw(leaf & 0x80000000u, 0, out);
	if (out[EAX] >= leaf)
		raw(leaf, 0, out);
	else
		memset(out, 0, 4 * sizeof *out);
}

/* Spec: SDM 2A CPUID, figure 3-6. */
static void model_detect(uint32_t leaf1_eax, struct cpu_detected *out)
{
	uint32_t family = leaf1_eax >> 8 & 15, model = leaf1_eax >> 4 & 15;
	bool extended = family == 6 || family == 15;
	out->family = family == 15 ? family + (leaf1_eax >> 20 & 0xff) : family;
	out->model = extended ? model + (leaf1_eax >> 12 & 0xf0) : model;
	out->stepping = leaf1_eax & 15;
}

static void names_detect(cpuid_raw_fn *raw, struct cpu_detected *out)
{
	uint32_t r[4];
	char name[sizeof out->name] = "";
	size_t spaces = 0;
	raw(0, 0, r);
	memcpy(out->vendor, &r[EBX], 4);
	memcpy(out->vendor + 4, &r[EDX], 4);
	memcpy(out->vendor + 8, &r[ECX], 4);
	for (unsigned i = 0; i < 3; i++) {
		leaf_read(raw, 0x80000002u + i, r);
		memcpy(name + i * sizeof r, r, sizeof r);
	}
	while (name[spaces] == ' ')
		spaces++;
	memcpy(out->name, name + spaces, sizeof name - spaces);
}

/* AMD and Hygon restore the x87 instruction and data pointers only with an exception pending, until
 * CPUID says otherwise. Spec: AMD 24594 FXRSTOR, CPUID Fn8000_0008_EBX[XSaveErPtr]. */
static bool keeps_fpu_pointers(const char *vendor, uint32_t fn8_ebx)
{
	bool amd = !memcmp(vendor, "Auth", 4), hygon = !memcmp(vendor, "Hygo", 4);
	return (amd || hygon) && !(fn8_ebx >> 2 & 1);
}

static void xsave_detect(cpuid_raw_fn *raw, struct cpu_detected *out)
{
	uint32_t r[4], size = XSAVE_LEGACY;
	raw(0xd, 0, r);
	uint64_t mask = ((uint64_t)r[EDX] << 32 | r[EAX]) & XCR0_OURS;
	if ((mask & XCR0_AVX512) != XCR0_AVX512)
		mask &= ~XCR0_AVX512;
	raw(0xd, 1, r);
	out->has_xsaveopt = r[EAX] & 1;
	/* Size with our components enabled: the end of the highest one. */
	for (uint32_t i = 2; i < 8; i++) {
		if (!(mask >> i & 1))
			continue;
		raw(0xd, i, r);
		if (r[EAX] + r[EBX] > size)
			size = r[EAX] + r[EBX];
	}
	out->features.has_xsave = true;
	out->features.xcr0_mask = mask;
	out->features.fpu_size = (size + 63) & ~63u;
}

static void extended_detect(cpuid_raw_fn *raw, struct cpu_detected *out)
{
	uint32_t r[4];
	leaf_read(raw, 0x80000001u, r);
	out->features.has_nx = r[EDX] >> 20 & 1;
	leaf_read(raw, 0x80000008u, r);
	if (r[EAX])
		out->features.phys_bits = (uint8_t)r[EAX];
	out->keeps_fpu_pointers = keeps_fpu_pointers(out->vendor, r[EBX]);
}

void cpu_detect(cpuid_raw_fn *raw, struct cpu_detected *out)
{
	uint32_t r[4];
	*out = (struct cpu_detected){ .features = {
		.fpu_size = FXSAVE_BYTES, .phys_bits = 36, .is_tcg = is_tcg(raw) } };
	names_detect(raw, out);
	extended_detect(raw, out);
	raw(1, 0, r);
	model_detect(r[EAX], out);
	out->has_pge = r[EDX] >> 13 & 1;
	out->has_pcid = r[ECX] >> 17 & 1;
	if (r[ECX] >> 26 & 1)
		xsave_detect(raw, out);
	leaf_read(raw, 7, r);
	out->has_fsgsbase = r[EBX] & 1;
	out->has_smep = r[EBX] >> 7 & 1;
	out->has_smap = r[EBX] >> 20 & 1;
	out->has_arch_capabilities = r[EDX] >> 29 & 1;
	out->features.uses_smep = out->has_smep;
	out->features.uses_smap = out->has_smap && !out->features.is_tcg;
}

bool cpu_tsc_is_invariant(cpuid_raw_fn *raw)
{
	uint32_t r[4];
	leaf_read(raw, 0x80000007u, r);
	return r[EDX] >> 8 & 1;
}

uint64_t cpu_tsc_khz_told(cpuid_raw_fn *raw)
{
	uint32_t r[4];
	leaf_read(raw, 0x15, r);
	if (r[EAX] && r[EBX] && r[ECX])
		return (uint64_t)r[ECX] * r[EBX] / r[EAX] / 1000;
	raw(1, 0, r);
	if (r[ECX] >> 31) {
		raw(0x40000000, 0, r);
		if (r[EAX] >= 0x40000010 && r[EAX] < 0x40000100) {
			raw(0x40000010, 0, r);
			return r[EAX];
		}
	}
	return 0;
}

unsigned cpu_xapic_steps(uint64_t apic_base, uint64_t steps[2])
{
	uint64_t disabled = apic_base & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	unsigned n = 0;
	if (apic_base & APIC_BASE_X2APIC)
		steps[n++] = disabled;
	steps[n++] = disabled | APIC_BASE_ENABLE;
	return n;
}
