/* Control registers, MSRs and single instructions. Layer: cpu (x86_64 only). Spec: SDM 2.5, 4.1. */
#pragma once
#include "hv/base/types.h"

#define CR0_MP		(1ull << 1)
#define CR0_TS		(1ull << 3)
#define CR0_NE		(1ull << 5)
#define CR0_WP		(1ull << 16)
#define CR0_PG		(1ull << 31)
#define CR4_DE		(1ull << 3)
#define CR4_PAE		(1ull << 5)
#define CR4_MCE		(1ull << 6)
#define CR4_PGE		(1ull << 7)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_OSXSAVE	(1ull << 18)
#define CR4_SMEP	(1ull << 20)
#define CR4_SMAP	(1ull << 21)

#define MSR_APIC_BASE	0x1b
#define MSR_SYSENTER_CS	0x174
#define MSR_PAT		0x277
#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_CSTAR	0xc0000083
#define MSR_SFMASK	0xc0000084
#define MSR_FS_BASE	0xc0000100
#define MSR_GS_BASE	0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX	0xc0000103
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_NXE	(1ull << 11)
/* WB WT UC- UC WC WP UC UC: the layout guests are told (public header xen.h, PAT table). */
#define PAT_LAYOUT	0x0000050100070406ull

#define CR_FUNCTIONS(reg) \
	static inline uint64_t reg##_read(void) { uint64_t v; __asm__ volatile ("mov %%" #reg ", %0" : "=r" (v)); return v; } \
	static inline void reg##_write(uint64_t v) { __asm__ volatile ("mov %0, %%" #reg : : "r" (v) : "memory"); }
CR_FUNCTIONS(cr0)
CR_FUNCTIONS(cr2)
CR_FUNCTIONS(cr3)
CR_FUNCTIONS(cr4)
CR_FUNCTIONS(dr0)
CR_FUNCTIONS(dr1)
CR_FUNCTIONS(dr2)
CR_FUNCTIONS(dr3)
CR_FUNCTIONS(dr6)
CR_FUNCTIONS(dr7)

static inline uint64_t msr_read(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile ("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (uint64_t)hi << 32 | lo;
}
static inline void msr_write(uint32_t msr, uint64_t v)
{
	__asm__ volatile ("wrmsr" : : "c" (msr), "a" ((uint32_t)v), "d" ((uint32_t)(v >> 32)) : "memory");
}
static inline void xcr0_write(uint64_t v)
{
	__asm__ volatile ("xsetbv" : : "c" (0), "a" ((uint32_t)v), "d" ((uint32_t)(v >> 32)));
}
static inline uint64_t tsc_read(void)
{
	uint32_t lo, hi;
	__asm__ volatile ("rdtsc" : "=a" (lo), "=d" (hi));
	return (uint64_t)hi << 32 | lo;
}
static inline void tlb_flush_page(uint64_t va)
{
	__asm__ volatile ("invlpg (%0)" : : "r" (va) : "memory");
}
static inline uint8_t port_in8(uint16_t port)
{
	uint8_t v;
	__asm__ volatile ("inb %1, %0" : "=a" (v) : "Nd" (port));
	return v;
}
static inline void port_out8(uint16_t port, uint8_t v)
{
	__asm__ volatile ("outb %0, %1" : : "a" (v), "Nd" (port));
}
