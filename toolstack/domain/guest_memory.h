/* Memory of a domain under construction: give it frames, reach them from here.
 * Windows of 2 MiB are mapped on first use and stay until guest_memory_unmap(), which must come before
 * page tables are pinned: a writable mapping of a table would be refused. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "dom0/lib/privcmd.h"
#include "lib/pvbuild/build.h"

struct guest_memory {
	struct privcmd *hv;
	uint16_t domid;
	uint64_t nr_pages;
	uint64_t *mfn; /* of PFN 0 .. nr_pages - 1 */
	void **window; /* NULL: not mapped */
	size_t windows;
	int error; /* of the first window that could not be mapped */
};

/* Give @domid @nr_pages frames, in large extents where the hypervisor has them.
 * Returns 0 and *m (to be closed); -ENOMEM: host or domain limit; -Exxx of the hypercall. */
int guest_memory_open(
	struct guest_memory *m, struct privcmd *hv, uint16_t domid, uint64_t nr_pages);

/* Drop every mapping; m->mfn stays. */
void guest_memory_unmap(struct guest_memory *m);
/* Unmap and free; the frames are the domain's. A zeroed @m is fine. */
void guest_memory_close(struct guest_memory *m);

/* The door that pv_build() wants. */
struct pv_memory guest_memory_door(struct guest_memory *m);
