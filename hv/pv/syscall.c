/* The syscall instruction: a hypercall from the guest kernel, a system call from guest user mode.
 *
 * The CPU left rip in rcx and the flags in r11; the entry code stored both as the frame's own.
 * Hot path: null system calls cross here and iret.c once each. */
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_vectors.h"
#include "hv/pv/state.h"

void (*pv_hypercall)(struct vcpu *v);

void upcall_syscall(struct cpu_context *ctx)
{
	struct vcpu *v = vcpu_of(ctx);
	bool compat = ctx->regs.vector == TRAP_SYSCALL32;
	if (LIKELY(ctx->kernel_mode && !compat)) {
		pv_hypercall(v);
		return;
	}
	const struct pv_callback *target = compat ? &v->pv->syscall32 : &v->pv->syscall;
	if (UNLIKELY(ctx->kernel_mode || !target->address)) {
		ctx->regs.rip -= 2;
		pv_inject(v, TRAP_UD, 0);
		return;
	}
	pv_bounce_callback(v, target);
}
