/* /dev/xen/privcmd: hypercalls and foreign mappings from dom0's processes. Pointers are kept as
 * uint64_t. ioctl numbers are spelled out: 'P' << 8 | nr, with the size << 16.
 * Spec: Linux, xen/privcmd.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

/* The ioctl returns what the hypercall returned; a negative result is -1 and errno. */
struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

struct privcmd_mmap_entry {
	uint64_t va;
	uint64_t mfn;
	uint64_t npages;
};

struct privcmd_mmap {
	int32_t num;
	domid_t dom;
	uint64_t entry;			/* address of privcmd_mmap_entry[num] */
};

struct privcmd_mmapbatch {
	int32_t num;
	domid_t dom;
	uint64_t addr;
	uint64_t arr;			/* address of xen_pfn_t[num], errors ored in */
};
#define PRIVCMD_MMAPBATCH_MFN_ERROR	0xf0000000u
#define PRIVCMD_MMAPBATCH_PAGED_ERROR	0x80000000u

/* The first call must cover the whole mapping. Errors of pages are in err[]; the ioctl itself is 0,
 * but for ENOENT. */
struct privcmd_mmapbatch_v2 {
	uint32_t num;
	domid_t dom;
	uint64_t addr;
	uint64_t arr;			/* address of const xen_pfn_t[num] */
	uint64_t err;			/* address of int32_t[num]: 0 or -errno */
};

struct privcmd_dm_op_buf {
	uint64_t uptr;
	uint64_t size;
};

struct privcmd_dm_op {
	domid_t dom;
	uint16_t num;
	uint64_t ubufs;			/* address of const privcmd_dm_op_buf[num] */
};

/* addr and num 0: ask for the size, returned in num. */
struct privcmd_mmap_resource {
	domid_t dom;
	uint32_t type;			/* XENMEM_resource_* */
	uint32_t id;
	uint32_t idx;
	uint64_t num;
	uint64_t addr;
};

#define IOCTL_PRIVCMD_HYPERCALL		0x00305000ul
#define IOCTL_PRIVCMD_MMAP		0x00105002ul
#define IOCTL_PRIVCMD_MMAPBATCH		0x00185003ul
#define IOCTL_PRIVCMD_MMAPBATCH_V2	0x00205004ul
#define IOCTL_PRIVCMD_DM_OP		0x00105005ul
#define IOCTL_PRIVCMD_RESTRICT		0x00025006ul	/* arg: domid_t * */
#define IOCTL_PRIVCMD_MMAP_RESOURCE	0x00205007ul
