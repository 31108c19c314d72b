/* memory_op(cmd, arg): reservations, exchange, memory maps, the M2P window, resources.
 * xen_memory_reservation lists hold PFNs in and MFNs out for populate_physmap, MFNs elsewhere.
 * Spec: memory.h. */
#pragma once
#include <stdint.h>
#include "protocol/physdev.h"
#include "protocol/xen.h"

#define XENMEM_increase_reservation		0
#define XENMEM_decrease_reservation		1
#define XENMEM_maximum_ram_page			2
#define XENMEM_current_reservation		3
#define XENMEM_maximum_reservation		4
#define XENMEM_machphys_mfn_list		5
#define XENMEM_populate_physmap			6
#define XENMEM_add_to_physmap			7
#define XENMEM_memory_map			9
#define XENMEM_machine_memory_map		10
#define XENMEM_exchange				11
#define XENMEM_machphys_mapping			12
#define XENMEM_set_memory_map			13
#define XENMEM_maximum_gpfn			14
#define XENMEM_remove_from_physmap		15
#define XENMEM_set_pod_target			16
#define XENMEM_get_pod_target			17
#define XENMEM_get_sharing_freed_pages		18
#define XENMEM_get_sharing_shared_pages		19
#define XENMEM_paging_op			20
#define XENMEM_access_op			21
#define XENMEM_sharing_op			22
#define XENMEM_add_to_physmap_batch		23
#define XENMEM_claim_pages			24
#define XENMEM_machphys_compat_mfn_list		25
#define XENMEM_get_vnumainfo			26
#define XENMEM_reserved_device_memory_map	27
#define XENMEM_acquire_resource			28

/* mem_flags of a reservation */
#define XENMEMF_address_bits(x)		(x)
#define XENMEMF_get_address_bits(x)	((x) & 0xffu)
#define XENMEMF_node(x)			(((x) + 1) << 8)
#define XENMEMF_get_node(x)		((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand	(1 << 16)
#define XENMEMF_exact_node_request	(1 << 17)
#define XENMEMF_vnode			(1 << 18)

struct xen_memory_reservation {
	uint64_t extent_start;		/* guest address of xen_pfn_t[nr_extents] */
	xen_ulong_t nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags;		/* XENMEMF_* */
	domid_t domid;
};

/* in's frames are given back, out's come: as many bytes, perhaps in other orders. */
struct xen_memory_exchange {
	struct xen_memory_reservation in;
	struct xen_memory_reservation out;
	xen_ulong_t nr_exchanged;	/* of in's extents; 0 on entry */
};

struct xen_memory_domain {
	domid_t domid;
};

struct xen_machphys_mfn_list {
	uint32_t max_extents;
	uint64_t extent_start;		/* guest address of xen_pfn_t[max_extents] */
	uint32_t nr_extents;
};

struct xen_machphys_mapping {
	xen_ulong_t v_start;
	xen_ulong_t v_end;
	xen_ulong_t max_mfn;
};

#define XENMAPSPACE_shared_info		0
#define XENMAPSPACE_grant_table		1
#define XENMAPSPACE_gmfn		2
#define XENMAPSPACE_gmfn_range		3
#define XENMAPSPACE_gmfn_foreign	4
#define XENMAPSPACE_dev_mmio		5

struct xen_add_to_physmap {
	domid_t domid;
	uint16_t size;
	uint32_t space;
	xen_ulong_t idx;
	xen_pfn_t gpfn;
};

struct xen_remove_from_physmap {
	domid_t domid;
	xen_pfn_t gpfn;
};

/* e820 records: {u64 start, u64 size, u32 type}, 20 bytes each, packed. */
struct xen_memory_map {
	uint32_t nr_entries;		/* in: room; out: written */
	uint64_t buffer;		/* guest address */
};

struct xen_foreign_memory_map {
	domid_t domid;
	struct xen_memory_map map;
};

struct xen_pod_target {
	uint64_t target_pages;
	uint64_t tot_pages;
	uint64_t pod_cache_pages;
	uint64_t pod_entries;
	domid_t domid;
};

struct xen_reserved_device_memory {
	xen_pfn_t start_pfn;
	xen_ulong_t nr_pages;
};

struct xen_reserved_device_memory_map {
	uint32_t flags;			/* XENMEM_RDM_ALL: of all devices */
	uint32_t nr_entries;
	uint64_t buffer;		/* guest address of xen_reserved_device_memory[] */
	union {
		struct physdev_pci_device pci;
	} dev;
};
#define XENMEM_RDM_ALL			1

/* Frames of a domain's resource that its manager may map. nr_frames 0 asks for their number. */
struct xen_mem_acquire_resource {
	domid_t domid;
	uint16_t type;			/* XENMEM_resource_* */
	uint32_t id;
	uint32_t nr_frames;
	uint32_t pad;			/* out: 0 */
	uint64_t frame;			/* first */
	uint64_t frame_list;		/* guest address of xen_pfn_t[nr_frames] */
};
#define XENMEM_resource_ioreq_server		0
#define XENMEM_resource_grant_table		1
#define XENMEM_resource_vmtrace_buf		2
#define XENMEM_resource_grant_table_id_shared	0
#define XENMEM_resource_grant_table_id_status	1

struct xen_vmemrange {
	uint64_t start;
	uint64_t end;
	uint32_t flags;
	uint32_t nid;
};

struct xen_vnuma_topology_info {
	domid_t domid;
	uint16_t pad;
	uint32_t nr_vnodes;
	uint32_t nr_vcpus;
	uint32_t nr_vmemranges;
	union {
		uint64_t h;
		uint64_t pad;
	} vdistance;
	union {
		uint64_t h;
		uint64_t pad;
	} vcpu_to_vnode;
	union {
		uint64_t h;
		uint64_t pad;
	} vmemrange;
};
