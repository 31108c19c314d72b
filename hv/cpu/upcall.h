/* The upward calls of a CPU: declared by the cpu layer, defined above it. Layer: cpu.
 * Entry code calls them with interrupts disabled, on the CPU's own stack. */
#pragma once
#include "hv/cpu/context.h"

/* Guest mode raised vector @ctx->regs.vector (0..31, 0x80): hv/pv/trap.c. */
void upcall_trap(struct cpu_context *ctx);
/* `syscall` executed in guest mode: a hypercall from guest kernel mode, else the guest's own
 * system call: hv/pv/syscall.c. */
void upcall_syscall(struct cpu_context *ctx);
/* The frame in @ctx->regs did not load (bad selector, non-canonical address); vector and error
 * of that fault are in regs: hv/pv/iret.c. */
void upcall_iret_fault(struct cpu_context *ctx);
/* The machine cannot go on: hv/core/panic.c. @trap: the registers of the trap in hypervisor mode that
 * says so, or NULL. */
NORETURN void upcall_panic(const char *why, const struct cpu_regs *trap);
/* For a panic: whose context that is. False: an idle one. hv/dom/vcpu.c. */
bool upcall_context_owner(const struct cpu_context *ctx, unsigned *domid, unsigned *vcpu);
/* A device interrupt arrived (its vector acknowledged by the handler): hv/irq/irq.c. */
void upcall_irq(unsigned vector);
/* This CPU's one-shot timer fired: hv/core/timer.c. */
void upcall_timer(void);
/* Last stop before a guest runs: deferred work, scheduling, pending events. Returns the
 * context to resume, which is loaded: hv/dom/return.c. */
struct cpu_context *upcall_return(void);
/* An application processor is up and should join the scheduler; then upcall_return(): hv/boot. */
void upcall_cpu_online(void);
