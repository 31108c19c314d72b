/* The machine's memory map: a sorted list of disjoint ranges.
 *
 * Firmware maps may overlap and come in any order. A range is added by cutting every older range
 * it meets; the shared part gets the stronger type: anything is stronger than RAM, else the
 * higher number. Written only while one CPU runs. Readers: hv/call (dom0's map), hv/mem (what is
 * device memory). */
#include "hv/base/errno.h"
#include "hv/cpu/machine.h"
#include "hv/mem/machine_map.h"

struct machine machine;

static uint32_t stronger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;	/* RANGE_RAM is the lowest */
}

/* A map being rebuilt: appended to in rising order, equal neighbours joined. */
struct builder {
	struct machine_range range[MACHINE_RANGES];
	unsigned count;
	bool is_full;
};

static void append(struct builder *b, uint64_t start, uint64_t end, uint32_t type)
{
	struct machine_range *last = b->count ? &b->range[b->count - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->type == type && last->start + last->size == start) {
		last->size += end - start;
	} else if (b->count < MACHINE_RANGES) {
		b->range[b->count++] = (struct machine_range){ start, end - start, type };
	} else {
		b->is_full = true;
	}
}

int machine_range_add(struct machine *m, uint64_t start, uint64_t size, uint32_t type)
{
	static struct builder b;	/* too large for a stack; boot runs on one CPU */
	uint64_t end = start + size < start ? ~0ull : start + size, at = start;

	b.count = 0;
	b.is_full = false;
	if (type < RANGE_RAM)
		type = RANGE_RESERVED;
	for (unsigned i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->range[i];
		uint64_t r_end = r->start + r->size;
		/* What of the new range lies before this one, then this one's three parts. */
		append(&b, at, min_u64(end, r->start), type);
		append(&b, r->start, min_u64(r_end, start), r->type);
		append(&b, max_u64(r->start, start), min_u64(r_end, end), stronger(r->type, type));
		append(&b, max_u64(r->start, end), r_end, r->type);
		at = max_u64(at, r_end);
	}
	append(&b, at, end, type);
	if (b.is_full)
		return -ENOSPC;
	for (unsigned i = 0; i < b.count; i++)
		m->range[i] = b.range[i];
	m->range_count = b.count;
	return 0;
}

/* A frame that is RAM only in part is nobody's memory (the frame table takes whole ones), and
 * dom0 looks for firmware tables in it: the extended BIOS data area seldom begins on a page. Nor is
 * what lies below 1 MiB, of whatever type: dom0 looks for iSCSI boot tables from 512 KiB on, and we
 * keep nothing there once the other CPUs run. */
bool machine_is_device(mfn_t m)
{
	uint64_t start = m.n << PAGE_SHIFT, end = start + PAGE_SIZE;

	if (start < LOW_MEMORY_END)
		return true;
	for (unsigned i = 0; i < machine.range_count; i++) {
		const struct machine_range *r = &machine.range[i];
		if (r->type == RANGE_RAM && r->start <= start && end <= r->start + r->size)
			return false;
	}
	return true;
}
