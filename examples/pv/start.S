/* Entry of a small PV kernel, its Xen notes, and the stubs by which traps, events and system calls
 * reach trap_dispatch(). Rules: the hypervisor pushes rcx and r11 on top of what hardware would
 * push, and every return goes through the iret hypercall. Neighbours: start.c, trap.c. */
#include "protocol/arch_x86.h"
#include "protocol/elfnote.h"
#include "protocol/hypercall.h"

	.macro note type, value:vararg
	.pushsection .note.Xen, "a", @note
	.balign 4
	.long 4, 2f - 1f, \type
	.asciz "Xen"
1:	\value
2:	.balign 4
	.popsection
	.endm

	note XEN_ELFNOTE_GUEST_OS, .asciz "bothy-pv"
	note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	note XEN_ELFNOTE_LOADER, .asciz "generic"
	note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	note XEN_ELFNOTE_FEATURES, .asciz "pae_pgdir_above_4gb"
	note XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
	note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
	note XEN_ELFNOTE_ENTRY, .quad guest_entry
	/* Bit 11: may be started as the initial domain. */
	note XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x8801

	.section .text.start, "ax"
	.weak guest_entry		/* a kernel may have another */
guest_entry:
	cld
	lea	boot_stack + 16384(%rip), %rsp
	mov	%rsi, %rdi
	xor	%ebp, %ebp
	call	guest_start
	ud2

	.text
	/* Vector and error code are on the stack, rcx and r11 hold their values of before. */
trap_common:
	push	%rcx
	push	%r11
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	trap_dispatch
	mov	%rbp, %rsp
	.globl trap_return
trap_return:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rdx
	pop	%rsi
	pop	%rdi
	pop	%r11
	pop	%rcx
	add	$16, %rsp
	push	$0
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall
	ud2

	.macro stub vector, has_error
	.balign 16
	pop	%rcx
	pop	%r11
	.if \has_error == 0
	push	$0
	.endif
	push	$\vector
	jmp	trap_common
	.endm

	/* One stub of 16 bytes for each vector below 32. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	32
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	stub	vector, 1
	.else
	stub	vector, 0
	.endif
	.set	vector, vector + 1
	.endr

	.globl int80_stub
	.balign 16
int80_stub:
	stub	0x80, 0
	.globl event_stub
	.balign 16
event_stub:
	stub	0x100, 0
	.globl syscall_stub
	.balign 16
syscall_stub:
	stub	0x101, 0

	/* The failsafe frame has four selectors between r11 and rip. */
	.globl failsafe_stub
	.balign 16
failsafe_stub:
	pop	%rcx
	pop	%r11
	pop	failsafe_selectors(%rip)
	pop	failsafe_selectors + 8(%rip)
	pop	failsafe_selectors + 16(%rip)
	pop	failsafe_selectors + 24(%rip)
	push	$0
	push	$0x102
	jmp	trap_common

	.bss
	.balign 16384
	.globl boot_stack
boot_stack:
	.skip	16384

	.section .note.GNU-stack, "", @progbits
