/* PV kernels as ELF64 files: what to load where, and what the kernel says about itself in its
 * Xen notes. Pure: reads @file only, keeps no pointer into it but offsets; no allocation.
 * All of @file is hostile. Spec: ELF-64; elfnote.h of the public headers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PV_IMAGE_SEGMENTS 16	/* more PT_LOAD segments are refused */
#define PV_IMAGE_NO_VA	  (~0ull)

/* One PT_LOAD: file_size bytes from file offset on go to pseudo-physical address paddr; the rest
 * up to mem_size is zero. offset + file_size lies in the file, paddr + mem_size below 1 << 40. */
struct pv_image_segment {
	uint64_t offset, file_size;
	uint64_t paddr, mem_size;
};

struct pv_image_info {
	uint64_t virt_base;	/* virtual address of pseudo-physical 0; page-aligned */
	uint64_t entry;		/* virtual address of the first instruction */
	uint64_t hypercall_page; /* virtual address to fill with call stubs, or PV_IMAGE_NO_VA */
	uint64_t init_p2m;	/* where the kernel wants the p2m list mapped, or PV_IMAGE_NO_VA */
	uint64_t kernel_start;	/* pseudo-physical extent of all segments: first byte, */
	uint64_t kernel_end;	/* and the byte after the last */
	uint32_t features;	/* note SUPPORTED_FEATURES: bit n = XENFEAT n; 0 if absent */
	bool mod_start_pfn;	/* takes an initrd that is not mapped (SIF_MOD_START_PFN) */
	bool suspend_cancel;
	char guest_os[16];	/* for the log; printable, may be empty */
	unsigned segment_count;
	struct pv_image_segment segment[PV_IMAGE_SEGMENTS];	/* no two overlap */
};

/* Parse. Returns NULL and *out; else a static text that says what is wrong, *out unchanged.
 * Needed: ELF64 x86-64 little-endian EXEC or DYN, a Xen note VIRT_BASE. Addresses in segments are
 * p_paddr - PADDR_OFFSET; ENTRY defaults to e_entry. */
const char *pv_image_parse(const void *file, size_t size, struct pv_image_info *out)
	__attribute__((warn_unused_result));
