/* Leaving the guest kernel: the iret hypercall, and what happens when its frame does not load.
 *
 * The frame is on the guest's stack and entirely the guest's choice. We take it over as it is, but
 * for: privilege bits of cs and ss become 3; of the flags, IF is always on (the guest's own is its
 * event mask) and IOPL, VM, VIF and VIP are off. Selectors and addresses that do not load make the
 * machine fault on its way out: that comes back here (upcall_iret_fault) and becomes the guest's
 * failsafe callback.
 * Spec: public header arch-x86/xen-x86_64.h, struct iret_context. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/cpu/upcall.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"
#include "protocol/xen.h"

#define FLAGS_OFF (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP)

int pv_iret(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	struct iret_context f;
	if (guest_read(&f, gva(r->rsp), sizeof f)) {
		domain_crash(v->domain, "vcpu %u: iret: frame at %lx cannot be read", v->id, (unsigned long)r->rsp);
		return -EFAULT;
	}
	if ((f.cs & 3) == 3) {
		if (!v->ctx.user_l4.n) {
			domain_crash(v->domain, "vcpu %u: iret to user mode without a user page table", v->id);
			return -EINVAL;
		}
		cpu_context_set_mode(&v->ctx, false);
	}
	r->rip = f.rip;
	r->cs = (uint16_t)f.cs | 3u;
	r->rflags = (f.rflags & ~(uint64_t)FLAGS_OFF & 0xffffffffu) | RFLAGS_IF | RFLAGS_FIXED;
	r->rsp = f.rsp;
	r->ss = (uint16_t)f.ss | 3u;
	if (!(f.flags & VGCF_in_syscall)) {
		r->r11 = f.r11;
		r->rcx = f.rcx;
	}
	r->rax = f.rax;
	r->vector = 0;		/* rcx and r11 matter: leave by iretq */
	WRITE_ONCE(v->info->evtchn_upcall_mask, !(f.rflags & RFLAGS_IF));
	v->nmi_masked = false;
	return 0;
}

void upcall_iret_fault(struct cpu_context *ctx)
{
	struct vcpu *v = vcpu_of(ctx);
	ctx->regs.vector = 0;
	pv_bounce_failsafe(v);
}
