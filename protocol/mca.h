/* mca hypercall (arch_0): the one question dom0's kernel asks, which processors there are.
 * Spec: arch-x86/xen-mca.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define XEN_MCA_INTERFACE_VERSION	0x01ecc003

#define XEN_MC_fetch			1
#define XEN_MC_notifydomain		2
#define XEN_MC_physcpuinfo		3
#define XEN_MC_msrinject		4
#define XEN_MC_mceinject		5
#define XEN_MC_inject_v2		6

#define XEN_MC_OK			0x0
#define XEN_MC_FETCHFAILED		0x1
#define XEN_MC_NODATA			0x2
#define XEN_MC_NOMATCH			0x4

#define MC_NCAPS			7

struct mcinfo_msr {
	uint64_t reg;
	uint64_t value;
};

struct mcinfo_logical_cpu {
	uint32_t mc_cpunr;
	uint32_t mc_chipid;
	uint16_t mc_coreid;
	uint16_t mc_threadid;
	uint32_t mc_apicid;
	uint32_t mc_clusterid;
	uint32_t mc_ncores;
	uint32_t mc_ncores_active;
	uint32_t mc_nthreads;
	int32_t mc_cpuid_level;
	uint32_t mc_family;
	uint32_t mc_vendor;
	uint32_t mc_model;
	uint32_t mc_step;
	char mc_vendorid[16];
	char mc_brandid[64];
	uint32_t mc_cpu_caps[MC_NCAPS];
	uint32_t mc_cache_size;
	uint32_t mc_cache_alignment;
	int32_t mc_nmsrvals;
	struct mcinfo_msr mc_msrvalues[8];
};

struct xen_mc_fetch {
	uint32_t flags;
	uint32_t _pad0;
	uint64_t fetch_id;
	uint64_t data;			/* guest address */
};

struct xen_mc_physcpuinfo {
	uint32_t ncpus;			/* in: room; out: present */
	uint32_t _pad0;
	uint64_t info;			/* guest address of mcinfo_logical_cpu[], or 0 */
};

/* u keeps the size of the longest operation. */
struct xen_mc {
	uint32_t cmd;			/* XEN_MC_* */
	uint32_t interface_version;
	union {
		struct xen_mc_fetch mc_fetch;
		struct xen_mc_physcpuinfo mc_physcpuinfo;
		uint64_t pad[18];
	} u;
};
