/* What this CPU can do, and the control registers set accordingly.
 *
 * Rules: a feature is used only where every layer above copes without it; what guests may use in
 * ring 3 is exactly what control registers enable here (hv/pv/cpuid.c shows the same).
 * Under QEMU's TCG SMAP stays off: its far returns in ring 3 load their stack with kernel rights,
 * so a PV kernel would fault; SMEP is used wherever it is.
 * Spec: SDM 2A CPUID, SDM 3A 2.5, 2.6, 13.3. */
#include "hv/base/string.h"
#include "hv/cpu/x86_64/internal.h"

struct cpu_features cpu_features;
static uint64_t cr4_bits;
bool cpu_has_xsaveopt, cpu_keeps_fpu_pointers;

void cpu_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile ("cpuid" : "=a" (out[0]), "=b" (out[1]), "=c" (out[2]), "=d" (out[3])
			  : "a" (leaf), "c" (sub));
}

static bool is_tcg(void)
{
	uint32_t r[4];
	cpu_cpuid(1, 0, r);
	if (!(r[2] >> 31))
		return false;
	cpu_cpuid(0x40000000, 0, r);
	return memcmp(&r[1], "TCGTCGTCGTCG", 12) == 0;
}

/* AMD and Hygon restore the x87 instruction and data pointers only with an exception pending, until
 * CPUID says otherwise. Spec: AMD 24594 FXRSTOR, CPUID Fn8000_0008_EBX[XSaveErPtr]. */
static bool keeps_fpu_pointers(uint32_t fn8_ebx)
{
	uint32_t r[4];
	cpu_cpuid(0, 0, r);
	bool amd = !memcmp(&r[1], "Auth", 4), hygon = !memcmp(&r[1], "Hygo", 4);
	return (amd || hygon) && !(fn8_ebx >> 2 & 1);
}

static void xsave_detect(void)
{
	uint32_t r[4];
	cpu_features.has_xsave = true;
	cpu_cpuid(0xd, 0, r);
	cpu_features.xcr0_mask = ((uint64_t)r[3] << 32 | r[0]) & 0xe7;	/* x87, SSE, AVX, AVX-512; no MPX, PKRU, AMX */
	if ((cpu_features.xcr0_mask & 0xe0) != 0xe0)
		cpu_features.xcr0_mask &= 7;
	cpu_cpuid(0xd, 1, r);
	cpu_has_xsaveopt = r[0] & 1;
	/* Size with our components enabled: the end of the highest one. */
	uint32_t size = 576;
	for (uint32_t i = 2; i < 8; i++) {
		if (!(cpu_features.xcr0_mask >> i & 1))
			continue;
		cpu_cpuid(0xd, i, r);
		if (r[0] + r[1] > size)
			size = r[0] + r[1];
	}
	cpu_features.fpu_size = (size + 63) & ~63u;
}

void features_detect(void)
{
	uint32_t r[4], max_ext;
	cpu_features = (struct cpu_features){ .fpu_size = 512, .phys_bits = 36, .is_tcg = is_tcg() };
	cr4_bits = CR4_PAE | CR4_DE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	cpu_cpuid(0x80000000, 0, r);
	max_ext = r[0];
	cpu_cpuid(0x80000001, 0, r);
	cpu_features.has_nx = r[3] >> 20 & 1;
	cpu_keeps_fpu_pointers = keeps_fpu_pointers(0);
	if (max_ext >= 0x80000008) {
		cpu_cpuid(0x80000008, 0, r);
		cpu_features.phys_bits = (uint8_t)r[0];
		cpu_keeps_fpu_pointers = keeps_fpu_pointers(r[1]);
	}
	cpu_cpuid(1, 0, r);
	if (r[3] >> 13 & 1)
		cr4_bits |= CR4_PGE;
	if (r[2] >> 26 & 1) {
		xsave_detect();
		cr4_bits |= CR4_OSXSAVE;
	}
	cpu_cpuid(0, 0, r);
	if (r[0] < 7)
		return;
	cpu_cpuid(7, 0, r);
	cpu_features.has_fsgsbase = r[1] & 1;
	if (r[1] >> 7 & 1)
		cr4_bits |= CR4_SMEP;
	if ((r[1] >> 20 & 1) && !cpu_features.is_tcg)
		cr4_bits |= CR4_SMAP;
	cpu_features.uses_smep = cr4_bits & CR4_SMEP;
	cpu_features.uses_smap = cr4_bits & CR4_SMAP;
}

static void fpu_reset(void)
{
	uint8_t image[512] ALIGNED(16);
	uint32_t mxcsr = 0x1f80;
	__asm__ volatile ("fninit\n\tldmxcsr %1\n\tfxsaveq %0" : "=m" (image) : "m" (mxcsr));
	memcpy(&cpu_features.mxcsr_mask, image + 28, sizeof cpu_features.mxcsr_mask);
	if (cpu_features.mxcsr_mask == 0)
		cpu_features.mxcsr_mask = 0xffbf;
}

void features_enable(void)
{
	cr0_write(cr0_read() | CR0_WP | CR0_NE | CR0_MP);
	cr0_write(cr0_read() & ~(CR0_TS | 4ull));
	msr_write(MSR_EFER, EFER_LME | EFER_SCE | (cpu_features.has_nx ? EFER_NXE : 0));
	msr_write(MSR_PAT, PAT_LAYOUT);
	cr4_write(cr4_bits);
	if (cpu_features.has_xsave)
		xcr0_write(cpu_features.xcr0_mask);
	fpu_reset();
}
