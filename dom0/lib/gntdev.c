/* Grant maps of user space: reserve by ioctl, map by mmap at the index it returned, and undo both
 * in the opposite order. */
#include "dom0/lib/gntdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define MAP_MAX 1024u

int gntdev_open(struct gntdev *g)
{
	g->fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
	return g->fd < 0 ? -errno : 0;
}

void gntdev_close(struct gntdev *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

int gntdev_reserve(struct gntdev *g, uint16_t domid, const uint32_t *ref, uint32_t count, uint64_t *index)
{
	struct ioctl_gntdev_map_grant_ref *op;
	int err;

	if (count == 0 || count > MAP_MAX)
		return -EINVAL;
	op = calloc(1, sizeof *op + count * sizeof op->refs[0]);
	if (!op)
		return -ENOMEM;
	op->count = count;
	for (uint32_t i = 0; i < count; i++)
		op->refs[i] = (struct ioctl_gntdev_grant_ref){ .domid = domid, .ref = ref[i] };
	err = ioctl(g->fd, IOCTL_GNTDEV_MAP_GRANT_REF, op) < 0 ? -errno : 0;
	if (!err)
		*index = op->index;
	free(op);
	return err;
}

int gntdev_unreserve(struct gntdev *g, uint64_t index, uint32_t count)
{
	struct ioctl_gntdev_unmap_grant_ref op = { .index = index, .count = count };

	return ioctl(g->fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &op) < 0 ? -errno : 0;
}

int gntdev_map(struct gntdev *g, uint16_t domid, const uint32_t *ref, uint32_t count, int prot,
	       struct gntmap *map)
{
	uint64_t index;
	void *va;
	int err = gntdev_reserve(g, domid, ref, count, &index);

	if (err)
		return err;
	va = mmap(NULL, (size_t)count * PAGE_BYTES, prot, MAP_SHARED, g->fd, (off_t)index);
	if (va == MAP_FAILED) {
		err = -errno;
		(void)!gntdev_unreserve(g, index, count);
		return err;
	}
	*map = (struct gntmap){ .va = va, .index = index, .count = count };
	return 0;
}

void gntdev_unmap(struct gntdev *g, struct gntmap *map)
{
	if (!map->va)
		return;
	munmap(map->va, (size_t)map->count * PAGE_BYTES);
	(void)!gntdev_unreserve(g, map->index, map->count);
	*map = (struct gntmap){ 0 };
}

int gntdev_copy(struct gntdev *g, struct gntdev_grant_copy_segment *segment, uint32_t count)
{
	struct ioctl_gntdev_grant_copy op = { .count = count, .segments = (uint64_t)(uintptr_t)segment };

	return ioctl(g->fd, IOCTL_GNTDEV_GRANT_COPY, &op) < 0 ? -errno : 0;
}
