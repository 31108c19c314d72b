/* Debug registers and the lazy-FPU flag of a guest.
 *
 * A breakpoint may lie only where the guest itself may: one in our range could fire while we run.
 * General detect (which traps our own use) and I/O breakpoints are refused.
 * Spec: SDM 3B 17.2. */
#include "hv/base/errno.h"
#include "hv/pv/state.h"

#define DR6_FIXED	0xffff0ff0u
#define DR6_WRITABLE	0xe00fu
#define DR7_FIXED	0x400u
#define DR7_ENABLES	0xffu

bool pv_debug_address_ok(uint64_t a)
{
	return gva_is_guest(a);
}

uint64_t pv_debug_dr7_fix(uint64_t dr7)
{
	uint64_t kept = (dr7 & ~(uint64_t)0xdc00 & 0xffffffffu) | DR7_FIXED;
	kept &= ~0x2000ull;				/* GD */
	for (unsigned i = 0; i < 4; i++)
		if ((kept >> (16 + 4 * i) & 3) == 2)	/* I/O breakpoint: disable it */
			kept &= ~(3ull << (2 * i));
	return kept;
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
	struct cpu_context *ctx = &v->ctx;
	switch (reg) {
	case 0: case 1: case 2: case 3:
		if (!pv_debug_address_ok(value))
			return -EPERM;
		ctx->dr[reg] = value;
		break;
	case 6:
		ctx->dr6 = (value & DR6_WRITABLE) | DR6_FIXED;
		return 0;
	case 7:
		ctx->dr7 = pv_debug_dr7_fix(value);
		ctx->dr_active = ctx->dr7 & DR7_ENABLES;
		break;
	default:
		return -EINVAL;
	}
	cpu_context_load_debug(ctx);
	return 0;
}

int pv_get_debugreg(struct vcpu *v, unsigned reg, uint64_t *value)
{
	switch (reg) {
	case 0: case 1: case 2: case 3:
		*value = v->ctx.dr[reg];
		return 0;
	case 6:
		*value = v->ctx.dr6;
		return 0;
	case 7:
		*value = v->ctx.dr7;
		return 0;
	default:
		return -EINVAL;
	}
}

int pv_fpu_taskswitch(struct vcpu *v, bool set)
{
	if (v->ctx.ts != set) {
		v->ctx.ts = set;
		cpu_context_load_ts(&v->ctx);
	}
	return 0;
}
