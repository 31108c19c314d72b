/* Model-specific registers of PV guests: everything is refused unless it stands here.
 *
 * Reads answer fixed, sane values that kernels need to find their way, never the machine's own
 * but for the clock and the microcode revision. Writes reach the vCPU's own segment bases; a few
 * registers that kernels write without need are accepted and keep their value.
 * Refusal is #GP, which kernels survive (before their trap table exists the emulator answers
 * zero instead).
 * Spec: SDM 4; AMD 24593 appendix A. */
#include "hv/base/errno.h"
#include "hv/pv/pv.h"

#define MSR_TSC			0x10u
#define MSR_PLATFORM_ID		0x17u
#define MSR_APIC_BASE		0x1bu
#define MSR_UCODE_REV		0x8bu
#define MSR_PLATFORM_INFO	0xceu
#define MSR_ARCH_CAPS		0x10au
#define MSR_MISC_FEATURES	0x140u
#define MSR_MCG_CAP		0x179u
#define MSR_MISC_ENABLE		0x1a0u
#define MSR_PAT			0x277u
#define MSR_EFER		0xc0000080u
#define MSR_FS_BASE		0xc0000100u
#define MSR_GS_BASE		0xc0000101u
#define MSR_KERNEL_GS_BASE	0xc0000102u
#define MSR_AMD_HWCR		0xc0010015u

#define PAT_LAYOUT		0x0000050100070406ull	/* WB WT UC- UC WC WP UC UC */
#define APIC_BASE_VALUE		0xfee00800ull		/* enabled */
#define APIC_BASE_BOOT_CPU	(1u << 8)
#define EFER_VALUE		0xd01ull		/* SCE LME LMA NXE */
#define MISC_ENABLE_VALUE	0x1801ull		/* fast strings; no BTS, no PEBS */

static int base_of(uint32_t msr, enum cpu_base *which)
{
	switch (msr) {
	case MSR_FS_BASE:
		*which = BASE_FS;
		return 0;
	case MSR_GS_BASE:
		*which = BASE_GS_KERNEL;	/* only guest kernels get here */
		return 0;
	case MSR_KERNEL_GS_BASE:
		*which = BASE_GS_USER;
		return 0;
	default:
		return -EPERM;
	}
}

/* The registers whose value does not change; -EPERM for others. */
static int fixed_value(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_PLATFORM_ID:
	case MSR_PLATFORM_INFO:
	case MSR_ARCH_CAPS:
	case MSR_MISC_FEATURES:
	case MSR_MCG_CAP:
	case MSR_AMD_HWCR:
		*value = 0;
		return 0;
	case MSR_APIC_BASE:
		*value = APIC_BASE_VALUE | (v->id == 0 ? APIC_BASE_BOOT_CPU : 0);
		return 0;
	case MSR_MISC_ENABLE:
		*value = MISC_ENABLE_VALUE;
		return 0;
	case MSR_PAT:
		*value = PAT_LAYOUT;
		return 0;
	case MSR_EFER:
		*value = EFER_VALUE;
		return 0;
	default:
		return -EPERM;
	}
}

int pv_msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	enum cpu_base which;

	if (base_of(msr, &which) == 0) {
		*value = cpu_base_read(&v->ctx, which);
		return 0;
	}
	if (msr == MSR_TSC) {
		*value = cpu_tsc();
		return 0;
	}
	if (msr == MSR_UCODE_REV) {
		if (cpu_msr_read(msr, value))
			*value = 0;
		return 0;
	}
	return fixed_value(v, msr, value);
}

int pv_msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	enum cpu_base which;
	uint64_t now;

	if (base_of(msr, &which) == 0) {
		if (!gva_is_canonical(value))
			return -EPERM;
		cpu_base_write(&v->ctx, which, value);
		return 0;
	}
	switch (msr) {
	case MSR_UCODE_REV:	/* Intel: written with 0 before it is read */
	case MSR_PAT:
	case MSR_APIC_BASE:
	case MSR_MISC_ENABLE:
	case MSR_AMD_HWCR:
		return 0;	/* the value stays */
	default:
		return fixed_value(v, msr, &now) == 0 && now == value ? 0 : -EPERM;
	}
}
