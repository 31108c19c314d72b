/* The door to the hypervisor: /dev/xen/privcmd and /dev/xen/hypercall.
 *
 * Hypercall buffers come from /dev/xen/hypercall, whose pages the kernel pins; ordinary heap could
 * be unmapped or copied in the middle of a call. Foreign maps report errors page by page while the
 * ioctl itself succeeds: privcmd_map_frames() makes that all or nothing.
 * Neighbours: domctl.c, sysctl.c, memctl.c are thin typed callers. */
#include "dom0/lib/privcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "protocol/dom0/privcmd.h"

#define PAGE_BYTES 4096u

static size_t page_round(size_t size)
{
	return (size + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
}

int privcmd_open(struct privcmd *p)
{
	struct privcmd door = { .buf_fd = -1 };
	int err;

	door.fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (door.fd < 0)
		return -errno;
	door.buf_fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
	if (door.buf_fd < 0) {
		err = -errno;
		goto fail;
	}
	door.scratch = privcmd_buf_alloc(&door, PRIVCMD_SCRATCH_SIZE);
	if (!door.scratch) {
		err = -ENOMEM;
		goto fail;
	}
	*p = door;
	return 0;
fail:
	if (door.buf_fd >= 0)
		close(door.buf_fd);
	close(door.fd);
	return err;
}

void privcmd_close(struct privcmd *p)
{
	privcmd_buf_free(p, p->scratch, PRIVCMD_SCRATCH_SIZE);
	close(p->buf_fd);
	close(p->fd);
	*p = (struct privcmd){ .fd = -1, .buf_fd = -1 };
}

int privcmd_forked(struct privcmd *p)
{
	void *own = privcmd_buf_alloc(p, PRIVCMD_SCRATCH_SIZE);

	if (!own)
		return -ENOMEM;
	p->scratch = own;
	return 0;
}

void *privcmd_buf_alloc(struct privcmd *p, size_t size)
{
	void *va;

	if (size == 0 || size > SIZE_MAX - PAGE_BYTES)
		return NULL;
	va = mmap(NULL, page_round(size), PROT_READ | PROT_WRITE, MAP_SHARED, p->buf_fd, 0);
	if (va == MAP_FAILED)
		return NULL;
	memset(va, 0, page_round(size));
	return va;
}

void privcmd_buf_free(struct privcmd *p, void *buf, size_t size)
{
	(void)p;
	if (buf)
		munmap(buf, page_round(size));
}

long privcmd_call(struct privcmd *p, unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2,
		  uint64_t a3, uint64_t a4)
{
	struct privcmd_hypercall call = { .op = nr, .arg = { a0, a1, a2, a3, a4 } };
	long ret = ioctl(p->fd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return ret < 0 ? -errno : ret;
}

int privcmd_map_frames(struct privcmd *p, uint16_t domid, const uint64_t *mfn, uint32_t count,
		       int prot, void **va)
{
	struct privcmd_mmapbatch_v2 batch = { .num = count, .dom = domid };
	int32_t *page_err;
	void *at;
	int err = 0;

	if (count == 0)
		return -EINVAL;
	page_err = calloc(count, sizeof *page_err);
	if (!page_err)
		return -ENOMEM;
	at = mmap(NULL, (size_t)count * PAGE_BYTES, prot, MAP_SHARED, p->fd, 0);
	if (at == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	batch.addr = (uintptr_t)at;
	batch.arr = (uintptr_t)mfn;
	batch.err = (uintptr_t)page_err;
	if (ioctl(p->fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0)
		err = -errno;
	for (uint32_t i = 0; i < count && !err; i++)
		err = page_err[i];
	if (err)
		munmap(at, (size_t)count * PAGE_BYTES);
	else
		*va = at;
out:
	free(page_err);
	return err;
}

void privcmd_unmap_frames(void *va, uint32_t count)
{
	if (va)
		munmap(va, (size_t)count * PAGE_BYTES);
}

int privcmd_map_resource(struct privcmd *p, uint16_t domid, uint32_t type, uint32_t id,
			 uint32_t first, uint32_t count, void **va)
{
	struct privcmd_mmap_resource res = {
		.dom = domid, .type = type, .id = id, .idx = first, .num = count,
	};
	void *at = mmap(NULL, (size_t)count * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			p->fd, 0);
	int err;

	if (at == MAP_FAILED)
		return -errno;
	res.addr = (uintptr_t)at;
	if (ioctl(p->fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &res) < 0) {
		err = -errno;
		munmap(at, (size_t)count * PAGE_BYTES);
		return err;
	}
	*va = at;
	return 0;
}
