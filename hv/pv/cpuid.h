/* What guests see of the processor: a pure function of what it reports and of who asks. Layer: pv.
 * Spec: SDM 2A CPUID; AMD 24594 appendix E; public arch-x86/cpufeatureset.h, arch-x86/cpuid.h. */
#pragma once
#include "hv/cpu/cpu.h"

struct domain;

struct cpuid_host {
	cpuid_raw_fn *raw;
	uint64_t xcr0_mask;	/* state components we save for guests; 0: no XSAVE */
	bool tsc_is_stable;
	uint32_t tsc_khz;
	uint8_t phys_bits;
	bool is_tcg;		/* QEMU's emulator */
};
struct cpuid_guest {
	bool is_control;
	unsigned vcpu_id;
	uint64_t xcr0;		/* enabled now: sizes of leaf 0xd depend on it */
};
/* eax, ebx, ecx, edx of @leaf; zeros for leaves that are not shown. */
void cpuid_policy(const struct cpuid_host *h, const struct cpuid_guest *g, uint32_t leaf,
	uint32_t sub, uint32_t out[4]);
/* This machine. */
void cpuid_host_get(struct cpuid_host *h);

/* The whole policy as a list, for tools: calls @emit with each leaf in ascending order; sub is
 * CPUID_NO_SUBLEAF where the leaf has none. Stops when @emit returns nonzero, which it returns. */
#define CPUID_NO_SUBLEAF 0xffffffffu
typedef int cpuid_emit_fn(void *ctx, uint32_t leaf, uint32_t sub, const uint32_t out[4]);
int cpuid_each(
	const struct cpuid_host *h, const struct cpuid_guest *g, cpuid_emit_fn *emit, void *ctx);
