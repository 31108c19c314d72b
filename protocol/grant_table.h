/* grant_table_op(cmd, ops, count): the shared table (version 1) and its operations.
 * Each operation carries its own status (GNTST_*); the call fails only as a whole.
 * Spec: grant_table.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

typedef uint32_t grant_ref_t;
typedef uint32_t grant_handle_t;

/* The granter writes domid and frame, then flags; the hypervisor sets GTF_reading and GTF_writing
 * while the frame is in use, by compare-exchange on flags and domid together. */
struct grant_entry_v1 {
	uint16_t flags;
	domid_t domid;
	uint32_t frame;
};

#define GNTTAB_NR_RESERVED_ENTRIES	8	/* of every table, for the domain's builder */
#define GNTTAB_RESERVED_CONSOLE		0
#define GNTTAB_RESERVED_XENSTORE	1

#define GTF_invalid		0u
#define GTF_permit_access	1u
#define GTF_accept_transfer	2u
#define GTF_transitive		3u
#define GTF_type_mask		3u
#define _GTF_readonly		2
#define GTF_readonly		(1u << _GTF_readonly)
#define _GTF_reading		3
#define GTF_reading		(1u << _GTF_reading)
#define _GTF_writing		4
#define GTF_writing		(1u << _GTF_writing)
#define _GTF_PWT		5
#define GTF_PWT			(1u << _GTF_PWT)
#define _GTF_PCD		6
#define GTF_PCD			(1u << _GTF_PCD)
#define _GTF_PAT		7
#define GTF_PAT			(1u << _GTF_PAT)
#define _GTF_sub_page		8
#define GTF_sub_page		(1u << _GTF_sub_page)

#define GNTTABOP_map_grant_ref		0
#define GNTTABOP_unmap_grant_ref	1
#define GNTTABOP_setup_table		2
#define GNTTABOP_dump_table		3
#define GNTTABOP_transfer		4
#define GNTTABOP_copy			5
#define GNTTABOP_query_size		6
#define GNTTABOP_unmap_and_replace	7
#define GNTTABOP_set_version		8
#define GNTTABOP_get_status_frames	9
#define GNTTABOP_get_version		10
#define GNTTABOP_swap_grant_ref		11
#define GNTTABOP_cache_flush		12

/* flags of map_grant_ref */
#define _GNTMAP_device_map		0
#define GNTMAP_device_map		(1 << _GNTMAP_device_map)
#define _GNTMAP_host_map		1
#define GNTMAP_host_map			(1 << _GNTMAP_host_map)
#define _GNTMAP_readonly		2
#define GNTMAP_readonly			(1 << _GNTMAP_readonly)
#define _GNTMAP_application_map		3	/* reachable from guest user mode */
#define GNTMAP_application_map		(1 << _GNTMAP_application_map)
#define _GNTMAP_contains_pte		4	/* host_addr is a machine address of a PTE */
#define GNTMAP_contains_pte		(1 << _GNTMAP_contains_pte)
#define _GNTMAP_guest_avail0		16	/* up from here: bits for the PTE's available field */
#define GNTMAP_guest_avail_mask		((uint32_t)~0 << _GNTMAP_guest_avail0)

#define GNTST_okay			0
#define GNTST_general_error		(-1)
#define GNTST_bad_domain		(-2)
#define GNTST_bad_gntref		(-3)
#define GNTST_bad_handle		(-4)
#define GNTST_bad_virt_addr		(-5)
#define GNTST_bad_dev_addr		(-6)
#define GNTST_no_device_space		(-7)
#define GNTST_permission_denied		(-8)
#define GNTST_bad_page			(-9)
#define GNTST_bad_copy_arg		(-10)
#define GNTST_address_too_big		(-11)
#define GNTST_eagain			(-12)
#define GNTST_no_space			(-13)

struct gnttab_map_grant_ref {
	uint64_t host_addr;
	uint32_t flags;			/* GNTMAP_* */
	grant_ref_t ref;
	domid_t dom;
	int16_t status;			/* out */
	grant_handle_t handle;		/* out */
	uint64_t dev_bus_addr;		/* out: frame << 12, also without device_map */
};

struct gnttab_unmap_grant_ref {
	uint64_t host_addr;
	uint64_t dev_bus_addr;
	grant_handle_t handle;
	int16_t status;			/* out */
};

struct gnttab_setup_table {
	domid_t dom;
	uint32_t nr_frames;
	int16_t status;			/* out */
	uint64_t frame_list;		/* guest address of xen_pfn_t[nr_frames] */
};

struct gnttab_dump_table {
	domid_t dom;
	int16_t status;			/* out */
};

struct gnttab_transfer {
	xen_pfn_t mfn;
	domid_t domid;
	grant_ref_t ref;
	int16_t status;			/* out */
};

/* flags of copy: which side is a grant reference rather than a frame */
#define _GNTCOPY_source_gref	0
#define GNTCOPY_source_gref	(1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref	1
#define GNTCOPY_dest_gref	(1 << _GNTCOPY_dest_gref)

struct gnttab_copy_ptr {
	union {
		grant_ref_t ref;
		xen_pfn_t gmfn;
	} u;
	domid_t domid;
	uint16_t offset;
};

struct gnttab_copy {
	struct gnttab_copy_ptr source;
	struct gnttab_copy_ptr dest;
	uint16_t len;
	uint16_t flags;			/* GNTCOPY_* */
	int16_t status;			/* out */
};

struct gnttab_query_size {
	domid_t dom;
	uint32_t nr_frames;		/* out */
	uint32_t max_nr_frames;		/* out */
	int16_t status;			/* out */
};

struct gnttab_unmap_and_replace {
	uint64_t host_addr;
	uint64_t new_addr;
	grant_handle_t handle;
	int16_t status;			/* out */
};

struct gnttab_set_version {
	uint32_t version;		/* in: wanted; out: in force */
};

struct gnttab_get_status_frames {
	uint32_t nr_frames;
	domid_t dom;
	int16_t status;			/* out */
	uint64_t frame_list;		/* guest address of uint64_t[] */
};

struct gnttab_get_version {
	domid_t dom;
	uint16_t pad;
	uint32_t version;		/* out */
};

struct gnttab_swap_grant_ref {
	grant_ref_t ref_a;
	grant_ref_t ref_b;
	int16_t status;			/* out */
};
