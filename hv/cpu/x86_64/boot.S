/* Start of day: headers for the boot loaders, then from 32-bit protected mode to boot_main().
 *
 * Multiboot 1 (magic 2badb002), Multiboot 2 (36d76289) and PVH enter in 32-bit protected mode
 * without paging; eax and ebx name the protocol and its information (PVH: ebx = start info).
 * The first tables map memory below 4 GiB three times with 2 MiB pages: at its own address
 * (dropped in paging.c), at RAM_VIRT, and its first 4 MiB at IMAGE_VIRT.
 * Spec: Multiboot 0.6.96 section 3.1; Multiboot 2.0 section 3.1; public header elfnote.h, PHYS32_ENTRY. */
#include "hv/cpu/x86_64/layout.h"

#define PHYS(sym) ((sym) - IMAGE_VIRT_SYM)
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003	/* aligned modules, memory map, address fields valid */
#define MB2_MAGIC 0xe85250d6
#define PVH_MAGIC 0x336ec578

.set IMAGE_VIRT_SYM, 0xffff810000000000

.section .multiboot, "ax"
.balign 8
multiboot1:
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long PHYS(multiboot1), PHYS(image_start), PHYS(load_end), PHYS(image_end), PHYS(start32)
.balign 8
multiboot2:
	.long MB2_MAGIC, 0, multiboot2_end - multiboot2, -(MB2_MAGIC + (multiboot2_end - multiboot2))
	.word 2, 0			/* address tag: as the fields above */
	.long 24, PHYS(multiboot2), PHYS(image_start), PHYS(load_end), PHYS(image_end)
	.word 3, 0			/* entry address tag */
	.long 12, PHYS(start32)
	.balign 8
	.word 6, 0			/* modules page-aligned */
	.long 8
	.word 0, 0
	.long 8
multiboot2_end:

.section .note.pvh, "a", @note
	.long 4, 8, 18
	.asciz "Xen"
	.quad PHYS(start_pvh)

.section .text.entry, "ax"
.code32
start_pvh:
	movl $PVH_MAGIC, %eax
	.globl start32
start32:
	cld
	cli
	movl %eax, %ebp			/* protocol */
	movl %ebx, %esi			/* its information */

	/* 4 tables of 512 x 2 MiB pages = the first 4 GiB. Entry n of all four is n * 2 MiB. */
	movl $PHYS(boot_l2), %edi
	movl $0x83, %eax		/* present, writable, 2 MiB */
	xorl %edx, %edx
	movl $2048, %ecx
1:	movl %eax, (%edi)
	movl %edx, 4(%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	/* One L3 whose first four entries are those tables serves slot 0 and RAM_VIRT ... */
	movl $PHYS(boot_l2) + 3, %eax
	movl $PHYS(boot_l3), %edi
	movl $4, %ecx
2:	movl %eax, (%edi)
	addl $4096, %eax
	addl $8, %edi
	loop 2b
	/* ... and IMAGE_VIRT for now; paging.c gives the image tables of its own. */
	movl $PHYS(boot_l3) + 3, %eax
	movl %eax, PHYS(hv_l4)
	movl %eax, PHYS(hv_l4) + 258 * 8
	movl %eax, PHYS(hv_l4) + 262 * 8

	movl $PHYS(hv_l4), %eax
	movl %eax, %cr3
	movl $0x20, %eax		/* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx		/* EFER */
	rdmsr
	orl $0x100, %eax		/* LME; NXE when features.c has seen it */
	wrmsr
	movl $0x80010023, %eax		/* PG, WP, NE, MP, PE */
	movl %eax, %cr0
	lgdt PHYS(boot_gdt_pointer)
	ljmp $8, $PHYS(start64_low)
.code64
start64_low:
	movabs $start64, %rax
	jmp *%rax
start64:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	leaq boot_stack_end(%rip), %rsp
	movl %ebp, %edi
	movl %esi, %esi
	call cpu_boot_start
	ud2

	.globl start_address
.set start_address, start32

/* An application processor arrives here in 64-bit mode from trampoline.S; rdi = stack top. */
	.globl ap_start64
ap_start64:
	movq %rdi, %rsp
	xorl %ebp, %ebp
	call cpu_ap_start
	ud2

/* Leave the temporary boot stack: cpu_call_on_stack(fn, a, b, stack top). */
	.globl cpu_call_on_stack
cpu_call_on_stack:
	movq %rdi, %rax
	movq %rcx, %rsp
	movq %rsi, %rdi
	movq %rdx, %rsi
	xorl %ebp, %ebp
	call *%rax
	ud2

.section .rodata
.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
boot_gdt_pointer:
	.word 23
	.long PHYS(boot_gdt)

.section .bss.pages, "aw", @nobits
.balign 4096
	.globl hv_l4
hv_l4:	.skip 4096
	.globl boot_l3
boot_l3: .skip 4096
boot_l2: .skip 4 * 4096
	.skip 16384
boot_stack_end:

.section .note.GNU-stack, "", @progbits
