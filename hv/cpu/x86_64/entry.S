/* Entry and exit: every way from a guest into the hypervisor and back.
 *
 * From guest mode the CPU pushes its frame right into the current context's regs (TSS.rsp0
 * points at their end; the system-call stub loads rsp likewise), we push the rest there, then
 * take the CPU's own stack, which is empty, from the word behind regs. No data of a guest is
 * ever on that stack, and nothing is copied at a switch of vCPUs.
 * From hypervisor mode (idle, a preemption window, a fixed-up fault, a bug) everything stays on
 * the current stack.
 * The final iretq reads the frame inside regs; if it faults, the fault's own frame lies below
 * it, over registers that the CPU still holds: iret_fault stores them again.
 * Spec: SDM 3A 6.14 (64-bit interrupt handling), 5.8.8 (SYSCALL). */
#include "hv/cpu/x86_64/layout.h"

.section .text.entry, "ax"
.code64

/* Offsets behind "error and vector", which the stubs leave on top of the stack. */
#define F_RIP 8
#define F_CS 16

.macro push_regs
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro pop_regs
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

/* rsp = regs: take the CPU's stack; rdi = the context. Guest values leave the registers that
 * C code may use before writing. */
.macro enter_hv
	leaq -CTX_REGS(%rsp), %rdi
	movq REGS_SIZE(%rsp), %rsp
	cld
	xorl %ebp, %ebp
	xorl %ebx, %ebx
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
.endm

/* --- exceptions and interrupts --- */
common_entry:
	testb $3, F_CS(%rsp)
	jz from_hv
	push_regs
	enter_hv
	call cpu_guest_trap
exit_to_guest:				/* rax = the context to resume */
	leaq CTX_REGS(%rax), %rsp
	cmpb $0, REGS_VECTOR + 1(%rsp)	/* VECTOR_SYSCALL*: came by syscall */
	jne exit_syscall
exit_iret:
	pop_regs
	addq $8, %rsp
	.globl guest_iret
guest_iret:
	iretq

/* A hypercall may go back by SYSRET: flat code, flags as entered, canonical rip. The guest
 * declares rcx and r11 clobbered there, so they carry rip and flags. */
exit_syscall:
	movq REGS_RIP(%rsp), %rcx
	cmpq $0xe033, REGS_RIP + 8(%rsp)
	jne exit_iret
	movq %rcx, %rdx
	sarq $47, %rdx
	incq %rdx
	cmpq $1, %rdx
	ja exit_iret
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	addq $8, %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	addq $8, %rsp
	popq %rdx
	popq %rsi
	popq %rdi
	movq 24(%rsp), %r11		/* rflags */
	movq 32(%rsp), %rsp
	sysretq

from_hv:
	pushq %rax
	leaq guest_iret(%rip), %rax
	cmpq %rax, 8 + F_RIP(%rsp)
	je iret_fault
	popq %rax
	push_regs
	movq %rsp, %rdi
	movq %rsp, %rbp
	andq $-16, %rsp
	cld
	call cpu_hv_trap
	movq %rbp, %rsp
	pop_regs
	addq $8, %rsp
	iretq

/* The guest's frame did not load. The CPU aligned its stack pointer down by 8 before pushing 48
 * bytes, so error and vector belong 48 bytes further up; the registers are all the guest's. */
iret_fault:
	movq 8(%rsp), %rax		/* error and vector */
	movq %rax, 8 + 48(%rsp)
	popq %rax
	leaq 48(%rsp), %rsp
	push_regs
	enter_hv
	call cpu_guest_iret_fault
	jmp exit_to_guest

/* --- system calls: the per-CPU stub has loaded the end of regs and pushed ss and rsp --- */
	.globl syscall_entry, syscall32_entry
syscall_entry:
	pushq %r11			/* rflags */
	pushq $0xe033			/* cs */
	pushq %rcx			/* rip */
	pushq $0
	movl $VECTOR_SYSCALL, 4(%rsp)
	push_regs
syscall_common:
	enter_hv
	call cpu_guest_syscall
	jmp exit_to_guest
syscall32_entry:
	pushq %r11
	pushq $0xe023
	pushq %rcx
	pushq $0
	movl $VECTOR_SYSCALL32, 4(%rsp)
	push_regs
	jmp syscall_common

/* Template of the stub, copied to each CPU's PERCPU_STUB page: data 4096 bytes behind it. */
.macro stub target
	movq %rsp, 4096 + syscall_stub(%rip)
	movq 4096 + 8 + syscall_stub(%rip), %rsp
	pushq $0xe02b
	pushq 4096 + syscall_stub(%rip)
	jmp *4096 + \target + syscall_stub(%rip)
.endm
	.globl syscall_stub, syscall_stub_end
.balign 64
syscall_stub:
	stub 16
.balign 64
	stub 24
syscall_stub_end:

/* --- NMI, #DB, #MC, #DF: on stacks of their own --- */
ist_entry:
	testb $3, F_CS(%rsp)
	jz from_hv_ist
	/* From the guest: the C side copies the frame into the context's regs and goes on there. */
ist_from_guest:
	push_regs
	movq %rsp, %rdi
	cld
	call cpu_guest_ist
	/* rax = context: leave this stack for good. */
	movq %rax, %rdi
	movq CTX_REGS + REGS_SIZE(%rdi), %rsp
	call cpu_guest_trap
	jmp exit_to_guest
from_hv_ist:
	/* `mov ss` with a watchpoint, then `int1`: a second #DB before the first one's stub has run, over
	 * the guest's frame on the same stack. To return there would be for ever. */
	cmpl $1, 4(%rsp)
	jne 1f
	pushq %rax
	leaq vector_stubs + 16(%rip), %rax
	cmpq %rax, 8 + F_RIP(%rsp)
	popq %rax
	je ist_from_guest
1:	push_regs
	movq %rsp, %rdi
	cld
	call cpu_hv_trap
	pop_regs
	addq $8, %rsp
	iretq

/* --- one stub per vector, 16 bytes apart --- */
	.globl vector_stubs
.balign 16
vector_stubs:
.set vec, 0
.rept 256
	.balign 16
	.if (vec == 8) || ((vec >= 10) && (vec <= 14)) || (vec == 17) || (vec == 21) || (vec == 29) || (vec == 30)
	movl $vec, 4(%rsp)
	.else
	pushq $0
	movl $vec, 4(%rsp)
	.endif
	.if (vec == 1) || (vec == 2) || (vec == 8) || (vec == 18)
	jmp ist_entry
	.else
	jmp common_entry
	.endif
	.set vec, vec + 1
.endr

/* bool cpu_regs_here(struct cpu_regs *out): pushed there as an entry would. Interrupts are off, and those that
 * cannot be have stacks of their own. */
	.globl cpu_regs_here
cpu_regs_here:
	movq %rsp, %rax
	leaq REGS_SIZE(%rdi), %rsp
	pushq $0
	pushq %rax
	addq $8, (%rsp)
	pushfq
	pushq $HV_CS
	pushq (%rax)
	pushq $0
	push_regs
	movq %rax, %rsp
	movl $1, %eax
	ret

/* Start running guests: upcall_return() on an empty stack. */
	.globl cpu_run_guests
cpu_run_guests:
	call upcall_return
	jmp exit_to_guest

.section .note.GNU-stack, "", @progbits
