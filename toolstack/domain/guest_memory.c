/* Frames of a new domain and windows onto them.
 *
 * The hypervisor hands out zeroed frames, so only what differs from zero is mapped and written: of a
 * 96 MiB guest some 40 MiB. Populating asks for 2 MiB extents first and falls back to single frames for
 * what is left, be it for fragmentation or for a hypervisor without large extents.
 * Neighbours: dom0/lib has the hypercalls; lib/pvbuild writes through guest_memory_door().
 */
#include "toolstack/domain/guest_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dom0/lib/memctl.h"

enum {
	WINDOW_ORDER = 9,
	WINDOW_PAGES = 1 << WINDOW_ORDER,
	BATCH = 1024, /* extents per hypercall */
};

/* Expand @count extents of 2 MiB, whose first frames are given, to all their frames. */
static void expand_extents(struct guest_memory *m, const uint64_t *first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		for (uint64_t k = 0; k < WINDOW_PAGES; k++)
			m->mfn[i * WINDOW_PAGES + k] = first[i] + k;
}

/* Returns how many pages, from PFN 0 on, were populated by large extents. */
static uint64_t populate_large(struct guest_memory *m)
{
	uint64_t extents = m->nr_pages / WINDOW_PAGES, total = 0;
	uint64_t *first = calloc(extents + 1, sizeof(*first));
	int rc = first ? 0 : -ENOMEM;

	while (rc == 0 && total < extents) {
		uint32_t want = (uint32_t)(extents - total < BATCH ? extents - total : BATCH),
			 done = 0;

		for (uint32_t i = 0; i < want; i++)
			first[total + i] = (total + i) * WINDOW_PAGES;
		rc = memctl_populate(
			m->hv, m->domid, first + total, first + total, want, WINDOW_ORDER, &done);
		total += done < want ? done : want;
		if (rc == 0 && done < want)
			break;
	}
	if (first)
		expand_extents(m, first, total);
	free(first);
	return total * WINDOW_PAGES;
}

static int populate_single(struct guest_memory *m, uint64_t from)
{
	while (from < m->nr_pages) {
		uint64_t left = m->nr_pages - from;
		uint32_t want = (uint32_t)(left < BATCH ? left : BATCH), done = 0;
		int rc;

		for (uint32_t i = 0; i < want; i++)
			m->mfn[from + i] = from + i;
		rc = memctl_populate(m->hv, m->domid, m->mfn + from, m->mfn + from, want, 0, &done);
		if (rc < 0)
			return rc;
		if (done < want)
			return -ENOMEM;
		from += want;
	}
	return 0;
}

int guest_memory_open(struct guest_memory *m, struct privcmd *hv, uint16_t domid, uint64_t nr_pages)
{
	struct guest_memory memory = {
		.hv = hv,
		.domid = domid,
		.nr_pages = nr_pages,
		.windows = (size_t)((nr_pages + WINDOW_PAGES - 1) / WINDOW_PAGES),
	};
	int rc = -ENOMEM;

	memory.mfn = calloc((size_t)nr_pages, sizeof(*memory.mfn));
	memory.window = calloc(memory.windows, sizeof(*memory.window));
	if (memory.mfn && memory.window)
		rc = populate_single(&memory, populate_large(&memory));
	if (rc < 0)
		guest_memory_close(&memory);
	else
		*m = memory;
	return rc;
}

static uint32_t window_pages(const struct guest_memory *m, size_t index)
{
	uint64_t left = m->nr_pages - (uint64_t)index * WINDOW_PAGES;

	return (uint32_t)(left < WINDOW_PAGES ? left : WINDOW_PAGES);
}

void guest_memory_unmap(struct guest_memory *m)
{
	for (size_t i = 0; m->window && i < m->windows; i++) {
		if (m->window[i])
			privcmd_unmap_frames(m->window[i], window_pages(m, i));
		m->window[i] = NULL;
	}
}

void guest_memory_close(struct guest_memory *m)
{
	guest_memory_unmap(m);
	free(m->window);
	free(m->mfn);
	memset(m, 0, sizeof(*m));
}

static uint64_t door_mfn(void *opaque, uint64_t pfn)
{
	const struct guest_memory *m = opaque;

	return m->mfn[pfn];
}

static void *door_map(void *opaque, uint64_t pfn)
{
	struct guest_memory *m = opaque;
	size_t index = (size_t)(pfn / WINDOW_PAGES);

	if (pfn >= m->nr_pages)
		return NULL;
	if (!m->window[index]) {
		int rc = privcmd_map_frames(m->hv, m->domid, m->mfn + index * WINDOW_PAGES,
			window_pages(m, index), PROT_READ | PROT_WRITE, &m->window[index]);

		if (rc < 0) {
			m->error = m->error ? m->error : rc;
			m->window[index] = NULL;
			return NULL;
		}
	}
	return (char *)m->window[index] + pfn % WINDOW_PAGES * 4096;
}

static void door_unmap(void *opaque, void *page)
{
	(void)opaque; /* windows stay: guest_memory_unmap() */
	(void)page;
}

struct pv_memory guest_memory_door(struct guest_memory *m)
{
	return (struct pv_memory){
		.opaque = m, .mfn = door_mfn, .map = door_map, .unmap = door_unmap};
}
