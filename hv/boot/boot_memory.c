/* RAM before the frame table exists.
 *
 * A second map, of kinds of use instead of firmware types, kept with the same rule: the stronger
 * kind wins. Free memory is taken from the top, so that low memory, which devices need, stays
 * free. Neighbours: init_memory.c holds and takes, and hands FREE and later TEMPORARY to the
 * frame table. */
#include "hv/base/errno.h"
#include "hv/boot/boot_memory.h"

static int add(struct boot_memory *b, uint64_t start, uint64_t end, uint32_t kind)
{
	return start < end ? machine_range_add(&b->plan, start, end - start, kind) : 0;
}

int boot_memory_init(struct boot_memory *b, const struct machine *map)
{
	b->plan.range_count = 0;
	for (unsigned i = 0; i < map->range_count; i++) {
		const struct machine_range *r = &map->range[i];
		uint64_t start = r->start, end = r->start + r->size;
		int rc = r->type == RANGE_RAM
				 ? add(b, align_up(start, PAGE_SIZE), align_down(end, PAGE_SIZE),
					   MEMORY_FREE)
				 : add(b, align_down(start, PAGE_SIZE),
					   max_u64(align_up(end, PAGE_SIZE), end), MEMORY_NOT_RAM);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Only RAM can be held: a hold outside it must not turn into memory when it is given back. */
int boot_memory_hold(struct boot_memory *b, uint64_t start, uint64_t size, uint32_t kind)
{
	static struct machine before; /* the plan changes while we walk it; boot runs on one CPU */
	uint64_t end = align_up(start + size, PAGE_SIZE);

	start = align_down(start, PAGE_SIZE);
	before = b->plan;
	for (unsigned i = 0; i < before.range_count; i++) {
		const struct machine_range *r = &before.range[i];
		if (r->type == MEMORY_NOT_RAM)
			continue;
		int rc = add(b, max_u64(start, r->start), min_u64(end, r->start + r->size), kind);
		if (rc < 0)
			return rc;
	}
	return 0;
}

uint64_t boot_memory_take(
	struct boot_memory *b, uint64_t size, uint64_t align, uint64_t below, uint32_t kind)
{
	size = align_up(size, PAGE_SIZE);
	for (unsigned i = b->plan.range_count; i-- > 0;) {
		const struct machine_range *r = &b->plan.range[i];
		uint64_t end = min_u64(r->start + r->size, below);
		if (r->type != MEMORY_FREE || end < r->start || end - r->start < size || size == 0)
			continue;
		uint64_t at = align_down(end - size, align);
		if (at >= r->start && at != 0)
			return machine_range_add(&b->plan, at, size, kind) < 0 ? 0 : at;
	}
	return 0;
}

uint64_t boot_memory_end(const struct boot_memory *b)
{
	uint64_t end = 0;
	for (unsigned i = 0; i < b->plan.range_count; i++)
		if (b->plan.range[i].type != MEMORY_NOT_RAM)
			end = b->plan.range[i].start + b->plan.range[i].size;
	return end;
}

uint64_t boot_memory_total(const struct boot_memory *b)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < b->plan.range_count; i++)
		if (b->plan.range[i].type != MEMORY_NOT_RAM)
			total += b->plan.range[i].size;
	return total;
}

void boot_memory_each(
	const struct boot_memory *b, uint32_t kind, void (*fn)(mfn_t start, uint64_t count))
{
	for (unsigned i = 0; i < b->plan.range_count; i++) {
		const struct machine_range *r = &b->plan.range[i];
		if (r->type == kind)
			fn(mfn(r->start >> PAGE_SHIFT), r->size >> PAGE_SHIFT);
	}
}
