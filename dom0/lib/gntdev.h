/* Grants of other domains in user space, mapped or copied: /dev/xen/gntdev.
 *
 * A mapping stays until gntdev_unmap() or the process ends; while it stands, the granting domain
 * cannot be reaped. Spec: Linux include/uapi/xen/gntdev.h. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "protocol/dom0/gntdev.h"

struct gntdev {
	int fd;
};

struct gntmap {
	void *va;		/* NULL: not mapped */
	uint64_t index;		/* the kernel's handle for the range */
	uint32_t count;		/* pages */
};

int gntdev_open(struct gntdev *g) MUST_CHECK;
void gntdev_close(struct gntdev *g);

/* Map @count grants of @domid next to each other. @prot: PROT_READ[|PROT_WRITE].
 * -EINVAL: a reference the domain did not grant us; -ENOMEM: too many maps. */
int gntdev_map(struct gntdev *g, uint16_t domid, const uint32_t *ref, uint32_t count, int prot,
	       struct gntmap *map) MUST_CHECK;
/* Undo gntdev_map(); a map that is not mapped is left alone. */
void gntdev_unmap(struct gntdev *g, struct gntmap *map);
/* The two halves of gntdev_map(), for who maps in another process: reserve room, in which mmap() at *@index of the
 * descriptor then maps, and give it back, which is -ENOENT if these @count pages were not reserved there together.
 * Whether the grants are there only mmap() says. What is mapped stays so until munmap(). */
int gntdev_reserve(struct gntdev *g, uint16_t domid, const uint32_t *ref, uint32_t count,
		   uint64_t *index) MUST_CHECK;
int gntdev_unreserve(struct gntdev *g, uint64_t index, uint32_t count) MUST_CHECK;
/* Copy @count segments between pages that domains granted and memory of this process, in their order; each one's
 * status says what became of it. -Exxx: not all were looked at, as of memory that this process does not have. */
int gntdev_copy(struct gntdev *g, struct gntdev_grant_copy_segment *segment, uint32_t count) MUST_CHECK;
