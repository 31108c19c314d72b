/* sysctl(arg): the control domain's operations on the whole machine, interface version 0x15.
 * Addresses are the caller's. u is 128 bytes whatever the operation. Spec: sysctl.h. */
#pragma once
#include <stdint.h>
#include "protocol/domctl.h"
#include "protocol/physdev.h"
#include "protocol/xen.h"

#define XEN_SYSCTL_INTERFACE_VERSION	0x00000015

#define XEN_SYSCTL_readconsole		1
#define XEN_SYSCTL_tbuf_op		2
#define XEN_SYSCTL_physinfo		3
#define XEN_SYSCTL_sched_id		4
#define XEN_SYSCTL_perfc_op		5
#define XEN_SYSCTL_getdomaininfolist	6
#define XEN_SYSCTL_debug_keys		7
#define XEN_SYSCTL_getcpuinfo		8
#define XEN_SYSCTL_availheap		9
#define XEN_SYSCTL_get_pmstat		10
#define XEN_SYSCTL_cpu_hotplug		11
#define XEN_SYSCTL_pm_op		12
#define XEN_SYSCTL_page_offline_op	14
#define XEN_SYSCTL_lockprof_op		15
#define XEN_SYSCTL_cputopoinfo		16
#define XEN_SYSCTL_numainfo		17
#define XEN_SYSCTL_cpupool_op		18
#define XEN_SYSCTL_scheduler_op		19
#define XEN_SYSCTL_coverage_op		20
#define XEN_SYSCTL_psr_cmt_op		21
#define XEN_SYSCTL_pcitopoinfo		22
#define XEN_SYSCTL_psr_alloc		23
#define XEN_SYSCTL_get_cpu_levelling_caps 25
#define XEN_SYSCTL_get_cpu_featureset	26
#define XEN_SYSCTL_livepatch_op		27
#define XEN_SYSCTL_get_cpu_policy	29

struct xen_sysctl_readconsole {
	uint8_t clear;
	uint8_t incremental;		/* read from index, and advance it */
	uint8_t pad0;
	uint8_t pad1;
	uint32_t index;
	uint64_t buffer;		/* guest address */
	uint32_t count;			/* in: room; out: bytes */
};

struct xen_sysctl_physinfo {
	uint32_t threads_per_core;
	uint32_t cores_per_socket;
	uint32_t nr_cpus;
	uint32_t max_cpu_id;
	uint32_t nr_nodes;
	uint32_t max_node_id;
	uint32_t cpu_khz;
	uint32_t capabilities;		/* XEN_SYSCTL_PHYSCAP_* */
	uint32_t arch_capabilities;
	uint32_t pad;
	uint64_t total_pages;
	uint64_t free_pages;
	uint64_t scrub_pages;
	uint64_t outstanding_pages;
	uint64_t max_mfn;
	uint32_t hw_cap[8];
};
#define _XEN_SYSCTL_PHYSCAP_hvm		0
#define XEN_SYSCTL_PHYSCAP_hvm		(1u << _XEN_SYSCTL_PHYSCAP_hvm)
#define _XEN_SYSCTL_PHYSCAP_pv		1
#define XEN_SYSCTL_PHYSCAP_pv		(1u << _XEN_SYSCTL_PHYSCAP_pv)
#define _XEN_SYSCTL_PHYSCAP_directio	2
#define XEN_SYSCTL_PHYSCAP_directio	(1u << _XEN_SYSCTL_PHYSCAP_directio)
#define _XEN_SYSCTL_PHYSCAP_hap		3
#define XEN_SYSCTL_PHYSCAP_hap		(1u << _XEN_SYSCTL_PHYSCAP_hap)
#define _XEN_SYSCTL_PHYSCAP_shadow	4
#define XEN_SYSCTL_PHYSCAP_shadow	(1u << _XEN_SYSCTL_PHYSCAP_shadow)
#define _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share 5
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share (1u << _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share)
#define XEN_SYSCTL_PHYSCAP_vmtrace	(1u << 6)
#define XEN_SYSCTL_PHYSCAP_vpmu		(1u << 7)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1	(1u << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2	(1u << 9)
#define XEN_SYSCTL_PHYSCAP_MAX		XEN_SYSCTL_PHYSCAP_gnttab_v2

/* Ours: behind physinfo, in room that u has left, what was decided about the processors' flaws, by the numbers of
 * lib/flaws/flaws.h. Xen leaves there what the caller put: zeroes, which stand for "not told". */
struct bothy_sysctl_physinfo {
	struct xen_sysctl_physinfo xen;
	uint8_t flaw[16];
};

struct xen_sysctl_sched_id {
	uint32_t sched_id;		/* XEN_SCHEDULER_* */
};

struct xen_sysctl_getdomaininfolist {
	domid_t first_domain;
	uint32_t max_domains;
	uint64_t buffer;		/* guest address of xen_domctl_getdomaininfo[max_domains] */
	uint32_t num_domains;		/* out */
};

struct xen_sysctl_debug_keys {
	uint64_t keys;			/* guest address */
	uint32_t nr_keys;
};

struct xen_sysctl_cpuinfo {
	uint64_t idletime;		/* ns */
};

struct xen_sysctl_getcpuinfo {
	uint32_t max_cpus;
	uint64_t info;			/* guest address of xen_sysctl_cpuinfo[max_cpus] */
	uint32_t nr_cpus;		/* out */
};

struct xen_sysctl_availheap {
	uint32_t min_bitwidth;		/* 0: no bound */
	uint32_t max_bitwidth;
	int32_t node;			/* -1: all */
	uint64_t avail_bytes;
};

struct xen_sysctl_get_pmstat {
	uint32_t type;			/* PMSTAT_* */
	uint32_t cpuid;
	uint64_t u[7];
};
#define PMSTAT_CATEGORY_MASK	0xf0
#define PMSTAT_PX		0x10
#define PMSTAT_CX		0x20

struct xen_sysctl_cpu_hotplug {
	uint32_t cpu;
	uint32_t op;			/* XEN_SYSCTL_CPU_HOTPLUG_* */
};
#define XEN_SYSCTL_CPU_HOTPLUG_ONLINE		0
#define XEN_SYSCTL_CPU_HOTPLUG_OFFLINE		1
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE	2
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE	3

#define XEN_INVALID_CORE_ID	(~0u)
#define XEN_INVALID_SOCKET_ID	(~0u)
#define XEN_INVALID_NODE_ID	(~0u)
#define XEN_INVALID_MEM_SZ	(~0u)
#define XEN_INVALID_NODE_DIST	(~0u)
#define XEN_INVALID_DEV		(XEN_INVALID_NODE_ID - 1)

struct xen_sysctl_cputopo {
	uint32_t core;
	uint32_t socket;
	uint32_t node;
};

/* num_cpus: in, room; out, last CPU + 1. An address of 0 asks for the number. */
struct xen_sysctl_cputopoinfo {
	uint32_t num_cpus;
	uint64_t cputopo;		/* guest address of xen_sysctl_cputopo[] */
};

struct xen_sysctl_meminfo {
	uint64_t memsize;
	uint64_t memfree;
};

struct xen_sysctl_numainfo {
	uint32_t num_nodes;		/* as num_cpus above */
	uint64_t meminfo;		/* guest address of xen_sysctl_meminfo[num_nodes] */
	uint64_t distance;		/* guest address of uint32_t[num_nodes * num_nodes] */
};

struct xen_sysctl_pcitopoinfo {
	uint32_t num_devs;
	uint64_t devs;			/* guest address of physdev_pci_device[] */
	uint64_t nodes;			/* guest address of uint32_t[] */
};

/* Fields read or written depend on op; INFO answers for the first pool >= cpupool_id. */
struct xen_sysctl_cpupool_op {
	uint32_t op;			/* XEN_SYSCTL_CPUPOOL_OP_* */
	uint32_t cpupool_id;
	uint32_t sched_id;
	uint32_t domid;
	uint32_t cpu;
	uint32_t n_dom;
	struct xenctl_bitmap cpumap;
};
#define XEN_SYSCTL_CPUPOOL_OP_CREATE		1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY		2
#define XEN_SYSCTL_CPUPOOL_OP_INFO		3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU		4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU		5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN	6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO		7
#define XEN_SYSCTL_CPUPOOL_PAR_ANY		0xFFFFFFFF

struct xen_sysctl_credit_schedule {
	uint32_t tslice_ms;
	uint32_t ratelimit_us;
	uint32_t vcpu_migr_delay_us;
};
#define XEN_SYSCTL_CSCHED_TSLICE_MAX	1000
#define XEN_SYSCTL_CSCHED_TSLICE_MIN	1
#define XEN_SYSCTL_SCHED_RATELIMIT_MAX	500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN	100
#define XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US (100 * 1000)

struct xen_sysctl_credit2_schedule {
	uint32_t ratelimit_us;
};

struct xen_sysctl_scheduler_op {
	uint32_t cpupool_id;
	uint32_t sched_id;
	uint32_t cmd;			/* XEN_SYSCTL_SCHEDOP_* */
	union {
		struct {
			uint64_t schedule;	/* guest address */
		} sched_arinc653;
		struct xen_sysctl_credit_schedule sched_credit;
		struct xen_sysctl_credit2_schedule sched_credit2;
	} u;
};
#define XEN_SYSCTL_SCHEDOP_putinfo	0
#define XEN_SYSCTL_SCHEDOP_getinfo	1

struct xen_sysctl_cpu_levelling_caps {
	uint32_t caps;
};

struct xen_sysctl_cpu_featureset {
	uint32_t index;			/* XEN_SYSCTL_cpu_featureset_* */
	uint32_t nr_features;		/* in: room; out: words */
	uint64_t features;		/* guest address of uint32_t[] */
};
#define XEN_SYSCTL_cpu_featureset_raw		0
#define XEN_SYSCTL_cpu_featureset_host		1
#define XEN_SYSCTL_cpu_featureset_pv		2
#define XEN_SYSCTL_cpu_featureset_hvm		3
#define XEN_SYSCTL_cpu_featureset_pv_max	4
#define XEN_SYSCTL_cpu_featureset_hvm_max	5

struct xen_sysctl_cpu_policy {
	uint32_t index;			/* XEN_SYSCTL_cpu_policy_* */
	uint32_t nr_leaves;		/* in: room; out: written */
	uint32_t nr_msrs;
	uint32_t _rsvd;
	uint64_t leaves;		/* guest address of xen_cpuid_leaf[]; 0: how many */
	uint64_t msrs;			/* guest address of xen_msr_entry[] */
};
#define XEN_SYSCTL_cpu_policy_raw		0
#define XEN_SYSCTL_cpu_policy_host		1
#define XEN_SYSCTL_cpu_policy_pv_max		2
#define XEN_SYSCTL_cpu_policy_hvm_max		3
#define XEN_SYSCTL_cpu_policy_pv_default	4
#define XEN_SYSCTL_cpu_policy_hvm_default	5

struct xen_sysctl {
	uint32_t cmd;			/* XEN_SYSCTL_* */
	uint32_t interface_version;
	union {
		struct xen_sysctl_readconsole readconsole;
		struct xen_sysctl_physinfo physinfo;
		struct bothy_sysctl_physinfo bothy_physinfo;
		struct xen_sysctl_cputopoinfo cputopoinfo;
		struct xen_sysctl_pcitopoinfo pcitopoinfo;
		struct xen_sysctl_numainfo numainfo;
		struct xen_sysctl_sched_id sched_id;
		struct xen_sysctl_getdomaininfolist getdomaininfolist;
		struct xen_sysctl_debug_keys debug_keys;
		struct xen_sysctl_getcpuinfo getcpuinfo;
		struct xen_sysctl_availheap availheap;
		struct xen_sysctl_get_pmstat get_pmstat;
		struct xen_sysctl_cpu_hotplug cpu_hotplug;
		struct xen_sysctl_cpupool_op cpupool_op;
		struct xen_sysctl_scheduler_op scheduler_op;
		struct xen_sysctl_cpu_levelling_caps cpu_levelling_caps;
		struct xen_sysctl_cpu_featureset cpu_featureset;
		struct xen_sysctl_cpu_policy cpu_policy;
		uint8_t pad[128];
	} u;
};
