/* The hypervisor's CPUID leaves, 0x40000000 and up. Constants only. Spec: arch-x86/cpuid.h. */
#pragma once

#define XEN_CPUID_FIRST_LEAF		0x40000000
#define XEN_CPUID_LEAF(i)		(XEN_CPUID_FIRST_LEAF + (i))

/* Leaf 0: eax = last leaf, and the signature "XenVMMXenVMM". */
#define XEN_CPUID_SIGNATURE_EBX		0x566e6558
#define XEN_CPUID_SIGNATURE_ECX		0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX		0x4d4d566e

/* Leaf 2, ecx. */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD	0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD	(1u << 0)

/* Leaf 5, ebx: width of machine addresses. */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK		(0xffu << 0)

#define XEN_CPUID_MAX_NUM_LEAVES	5
