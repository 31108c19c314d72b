/* Bounce frames: how a guest kernel is entered.
 *
 * Kernel and user mode of a guest both run in ring 3, so an exception, an event or a system call
 * becomes a frame on the guest kernel's stack, like the CPU's own plus rcx and r11 at the bottom
 * (the ABI's kernels pop them first), and a jump to the registered address.
 *     rcx  r11  [error code]  rip  cs  rflags  rsp  ss          (failsafe: ds es fs gs before rip)
 * The interrupt flag in the frame is the guest's event mask; the privilege bits of cs tell kernel
 * (0) from user (3).
 * INVARIANT B1: everything a frame is built from is the guest's own state; nothing else is written.
 * INVARIANT B2: addresses entered are canonical: checked when they were registered.
 * INVARIANT B3: the failsafe frame always loads: flat selectors, whatever the guest asked for. Else a
 * frame that fails would lead to the next without end, with interrupts disabled.
 * A stack that cannot be written is the guest's end, as a double fault would be.
 * Spec: public header arch-x86/xen-x86_64.h; Linux's entry code pops it. */
#include "hv/base/atomic.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"
#include "protocol/xen.h"

#define FLAGS_CLEARED	(RFLAGS_TF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC | RFLAGS_DF)

/* Vectors whose frame carries an error code. */
static bool vector_has_error(unsigned vector)
{
	return vector < 32 && (0x40227d00u >> vector & 1);
}

static uint64_t frame_rflags(const struct vcpu *v)
{
	uint64_t flags = v->ctx.regs.rflags & ~(uint64_t)(RFLAGS_IF | RFLAGS_IOPL);
	return READ_ONCE(v->info->evtchn_upcall_mask) ? flags : flags | RFLAGS_IF;
}

#define MACHINE_WORDS 5

/* @frame has @n words already, lowest first: add the machine part, push it all, go to @address. Inlined, so
 * that the common frames have a constant size. */
static inline __attribute__((always_inline)) void bounce(struct vcpu *v, uint64_t *frame, size_t n, uint64_t cs,
							 uint64_t address)
{
	struct cpu_regs *r = &v->ctx.regs;
	bool from_kernel = v->ctx.kernel_mode;
	frame[n] = r->rip;
	frame[n + 1] = from_kernel ? r->cs & ~3ull : r->cs;
	frame[n + 2] = frame_rflags(v);
	frame[n + 3] = r->rsp;
	frame[n + 4] = r->ss;
	size_t bytes = (n + MACHINE_WORDS) * sizeof frame[0];
	uint64_t top = from_kernel ? r->rsp & ~15ull : v->pv->kernel_sp;
	if (!from_kernel)
		cpu_context_set_mode(&v->ctx, true);
	if (guest_write(gva(top - bytes), frame, bytes)) {
		domain_crash(v->domain, "vcpu %u: kernel stack at %lx cannot be written (rip %lx, entering %lx)",
			     v->id, (unsigned long)top, (unsigned long)frame[n], (unsigned long)address);
		return;
	}
	r->rip = address;
	r->cs = cs | 3;
	r->rflags = (r->rflags & ~(uint64_t)FLAGS_CLEARED) | RFLAGS_IF | RFLAGS_FIXED;
	r->rsp = top - bytes;
	r->ss = FLAT_DS;
}

void pv_inject(struct vcpu *v, unsigned vector, uint32_t error)
{
	const struct trap_info *t = &v->pv->trap[vector];
	uint64_t frame[3 + MACHINE_WORDS];
	frame[0] = v->ctx.regs.rcx;
	frame[1] = v->ctx.regs.r11;
	frame[2] = error;
	if (!t->address) {
		domain_crash(v->domain, "vcpu %u: no handler for vector %u (error %x, rip %lx, cr2 %lx, rsp %lx)", v->id,
			     vector, error, (unsigned long)v->ctx.regs.rip, (unsigned long)v->info->arch.cr2,
			     (unsigned long)v->ctx.regs.rsp);
		return;
	}
	bounce(v, frame, vector_has_error(vector) ? 3 : 2, t->cs, t->address);
	if (TI_GET_IF(t))
		WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
}

void pv_inject_page_fault(struct vcpu *v, uint64_t address, uint32_t error)
{
	WRITE_ONCE(v->info->arch.cr2, address);
	pv_inject(v, 14, error);
}

void pv_bounce_callback(struct vcpu *v, const struct pv_callback *target)
{
	uint64_t frame[2 + MACHINE_WORDS];
	frame[0] = v->ctx.regs.rcx;
	frame[1] = v->ctx.regs.r11;
	bounce(v, frame, 2, FLAT_CS64, target->address);
	if (target->masks_events)
		WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
}

void pv_bounce_failsafe(struct vcpu *v)
{
	struct cpu_context *ctx = &v->ctx;
	if (!v->pv->failsafe.address) {
		domain_crash(v->domain, "vcpu %u: return to %lx:%lx, rsp %lx:%lx fails, no failsafe callback", v->id,
			     (unsigned long)ctx->regs.cs, (unsigned long)ctx->regs.rip,
			     (unsigned long)ctx->regs.ss, (unsigned long)ctx->regs.rsp);
		return;
	}
	cpu_context_sync(ctx);
	uint64_t frame[6 + MACHINE_WORDS] = { ctx->regs.rcx, ctx->regs.r11, ctx->ds, ctx->es, ctx->fs, ctx->gs };
	bounce(v, frame, 6, FLAT_CS64, v->pv->failsafe.address);
	if (v->pv->failsafe.masks_events)
		WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
}
