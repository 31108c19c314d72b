/* The x86-64 half of the guest ABI: flat selectors, the address-space hole that belongs to the
 * hypervisor, register frames, and the state a vCPU is created with. Structures are absent when an
 * assembler reads this file. Spec: arch-x86/xen.h, arch-x86/xen-x86_64.h. */
#pragma once

/* Selectors present in every vCPU's GDT from FIRST_RESERVED_GDT_ENTRY up, all DPL 3. */
#define FLAT_RING3_CS32		0xe023
#define FLAT_RING3_CS64		0xe033
#define FLAT_RING3_DS32		0xe02b
#define FLAT_RING3_DS64		0x0000
#define FLAT_RING3_SS32		0xe02b
#define FLAT_RING3_SS64		0xe02b

#define FLAT_KERNEL_CS64	FLAT_RING3_CS64
#define FLAT_KERNEL_CS		FLAT_KERNEL_CS64
#define FLAT_KERNEL_DS64	FLAT_RING3_DS64
#define FLAT_KERNEL_DS		FLAT_KERNEL_DS64
#define FLAT_KERNEL_SS64	FLAT_RING3_SS64
#define FLAT_KERNEL_SS		FLAT_KERNEL_SS64
#define FLAT_USER_CS64		FLAT_RING3_CS64
#define FLAT_USER_CS32		FLAT_RING3_CS32
#define FLAT_USER_CS		FLAT_USER_CS64
#define FLAT_USER_DS64		FLAT_RING3_DS64
#define FLAT_USER_DS32		FLAT_RING3_DS32
#define FLAT_USER_DS		FLAT_USER_DS64
#define FLAT_USER_SS64		FLAT_RING3_SS64
#define FLAT_USER_SS32		FLAT_RING3_SS32
#define FLAT_USER_SS		FLAT_USER_SS64

/* The guest owns GDT pages 0..13; the hypervisor's descriptors follow. */
#define FIRST_RESERVED_GDT_PAGE		14
#define FIRST_RESERVED_GDT_BYTE		(FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY	(FIRST_RESERVED_GDT_BYTE / 8)

/* L4 slots 256..271. The first 256 GiB are the read-only machine-to-physical table. */
#define __HYPERVISOR_VIRT_START		0xFFFF800000000000
#define __HYPERVISOR_VIRT_END		0xFFFF880000000000
#define __MACH2PHYS_VIRT_START		0xFFFF800000000000
#define __MACH2PHYS_VIRT_END		0xFFFF804000000000

/* set_segment_base(which, base) */
#define SEGBASE_FS		0
#define SEGBASE_GS_USER		1
#define SEGBASE_GS_KERNEL	2
#define SEGBASE_GS_USER_SEL	3	/* base is a selector */

/* vcpu_guest_context.flags; bit 8 also appears in iret_context.flags. */
#define _VGCF_i387_valid		0
#define VGCF_i387_valid			(1 << _VGCF_i387_valid)
#define VGCF_I387_VALID			(1 << 0)
#define _VGCF_in_kernel			2
#define VGCF_in_kernel			(1 << _VGCF_in_kernel)
#define VGCF_IN_KERNEL			(1 << 2)
#define _VGCF_failsafe_disables_events	3
#define VGCF_failsafe_disables_events	(1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events	4
#define VGCF_syscall_disables_events	(1 << _VGCF_syscall_disables_events)
#define _VGCF_online			5
#define VGCF_online			(1 << _VGCF_online)
#define _VGCF_in_syscall		8
#define VGCF_in_syscall			(1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL			VGCF_in_syscall

/* vCPUs whose vcpu_info has a place in shared_info. */
#define XEN_LEGACY_MAX_VCPUS		32

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef uint64_t xen_pfn_t;
typedef uint64_t xen_ulong_t;
typedef uint64_t xen_callback_t;

/* What the iret hypercall finds at the guest's stack pointer. */
struct iret_context {
	uint64_t rax;
	uint64_t r11;
	uint64_t rcx;
	uint64_t flags;		/* VGCF_in_syscall: r11, rcx, cs and ss are not restored */
	uint64_t rip;
	uint64_t cs;		/* RPL 3: to guest user mode; less: stay in the guest kernel */
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

struct cpu_user_regs {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rsi;
	uint64_t rdi;
	uint32_t error_code;	/* private to the hypervisor */
	uint32_t entry_vector;	/* private to the hypervisor */
	uint64_t rip;
	uint16_t cs;
	uint16_t _pad0[1];
	uint8_t saved_upcall_mask;
	uint8_t _pad1[3];
	uint64_t rflags;
	uint64_t rsp;
	uint16_t ss;
	uint16_t _pad2[3];
	uint16_t es;
	uint16_t _pad3[3];
	uint16_t ds;
	uint16_t _pad4[3];
	uint16_t fs;
	uint16_t _pad5[3];
	uint16_t gs;
	uint16_t _pad6[3];
};

/* One virtual IDT gate. A table handed to set_trap_table ends at address 0. */
struct trap_info {
	uint8_t vector;
	uint8_t flags;		/* bits 1:0 DPL; bit 2: mask events on entry */
	uint16_t cs;
	uint64_t address;
};
#define TI_GET_DPL(_ti)		((_ti)->flags & 3)
#define TI_GET_IF(_ti)		((_ti)->flags & 4)

struct vcpu_guest_context {
	struct {
		char x[512];		/* FXSAVE image, valid with VGCF_i387_valid */
	} fpu_ctxt;
	uint64_t flags;			/* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256];
	uint64_t ldt_base;		/* linear address */
	uint64_t ldt_ents;
	uint64_t gdt_frames[16];	/* machine frames */
	uint64_t gdt_ents;
	uint64_t kernel_ss;
	uint64_t kernel_sp;
	uint64_t ctrlreg[8];		/* [3]: kernel L4; [1]: user L4; frame << 12 */
	uint64_t debugreg[8];
	uint64_t event_callback_eip;
	uint64_t failsafe_callback_eip;
	uint64_t syscall_callback_eip;
	uint64_t vm_assist;
	uint64_t fs_base;
	uint64_t gs_base_kernel;
	uint64_t gs_base_user;
};

struct arch_vcpu_info {
	uint64_t cr2;
	uint64_t pad;
};

struct arch_shared_info {
	uint64_t max_pfn;
	xen_pfn_t pfn_to_mfn_frame_list_list;
	uint64_t nmi_reason;
	uint64_t p2m_cr3;
	uint64_t p2m_vaddr;
	uint64_t p2m_generation;	/* odd while the guest changes its list */
};

/* createdomain's x86 part; both must be 0 for a PV guest, but for XEN_X86_MSR_RELAXED. */
struct xen_arch_domainconfig {
	uint32_t emulation_flags;
	uint32_t misc_flags;
};
#define XEN_X86_MSR_RELAXED		(1u << 0)
#define XEN_X86_MISC_FLAGS_MAX		XEN_X86_MSR_RELAXED

/* Marshalled CPU policy, as cpu_policy operations carry it. */
struct xen_cpuid_leaf {
	uint32_t leaf;
	uint32_t subleaf;
	uint32_t a;
	uint32_t b;
	uint32_t c;
	uint32_t d;
};
#define XEN_CPUID_NO_SUBLEAF		0xffffffffu

struct xen_msr_entry {
	uint32_t idx;
	uint32_t flags;		/* must be 0 */
	uint64_t val;
};

#endif /* !__ASSEMBLER__ */
