/* What CPUID says about a processor, and what of it we use: pure functions of its leaves, so that
 * processors nobody has at hand can be judged in a test. Layer: cpu.
 * Spec: SDM 2A CPUID; AMD 24594 appendix E. */
#pragma once
#include "hv/cpu/cpu.h"

struct cpu_detected {
	struct cpu_features features;	/* what we use of it; all but mxcsr_mask, which FXSAVE tells */
	char vendor[13], name[49];	/* "GenuineIntel"; the name without spaces before it */
	uint32_t family, model, stepping;
	bool has_pge, has_smep, has_smap, has_pcid, has_fsgsbase, has_xsaveopt;
	bool has_arch_capabilities;	/* the MSR of that name */
	bool keeps_fpu_pointers;	/* restoring FPU state may leave those of the vCPU before */
};
void cpu_detect(cpuid_raw_fn *raw, struct cpu_detected *out);

/* The TSC counts at one rate in all power states. */
bool cpu_tsc_is_invariant(cpuid_raw_fn *raw);
/* The TSC's frequency, from leaf 0x15 or a hypervisor's 0x40000010; 0: not told. */
uint64_t cpu_tsc_khz_told(cpuid_raw_fn *raw);

/* Firmware may hand the local APIC over in x2APIC mode, where its registers are not in memory. The mode is
 * left only by way of a disabled APIC: what to write to IA32_APIC_BASE, in turn, for xAPIC mode.
 * Returns how many values, 1 or 2. Spec: SDM 3A 10.12.5. */
unsigned cpu_xapic_steps(uint64_t apic_base, uint64_t steps[2]);
