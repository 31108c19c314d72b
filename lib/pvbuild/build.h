/* Write a new PV domain's memory: kernel, initrd, p2m list, page tables, start_info; and its
 * first vCPU's context. The same code builds dom0 in the hypervisor and guests in the toolstack:
 * the caller supplies the doors to the domain's memory. Pure otherwise. Afterwards the caller
 * sets the M2P for every page, pins the L4 (PFN layout.run.frames.pfn), loads the context and
 * starts the vCPU. */
#pragma once
#include "lib/pvbuild/layout.h"
#include "protocol/xen.h"

/* The domain's memory, nr_pages PFNs, all zero before. */
struct pv_memory {
	void *opaque;
	uint64_t (*mfn)(void *opaque, uint64_t pfn);	/* never fails for pfn < nr_pages */
	void *(*map)(void *opaque, uint64_t pfn);	/* one page, writable; NULL = failed */
	void (*unmap)(void *opaque, void *page);
};

struct pv_start_params {
	uint32_t flags; /* SIF_PRIVILEGED, SIF_INITDOMAIN; SIF_MOD_START_PFN is added as needed */
	uint64_t shared_info;	/* machine address */
	uint32_t store_port, console_port;	/* guests; 0 for dom0 */
	const char *command_line;	/* cut at MAX_GUEST_CMDLINE - 1 */
	const struct dom0_vga_console_info *video;	/* dom0's screen, or NULL */
};

struct pv_content {
	const void *kernel;	/* the ELF that image describes */
	const struct pv_image_info *image;
	const void *initrd;	/* layout.initrd_size bytes */
};

/* All of it. NULL, or a static text: a page could not be mapped. */
const char *pv_build(const struct pv_layout *l, const struct pv_content *c,
	const struct pv_start_params *s, const struct pv_memory *m)
	__attribute__((warn_unused_result));

/* Parts, for callers that write in another order (e.g. by batches of frames). */
/* The 512 entries of table frame @index of pv_table_pfn(). Every entry present, accessed, user,
 * writable, but for the L1 entries that map the run's own tables, which are read-only. */
void pv_table_fill(
	const struct pv_layout *l, const struct pv_memory *m, uint64_t index, uint64_t entry[512]);
/* Page @index of the p2m list; entries past nr_pages are ~0. */
void pv_p2m_fill(
	const struct pv_layout *l, const struct pv_memory *m, uint64_t index, uint64_t entry[512]);
/* @page is the zeroed start_info page. */
void pv_start_info_fill(const struct pv_layout *l, const struct pv_memory *m,
	const struct pv_start_params *s, void *page);
/* Call stubs, 32 bytes per hypercall number, for kernels that ask for a hypercall page. */
void pv_hypercall_page_fill(uint8_t page[4096]);
/* Registers at entry of vCPU 0; the rest of *c becomes zero. */
void pv_context_fill(
	const struct pv_layout *l, const struct pv_memory *m, struct vcpu_guest_context *c);
