/* Privileged instructions of guest kernels, which fault in ring 3 with #GP(0).
 *
 * The bytes are read once. The guest kernel gets what it would find on a machine of its own, as far
 * as policy goes (cpuid.c, msr.c, ports.c); what policy refuses is its own #GP. In guest user mode
 * only port accesses can be allowed (iopl 3 or its kernel's I/O bitmap).
 * Spec: SDM 2A-2B; what Linux executes: PV kernels' own privileged instructions. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"
#include "protocol/xen.h"

#define CR0_GUEST	0x80050033ull	/* PG AM WP NE ET MP PE */
#define CR0_GUEST_TS	0x8ull
#define CR4_GUEST	0x628ull	/* OSXMMEXCPT OSFXSR PAE DE */
#define CR4_GUEST_OSXSAVE 0x40000ull

uint64_t *pv_gpr(struct cpu_regs *r, unsigned n)
{
	uint64_t *const at[16] = { &r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
				   &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15 };
	return at[n & 15];
}

static uint64_t edx_eax(const struct cpu_regs *r)
{
	return r->rdx << 32 | (uint32_t)r->rax;
}

static bool rdmsr(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint64_t value;
	if (pv_msr_read(v, (uint32_t)r->rcx, &value))
		return false;
	r->rax = (uint32_t)value;
	r->rdx = value >> 32;
	return true;
}

static bool mov_from_cr(struct vcpu *v, const struct pv_insn *i)
{
	uint64_t value;
	switch (i->reg) {
	case 0: value = CR0_GUEST | (v->ctx.ts ? CR0_GUEST_TS : 0); break;
	case 2: value = READ_ONCE(v->info->arch.cr2); break;
	case 3: value = v->ctx.kernel_l4.n << PAGE_SHIFT; break;
	case 4: value = CR4_GUEST | (cpu_features.has_xsave ? CR4_GUEST_OSXSAVE : 0); break;
	case 8: value = 0; break;
	default: return false;
	}
	*pv_gpr(&v->ctx.regs, i->gpr) = value;
	return true;
}

/* Control registers are ours: TS and CR2 are the guest's to change, the rest is accepted and stays. */
static bool mov_to_cr(struct vcpu *v, const struct pv_insn *i)
{
	uint64_t value = *pv_gpr(&v->ctx.regs, i->gpr);
	switch (i->reg) {
	case 0:
		return pv_fpu_taskswitch(v, value & CR0_GUEST_TS) == 0;
	case 2:
		WRITE_ONCE(v->info->arch.cr2, value);
		return true;
	case 4:
	case 8:
		return true;
	default:
		return false;
	}
}

static bool mov_dr(struct vcpu *v, const struct pv_insn *i)
{
	uint64_t *gpr = pv_gpr(&v->ctx.regs, i->gpr);
	if (i->kind == INSN_MOV_TO_DR)
		return pv_set_debugreg(v, i->reg, *gpr) == 0;
	return pv_get_debugreg(v, i->reg, gpr) == 0;
}

void pv_emulate_cpuid(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint32_t out[4];
	pv_cpuid(v, (uint32_t)r->rax, (uint32_t)r->rcx, out);
	r->rax = out[0];
	r->rbx = out[1];
	r->rcx = out[2];
	r->rdx = out[3];
}

static bool emulate_kernel(struct vcpu *v, const struct pv_insn *i)
{
	struct cpu_regs *r = &v->ctx.regs;
	switch (i->kind) {
	case INSN_RDMSR: return rdmsr(v);
	case INSN_WRMSR: return pv_msr_write(v, (uint32_t)r->rcx, edx_eax(r)) == 0;
	case INSN_MOV_FROM_CR: return mov_from_cr(v, i);
	case INSN_MOV_TO_CR: return mov_to_cr(v, i);
	case INSN_MOV_FROM_DR:
	case INSN_MOV_TO_DR: return mov_dr(v, i);
	case INSN_CLTS: return pv_fpu_taskswitch(v, false) == 0;
	case INSN_XSETBV: return (uint32_t)r->rcx == 0 && cpu_context_set_xcr0(&v->ctx, edx_eax(r)) == 0;
	case INSN_CPUID: pv_emulate_cpuid(v); return true;
	case INSN_WBINVD: return true;
	case INSN_CLI: WRITE_ONCE(v->info->evtchn_upcall_mask, 1); return true;
	case INSN_STI: WRITE_ONCE(v->info->evtchn_upcall_mask, 0); return true;
	case INSN_HLT: vcpu_block(v); return true;
	default: return false;
	}
}

bool pv_emulate(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint8_t bytes[15];
	struct pv_insn insn;
	size_t n = sizeof bytes;
	if (!gva_range_is_guest(r->rip, n))
		return false;
	n -= cpu_guest_read(bytes, gva(r->rip), n);
	if (!pv_decode(bytes, n, &insn))
		return false;
	uint64_t rip = r->rip;
	if (insn.kind <= INSN_OUTS)
		return pv_emulate_port(v, &insn);
	if (!v->ctx.kernel_mode || !emulate_kernel(v, &insn))
		return false;
	r->rip = rip + insn.length;
	return true;
}
