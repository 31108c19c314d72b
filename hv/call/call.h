/* Hypercall dispatch. Layer: call. Handlers are named call_NAME (prototypes generated below);
 * those of layer pv (mmu_*, update_*, set_*, iret, ...) are thin wrappers in hv/call over functions
 * of hv/pv. */
#pragma once
#include "hv/dom/vcpu.h"

struct call {
	struct vcpu *vcpu;		/* caller; v->domain is the calling domain */
	uint64_t nr;
	uint64_t arg[6]; /* as passed; a preempted handler rewrites them and returns -ERESTART */
	bool in_multicall;
};
/* Result for the guest, or -ERESTART: c->arg then describes the remaining work. A handler must
 * advance between two -ERESTART (I16). */
typedef int64_t call_fn(struct call *c);
#define X(nr, name, args, who, spec) call_fn call_##name;
#include "hv/call/hypercalls.def"
#undef X

/* Boot: connect the layers below to us (pv_hypercall, pv_port_hook), reserve the ports we own. */
void call_init(void);
/* From upcall_syscall() in guest kernel mode, through the hook pv_hypercall (hv/pv/pv.h): take
 * number and arguments from the registers, run, store rax; on -ERESTART store the arguments back
 * and rewind RIP by 2. */
void call_dispatch(struct vcpu *v);
/* Check and call, for dispatch and multicall: -ENOSYS, -EPERM, or what the handler says. */
int64_t call_run(struct call *c);

/* Who a hypercall that names a domain acts on: the caller itself (DOMID_SELF or its own number),
 * or, for a control domain, any other. Referenced: domain_put(). -ESRCH, -EPERM. */
int call_target(struct vcpu *v, domid_t id, struct domain **out) MUST_CHECK;
/* DOMID_SELF as the caller's number; others stay. */
domid_t call_domid(const struct vcpu *v, domid_t id);

/* The commit this was made of, or "unknown". */
extern char hv_commit[24];

/* A byte arrived on the machine's console: dom0 reads it by console_io. From interrupts. */
void console_input(const char *text, size_t n);
