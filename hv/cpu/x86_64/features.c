/* What this CPU can do, asked once, and the control registers of each CPU set accordingly: detect.c
 * decides. Spec: SDM 3A 2.5, 2.6, 13.3. */
#include "hv/base/string.h"
#include "hv/cpu/detect.h"
#include "hv/cpu/x86_64/internal.h"

struct cpu_features cpu_features;
static uint64_t cr4_bits;
bool cpu_has_xsaveopt, cpu_keeps_fpu_pointers;

void cpu_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile ("cpuid" : "=a" (out[0]), "=b" (out[1]), "=c" (out[2]), "=d" (out[3])
			  : "a" (leaf), "c" (sub));
}

void features_detect(void)
{
	struct cpu_detected d;
	cpu_detect(cpu_cpuid, &d);
	cpu_features = d.features;
	cpu_has_xsaveopt = d.has_xsaveopt;
	cpu_keeps_fpu_pointers = d.keeps_fpu_pointers;
	cr4_bits = CR4_PAE | CR4_DE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | (d.has_pge ? CR4_PGE : 0) |
		   (d.features.uses_smep ? CR4_SMEP : 0) | (d.features.uses_smap ? CR4_SMAP : 0) |
		   (d.features.has_xsave ? CR4_OSXSAVE : 0);
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
