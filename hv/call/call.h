/* Hypercall dispatch. Layer: call. Handlers are named call_NAME (prototypes generated below);
 * those of layer pv (mmu_*, update_*, set_*, iret, ...) are thin wrappers in hv/call over functions
 * of hv/pv. */
#pragma once
#include "hv/dom/vcpu.h"

struct call {
	struct vcpu *vcpu;		/* caller; v->domain is the calling domain */
	uint32_t nr;
	uint64_t arg[6];		/* as passed; a preempted handler rewrites them and returns -ERESTART */
	bool in_multicall;
};
/* Result for the guest, or -ERESTART: c->arg then describes the remaining work. A handler must
 * advance between two -ERESTART (I16). */
typedef int64_t call_fn(struct call *c);
#define X(nr, name, args, who, spec) call_fn call_##name;
#include "hv/call/hypercalls.def"
#undef X
/* From upcall_syscall() in guest kernel mode, through the hook pv_hypercall (hv/pv/pv.h): take number and
 * arguments from the registers, run, store rax; on -ERESTART store the arguments back and rewind RIP by 2. */
void call_dispatch(struct vcpu *v);
