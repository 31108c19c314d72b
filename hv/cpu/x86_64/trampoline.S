/* Where an application processor wakes: real mode, copied to TRAMPOLINE_ADDRESS below 1 MiB.
 * smp.c fills in the fields at the end. Goes to long mode and jumps to ap_start64.
 * Spec: SDM 3A 8.4.4 (INIT-SIPI-SIPI), 9.8.5 (entering long mode). */
#define TRAMPOLINE_ADDRESS 0x8000
#define AT(sym) (TRAMPOLINE_ADDRESS + (sym) - trampoline_start)

.section .rodata
	.globl trampoline_start, trampoline_end, trampoline_l4, trampoline_stack, trampoline_entry
.balign 16
trampoline_start:
.code16
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AT(trampoline_gdt_pointer)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $24, $AT(trampoline32)
.code32
trampoline32:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $0x20, %eax
	movl %eax, %cr4
	movl AT(trampoline_l4), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl AT(trampoline_efer), %eax
	wrmsr
	movl $0x80010023, %eax
	movl %eax, %cr0
	ljmp $8, $AT(trampoline64)
.code64
trampoline64:
	movq AT(trampoline_stack), %rdi
	movq AT(trampoline_entry), %rax
	jmp *%rax
.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00cf9b000000ffff
trampoline_gdt_pointer:
	.word 31
	.long AT(trampoline_gdt)
.balign 8
trampoline_l4:		.quad 0
trampoline_stack:	.quad 0
trampoline_entry:	.quad 0
	.globl trampoline_efer
trampoline_efer:	.quad 0
trampoline_end:

.section .note.GNU-stack, "", @progbits
