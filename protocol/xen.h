/* Core of the PV guest ABI: domain numbers, virtual interrupts, page-table operations, the two
 * pages every guest finds (start_info, shared_info), multicalls, vm_assist and console_io.
 * Addresses the guest passes are uint64_t. Spec: xen.h. */
#pragma once
#include <stdint.h>
#include "protocol/arch_x86.h"
#include "protocol/hypercall.h"

/* ---- domains ---- */

typedef uint16_t domid_t;
typedef uint8_t xen_domain_handle_t[16];	/* UUID */

#define DOMID_FIRST_RESERVED	0x7FF0u
#define DOMID_SELF		0x7FF0u
#define DOMID_IO		0x7FF1u		/* owner of device memory */
#define DOMID_XEN		0x7FF2u		/* owner of frames the hypervisor shares */
#define DOMID_COW		0x7FF3u
#define DOMID_INVALID		0x7FF4u
#define DOMID_IDLE		0x7FFFu
#define DOMID_MASK		0x7FFFu

/* ---- virtual interrupts: V one per vCPU, G one per machine, bound by the control domain ---- */

#define VIRQ_TIMER		0	/* V */
#define VIRQ_DEBUG		1	/* V */
#define VIRQ_CONSOLE		2	/* G: bytes arrived on the machine's console */
#define VIRQ_DOM_EXC		3	/* G: a domain shut down or is gone */
#define VIRQ_TBUF		4	/* G */
#define VIRQ_DEBUGGER		6	/* G */
#define VIRQ_XENOPROF		7	/* V */
#define VIRQ_CON_RING		8	/* G: the hypervisor's log grew */
#define VIRQ_PCPU_STATE		9	/* G */
#define VIRQ_MEM_EVENT		10	/* G */
#define VIRQ_ARGO		11	/* G */
#define VIRQ_ENOMEM		12	/* G */
#define VIRQ_XENPMU		13	/* V */
#define VIRQ_ARCH_0		16
#define VIRQ_MCA		VIRQ_ARCH_0
#define VIRQ_ARCH_1		17
#define VIRQ_ARCH_2		18
#define VIRQ_ARCH_3		19
#define VIRQ_ARCH_4		20
#define VIRQ_ARCH_5		21
#define VIRQ_ARCH_6		22
#define VIRQ_ARCH_7		23
#define NR_VIRQS		24

/* ---- mmu_update(reqs, count, &done, foreigndom) ---- */

struct mmu_update {
	uint64_t ptr;		/* machine address; bits 1:0 are the operation */
	uint64_t val;
};
#define MMU_NORMAL_PT_UPDATE		0	/* *ptr = val */
#define MMU_MACHPHYS_UPDATE		1	/* m2p[ptr >> 12] = val */
#define MMU_PT_UPDATE_PRESERVE_AD	2	/* as 0, keeping accessed and dirty */
#define MMU_PT_UPDATE_NO_TRANSLATE	3	/* as 0 for PV */

/* ---- mmuext_op(ops, count, &done, foreigndom) ---- */

struct mmuext_op {
	uint32_t cmd;
	union {
		xen_pfn_t mfn;
		uint64_t linear_addr;
	} arg1;
	union {
		uint32_t nr_ents;
		uint64_t vcpumask;	/* guest address of a bitmap */
		xen_pfn_t src_mfn;
	} arg2;
};
#define MMUEXT_PIN_L1_TABLE		0
#define MMUEXT_PIN_L2_TABLE		1
#define MMUEXT_PIN_L3_TABLE		2
#define MMUEXT_PIN_L4_TABLE		3
#define MMUEXT_UNPIN_TABLE		4
#define MMUEXT_NEW_BASEPTR		5
#define MMUEXT_TLB_FLUSH_LOCAL		6
#define MMUEXT_INVLPG_LOCAL		7
#define MMUEXT_TLB_FLUSH_MULTI		8
#define MMUEXT_INVLPG_MULTI		9
#define MMUEXT_TLB_FLUSH_ALL		10
#define MMUEXT_INVLPG_ALL		11
#define MMUEXT_FLUSH_CACHE		12
#define MMUEXT_SET_LDT			13
#define MMUEXT_NEW_USER_BASEPTR		15
#define MMUEXT_CLEAR_PAGE		16
#define MMUEXT_COPY_PAGE		17
#define MMUEXT_FLUSH_CACHE_GLOBAL	18
#define MMUEXT_MARK_SUPER		19
#define MMUEXT_UNMARK_SUPER		20

/* ---- update_va_mapping(va, val, flags): a flush kind, and whom it reaches ---- */

#define UVMF_NONE		0ul
#define UVMF_TLB_FLUSH		1ul
#define UVMF_INVLPG		2ul
#define UVMF_FLUSHTYPE_MASK	3ul
#define UVMF_MULTI		0ul	/* a guest address of a vCPU bitmap is ored in */
#define UVMF_LOCAL		0ul
#define UVMF_ALL		4ul

/* ---- console_io(cmd, count, buffer) ---- */

#define CONSOLEIO_write		0
#define CONSOLEIO_read		1

/* ---- vm_assist(cmd, type) ---- */

#define VMASST_CMD_enable			0
#define VMASST_CMD_disable			1
#define VMASST_TYPE_4gb_segments		0
#define VMASST_TYPE_4gb_segments_notify		1
#define VMASST_TYPE_writable_pagetables		2
#define VMASST_TYPE_pae_extended_cr3		3
#define VMASST_TYPE_architectural_iopl		4
#define VMASST_TYPE_runstate_update_flag	5
#define VMASST_TYPE_m2p_strict			32

/* ---- multicall(entries, count) ---- */

struct multicall_entry {
	xen_ulong_t op;
	xen_ulong_t result;
	xen_ulong_t args[6];
};

/* ---- shared_info: one page per domain, written by both sides ---- */

/* Guest time = system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32) ns.
 * version is odd while the hypervisor writes. */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;		/* ns since boot */
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;			/* XEN_PVCLOCK_* */
	uint8_t pad1[2];
};
#define XEN_PVCLOCK_TSC_STABLE_BIT	(1 << 0)
#define XEN_PVCLOCK_GUEST_STOPPED	(1 << 1)

struct vcpu_info {
	uint8_t evtchn_upcall_pending;
	uint8_t evtchn_upcall_mask;	/* the guest's only interrupt flag */
	xen_ulong_t evtchn_pending_sel;	/* one bit per word of evtchn_pending */
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};

struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	xen_ulong_t evtchn_pending[64];
	xen_ulong_t evtchn_mask[64];
	uint32_t wc_version;		/* wall clock at system_time 0; protocol as above */
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi;
	struct arch_shared_info arch;
};

/* ---- start_info: what a new domain learns from its builder ---- */

#define MAX_GUEST_CMDLINE	1024

struct start_info {
	char magic[32];			/* "xen-VERSION-PLATFORM" */
	uint64_t nr_pages;
	uint64_t shared_info;		/* machine address */
	uint32_t flags;			/* SIF_* */
	xen_pfn_t store_mfn;
	uint32_t store_evtchn;
	union {
		struct {
			xen_pfn_t mfn;
			uint32_t evtchn;
		} domU;
		struct {
			uint32_t info_off;	/* of dom0_vga_console_info, from start_info */
			uint32_t info_size;
		} dom0;
	} console;
	uint64_t pt_base;		/* virtual address of the L4 */
	uint64_t nr_pt_frames;
	uint64_t mfn_list;		/* virtual address of the p2m list */
	uint64_t mod_start;		/* virtual address, or PFN with SIF_MOD_START_PFN */
	uint64_t mod_len;		/* bytes */
	int8_t cmd_line[MAX_GUEST_CMDLINE];
	uint64_t first_p2m_pfn;		/* frames of a p2m list outside the boot mapping */
	uint64_t nr_p2m_frames;
};
#define SIF_PRIVILEGED		(1 << 0)
#define SIF_INITDOMAIN		(1 << 1)
#define SIF_MULTIBOOT_MOD	(1 << 2)
#define SIF_MOD_START_PFN	(1 << 3)
#define SIF_VIRT_P2M_4TOOLS	(1 << 4)
#define SIF_PM_MASK		(0xFF << 8)

struct xen_multiboot_mod_list {
	uint32_t mod_start;
	uint32_t mod_end;
	uint32_t cmdline;
	uint32_t pad;
};

/* The screen dom0 inherits. */
struct dom0_vga_console_info {
	uint8_t video_type;		/* XEN_VGATYPE_* */
	union {
		struct {
			uint16_t font_height;
			uint16_t cursor_x;
			uint16_t cursor_y;
			uint16_t rows;
			uint16_t columns;
		} text_mode_3;
		struct {
			uint16_t width;
			uint16_t height;
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base;
			uint32_t lfb_size;	/* in 64 KiB units */
			uint8_t red_pos;
			uint8_t red_size;
			uint8_t green_pos;
			uint8_t green_size;
			uint8_t blue_pos;
			uint8_t blue_size;
			uint8_t rsvd_pos;
			uint8_t rsvd_size;
			uint32_t gbl_caps;
			uint16_t mode_attrs;
			uint16_t pad;
			uint32_t ext_lfb_base;	/* high 32 bits */
		} vesa_lfb;
	} u;
};
#define XEN_VGATYPE_TEXT_MODE_3	0x03
#define XEN_VGATYPE_VESA_LFB	0x23
#define XEN_VGATYPE_EFI_LFB	0x70

/* ---- a bitmap argument of the control operations ---- */

struct xenctl_bitmap {
	uint64_t bitmap;	/* guest address of bytes, lowest bit first */
	uint32_t nr_bits;
};
