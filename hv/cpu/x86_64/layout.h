/* The hypervisor's virtual memory map: L4 slots 256..271, equal in every address space.
 * Layer: cpu. Usable from assembly.
 *
 *   slot 256  machine-to-physical table, read-only for guests
 *   slot 257  one area of 2 MiB per CPU: stacks, GDT, LDT, TSS, system-call stub
 *   slot 258  the image: virtual = IMAGE_VIRT + machine address
 *   slot 259  device memory, uncached, mapped on demand: virtual = MMIO_VIRT + machine address
 *   slot 262  all RAM: virtual = RAM_VIRT + machine address (up to 4 TiB) */
#pragma once

#define PERCPU_VIRT	0xffff808000000000
#define IMAGE_VIRT	0xffff810000000000
#define MMIO_VIRT	0xffff818000000000
#define RAM_VIRT	0xffff830000000000

/* One CPU's area. */
#define PERCPU_SHIFT	21
#define STACK_SIZE	0x10000		/* aligned region of stacks; struct percpu at its top */
#define STACK_MAIN	0x8000		/* the main stack grows down to here; below lies a guard page */
#define IST_DF		0x1000		/* tops of the one-page interrupt stacks, from the bottom */
#define IST_NMI		0x2000
#define IST_MC		0x3000
#define IST_DB		0x4000
#define PERCPU_GDT	0x10000		/* 16 pages: 14 of the guest, 2 ours */
#define PERCPU_LDT	0x20000		/* 16 pages */
#define PERCPU_TSS	0x30000		/* one page */
#define PERCPU_STUB	0x31000		/* one page of code; its data in the page behind */
#define PERCPU_STUB_DATA 0x32000

#define PERCPU_SIZE	64		/* sizeof(struct percpu) */

/* Our selectors: GDT pages 14 and 15. */
#define HV_CS		0xe008
#define HV_DS		0xe010
#define HV_TSS		0xe040
#define HV_LDT		0xe050
/* STAR: SYSRET takes CS from base + 16 and SS from base + 8. */
#define SYSRET_BASE	0xe023

#define VECTOR_TIMER	0xf0
#define VECTOR_KICK	0xf1
#define VECTOR_SPURIOUS	0xff
#define VECTOR_SYSCALL	0x100		/* in regs.vector: not an IDT vector */
#define VECTOR_SYSCALL32 0x101

/* struct cpu_context and cpu_regs, checked in context.c. */
#define CTX_REGS	8
#define REGS_RIP	128		/* from the start of regs */
#define REGS_RCX	88
#define REGS_R11	48
#define REGS_VECTOR	124
#define REGS_SIZE	168
