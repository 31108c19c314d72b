/* Paravirtual CPU: traps, bounce frames, iret, system calls, descriptors, emulation. Layer: pv.
 * Files: trap.c (vector to guest), bounce.c (frames), iret.c, emulate.c + decode.c (privileged
 * instructions), cpuid.c, msr.c, segment.c (GDT, LDT, bases), debug.c, mmu_update.c, mmu_ext.c,
 * pt_write.c. The functions below are what hv/call and hv/boot use. */
#pragma once
#include "hv/dom/vcpu.h"

struct trap_info;
struct vcpu_guest_context;
struct mmu_update;
struct mmuext_op;

void pv_init(void);			/* registers domain_ops, audit enumerator, vcpu_deliver_event */
extern void (*pv_hypercall)(struct vcpu *v);	/* set to call_dispatch by hv/call */

/* --- vCPU state --- */
/* Load a context (VCPUOP_initialise, domctl setvcpucontext, boot): checks everything, takes the references,
 * 0 or -EINVAL, -EPERM, -ENOMEM, -ERESTART. The vCPU must not be running. */
int pv_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c) MUST_CHECK;
void pv_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c);
/* Drop base pointers, GDT, LDT references. The vCPU must not be running. */
void pv_vcpu_drop_tables(struct vcpu *v);

/* --- hypercalls (0, positive or -Exxx; -ERESTART where said) --- */
int pv_set_trap_table(struct vcpu *v, gva_t table);
int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries);
int pv_set_ldt(struct vcpu *v, gva_t base, unsigned entries);
int pv_update_descriptor(struct vcpu *v, maddr_t at, uint64_t desc);
int pv_stack_switch(struct vcpu *v, uint64_t ss, uint64_t sp);
int pv_set_segment_base(struct vcpu *v, unsigned which, uint64_t base);
int pv_fpu_taskswitch(struct vcpu *v, bool set);
int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);	/* @v is running */
int pv_get_debugreg(struct vcpu *v, unsigned reg, uint64_t *value);
int pv_callback_op(struct vcpu *v, unsigned cmd, gva_t arg);
int pv_iret(struct vcpu *v);
int pv_set_iopl(struct vcpu *v, unsigned iopl);
int pv_set_iobitmap(struct vcpu *v, gva_t bitmap, unsigned ports);

/* mmu_update.c, mmu_ext.c (preemptible: *done counts completed entries also on error) */
/* One request of mmu_update; @fd as in the ABI (low 16 bits frame owner, high 16 table owner + 1). */
int64_t pv_mmu_update(struct vcpu *v, gva_t reqs, unsigned count, uint32_t fd, unsigned *done);
int64_t pv_mmuext_op(struct vcpu *v, gva_t ops, unsigned count, uint32_t fd, unsigned *done);
int pv_update_va_mapping(struct vcpu *v, gva_t va, uint64_t val, uint64_t flags, domid_t fd);
/* Base pointers of the running vCPU: NEW_BASEPTR, NEW_USER_BASEPTR (m.n == 0: none). */
int pv_new_kernel_base(struct vcpu *v, mfn_t l4);
int pv_new_user_base(struct vcpu *v, mfn_t l4);

/* A guest-kernel write fault at @va hit a read-only L1 entry whose frame is a page table: emulate the
 * instruction at rip through table_entry_cas(). True if done (registers advanced). pt_write.c */
bool pv_pt_write_fault(struct vcpu *v, gva_t va);

/* --- traps to the guest (bounce.c) --- */
/* Make @v enter its handler of @vector. @error: used for vectors that push one. Crashes the domain
 * if there is no handler or its stack cannot be written. */
void pv_inject(struct vcpu *v, unsigned vector, uint32_t error);
void pv_inject_page_fault(struct vcpu *v, uint64_t address, uint32_t error);

/* --- policy --- */
void pv_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4]);
int pv_msr_read(struct vcpu *v, uint32_t msr, uint64_t *value) MUST_CHECK;	/* -EPERM: #GP */
int pv_msr_write(struct vcpu *v, uint32_t msr, uint64_t value) MUST_CHECK;
/* May @d's kernel touch this port itself (dom0 minus what we own)? */
bool pv_port_allowed(const struct domain *d, uint32_t port, unsigned size);
/* Ports the hypervisor owns: set by hv/boot (UART), hv/call (PIC, config address); twice is once. */
void pv_port_reserve(uint16_t first, uint16_t last);
/* Port accesses emulated for dom0 (PCI config address latch): set by hv/irq; true if handled. */
extern bool (*pv_port_hook)(struct vcpu *v, uint16_t port, unsigned size, bool write, uint32_t *value);
