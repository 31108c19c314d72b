/* Exceptions of guest mode: handled here (writes to page tables, privileged instructions) or
 * bounced to the guest's own handler.
 *
 * Software interrupts: only vectors 3, 4 and 0x80 have gates that ring 3 may use; any other INT n
 * arrives as #GP with the IDT bit in its error code. The vector is then taken from the
 * instruction, because some emulators compute a wrong error code (n*16+2), and the guest's gate
 * decides: deliver, or #GP(n*8+2).
 * Neighbours: bounce.c, emulate.c, pt_write.c. Spec: SDM 3A 6.15. */
#include "hv/base/string.h"
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_vectors.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"
#include "protocol/xen.h"

#define ERROR_IDT 2u

/* A software interrupt of vector @n, rip already behind it; @length: of the instruction.
 * A vector without a handler is like a gate that may not be used: no process may crash its kernel so. */
static void software_interrupt(struct vcpu *v, unsigned n, unsigned length)
{
	const struct trap_info *t = &v->pv->trap[n];
	if (t->address && (v->ctx.kernel_mode || TI_GET_DPL(t) == 3)) {
		pv_inject(v, n, 0);
		return;
	}
	v->ctx.regs.rip -= length;
	pv_inject(v, TRAP_GP, n * 8 + ERROR_IDT);
}

static void general_protection(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint8_t insn[2];
	if ((r->error_code & ERROR_IDT) && !guest_read(insn, gva(r->rip), sizeof insn) && insn[0] == 0xcd) {
		r->rip += 2;
		software_interrupt(v, insn[1], 2);
		return;
	}
	if (r->error_code == 0 && pv_emulate(v))
		return;
	pv_inject(v, TRAP_GP, r->error_code);
}

/* ud2 followed by "xen": the next instruction is to be emulated though it would not trap. */
static void invalid_opcode(struct vcpu *v)
{
	static const uint8_t forced_cpuid[7] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
	uint8_t insn[7];
	struct cpu_regs *r = &v->ctx.regs;
	if (guest_read(insn, gva(r->rip), sizeof insn) || memcmp(insn, forced_cpuid, sizeof insn) != 0) {
		pv_inject(v, TRAP_UD, 0);
		return;
	}
	pv_emulate_cpuid(v);
	r->rip += sizeof insn;
}

static void page_fault(struct vcpu *v)
{
	uint64_t address = cpu_fault_address();
	uint32_t error = v->ctx.regs.error_code;
	if (v->ctx.kernel_mode) {
		if ((error & (PF_PRESENT | PF_WRITE | PF_RESERVED)) == (PF_PRESENT | PF_WRITE) &&
		    pv_pt_write_fault(v, gva(address)))
			return;
		error &= ~PF_USER;	/* the guest's kernel believes it runs in ring 0 */
	}
	pv_inject_page_fault(v, address, error);
}

void upcall_trap(struct cpu_context *ctx)
{
	struct vcpu *v = vcpu_of(ctx);
	unsigned vector = ctx->regs.vector;
	switch (vector) {
	case TRAP_PF:
		page_fault(v);
		break;
	case TRAP_GP:
		general_protection(v);
		break;
	case TRAP_UD:
		invalid_opcode(v);
		break;
	case TRAP_NM:
		ctx->ts = false;
		cpu_context_load_ts(ctx);
		pv_inject(v, TRAP_NM, 0);
		break;
	case TRAP_BP:
	case TRAP_OF:
		software_interrupt(v, vector, 1);
		break;
	case TRAP_INT80:
		software_interrupt(v, vector, 2);
		break;
	case TRAP_DF:
		domain_crash(v->domain, "vcpu %u: double fault at %lx", v->id, (unsigned long)ctx->regs.rip);
		break;
	default:
		pv_inject(v, vector, ctx->regs.error_code);
	}
}
