/* What a PV vCPU has beyond its machine context. Layer: pv; only for the files of hv/pv.
 * Changed only by the vCPU itself, or by the control domain while it is paused. */
#pragma once
#include "hv/pv/pv.h"
#include "protocol/arch_x86.h"

struct pv_callback { uint64_t address; bool masks_events; };	/* address 0 = none */

struct pv_vcpu {
	struct trap_info *trap;		/* 256 gates, indexed by vector, a frame of its own */
	struct pv_callback event, failsafe, syscall, syscall32;
	uint64_t kernel_sp;
	uint16_t kernel_ss;
	uint8_t iopl;			/* of set_iopl; level 1 lets the guest kernel use its ports */
	gva_t iobitmap;			/* for user mode; kernel address */
	uint32_t iobitmap_ports;	/* 0 = none */
};

/* An instruction that traps in ring 3, decoded: decode.c. */
enum pv_insn_kind {
	INSN_OTHER,
	INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS,		/* ports: before all others */
	INSN_RDMSR, INSN_WRMSR, INSN_MOV_FROM_CR, INSN_MOV_TO_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_DR, INSN_CLTS, INSN_WBINVD, INSN_XSETBV, INSN_HLT,
	INSN_CLI, INSN_STI, INSN_CPUID, INSN_RDPMC,
};
struct pv_insn {
	enum pv_insn_kind kind;
	uint8_t length;			/* bytes, 1..15 */
	uint8_t size;			/* operand bytes of port accesses: 1, 2, 4 */
	uint8_t reg, gpr;		/* control or debug register, general register number */
	bool port_is_dx, rep, address32;
	uint8_t port;			/* when !port_is_dx */
};
/* Decode the first instruction of @n bytes; false if it is incomplete or not one of the above. Pure. */
bool pv_decode(const uint8_t *bytes, size_t n, struct pv_insn *out);

/* Emulate the instruction at rip of @v, which raised #GP; true if done, registers advanced. emulate.c */
bool pv_emulate(struct vcpu *v);
/* CPUID as policy has it, into the registers; rip stays. */
void pv_emulate_cpuid(struct vcpu *v);
/* The same for port instructions: port_io.c */
bool pv_emulate_port(struct vcpu *v, const struct pv_insn *insn);

/* General registers by their number in instructions (0 rax, 1 rcx, ... 15 r15). */
uint64_t *pv_gpr(struct cpu_regs *r, unsigned n);

/* bounce.c: enter the guest at @target with a frame of the interrupted state. */
void pv_bounce_callback(struct vcpu *v, const struct pv_callback *target);
void pv_bounce_failsafe(struct vcpu *v);

/* segment.c: take the frames of a new GDT or LDT without loading it; all or nothing. */
/* Hold the pages of a new GDT: 0 and @fresh; -EINVAL, -EPERM, -EBUSY, -ERESTART. Then make it the vCPU's, or put
 * them. */
int pv_gdt_hold(struct vcpu *v, const uint64_t *frames, unsigned entries, mfn_t fresh[GDT_GUEST_PAGES]) MUST_CHECK;
void pv_gdt_replace(struct vcpu *v, const mfn_t fresh[GDT_GUEST_PAGES], unsigned entries);
void pv_gdt_put(const mfn_t pages[GDT_GUEST_PAGES]);
void pv_gdt_drop(struct vcpu *v);
void pv_ldt_drop(struct vcpu *v);
/* check.c: statement I17, for the audit. NULL, or what is broken. */
const char *pv_check(void);
/* callback.c: register the delivery of events with hv/dom. */
void pv_callback_init(void);
/* debug.c: check values of DR0-3 and DR7; debug addresses outside our range, no general detect. */
bool pv_debug_address_ok(uint64_t a);
uint64_t pv_debug_dr7_fix(uint64_t dr7);
