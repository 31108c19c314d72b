/* The door to the hypervisor: hypercalls, foreign frames and resources through /dev/xen/privcmd.
 *
 * One struct privcmd is one open door; it is not thread safe (the typed wrappers in domctl.h,
 * sysctl.h and memctl.h pass their arguments through its scratch buffer).
 * Every call returns 0 or a value >= 0 on success and -Exxx on failure; out-pointers are written
 * only on success. Frame numbers are machine frames (a PV guest's "gfn" is its MFN).
 * Spec: Linux include/uapi/xen/privcmd.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

/* Bytes of the wrappers' scratch buffer; longer arguments take a privcmd_buf_alloc() of their own.
 * */
#define PRIVCMD_SCRATCH_SIZE 16384u

struct privcmd {
	int fd;		/* /dev/xen/privcmd */
	int buf_fd;	/* /dev/xen/hypercall: memory the kernel neither moves nor shares */
	void *scratch;	/* PRIVCMD_SCRATCH_SIZE bytes of such memory */
};

/* Open the door. -ENOENT or -ENODEV: no hypervisor, or its modules are not loaded. */
int privcmd_open(struct privcmd *p) MUST_CHECK;
void privcmd_close(struct privcmd *p);
/* In a forked child: take a scratch buffer of our own, since the parent's is shared. -ENOMEM. */
int privcmd_forked(struct privcmd *p) MUST_CHECK;

/* Allocate page-aligned, zeroed memory that hypercalls may use as a buffer; NULL when out of it.
 * Free it with the same @size. */
void *privcmd_buf_alloc(struct privcmd *p, size_t size) MUST_CHECK;
void privcmd_buf_free(struct privcmd *p, void *buf, size_t size);

/* Issue hypercall @nr. Returns the hypercall's own value: >= 0, or -Exxx. Pointers among the
 * arguments must lead into privcmd_buf_alloc() memory or the scratch buffer. */
long privcmd_call(struct privcmd *p, unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		  uint64_t a3, uint64_t a4) MUST_CHECK;

/* Map @count frames of domain @domid at one address, all or none. @prot: PROT_READ[|PROT_WRITE].
 * -Exxx of the first frame refused: -EINVAL or -EPERM: not @domid's, or a page table and writable.
 * */
int privcmd_map_frames(struct privcmd *p, uint16_t domid, const uint64_t *mfn, uint32_t count,
		       int prot, void **va) MUST_CHECK;
/* Undo privcmd_map_frames() or privcmd_map_resource(). */
void privcmd_unmap_frames(void *va, uint32_t count);

/* Map frames [@first, @first + @count) of resource (@type, @id) of @domid, writable.
 * Grant table: type XENMEM_resource_grant_table, id XENMEM_resource_grant_table_id_shared. */
int privcmd_map_resource(struct privcmd *p, uint16_t domid, uint32_t type, uint32_t id,
			 uint32_t first, uint32_t count, void **va) MUST_CHECK;
