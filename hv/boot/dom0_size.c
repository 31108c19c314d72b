/* How much memory dom0 gets.
 *
 * Default: a quarter of the machine, at least 384 MiB and at most 4 GiB. dom0_mem's min: and
 * max: bound SIZE. Whatever was asked for, LOW_RESERVE stays free: dom0's drivers exchange pages
 * for contiguous ones below 4 GiB, and guests' creation needs a start. */
#include "hv/boot/options.h"

#define MIB (1ull << 20)
#define DEFAULT_MIN (384 * MIB)
#define DEFAULT_MAX (4096 * MIB)
#define LOW_RESERVE (96 * MIB)

static uint64_t resolve(const struct memory_size *m, uint64_t total, uint64_t otherwise)
{
	if (!m->is_set)
		return otherwise;
	if (!m->is_negative)
		return m->bytes;
	return m->bytes < total ? total - m->bytes : 0;
}

void dom0_memory_choose(const struct boot_options *o, uint64_t total_bytes, uint64_t free_bytes,
	uint64_t *pages, uint64_t *max_pages)
{
	uint64_t quarter = max_u64(DEFAULT_MIN, min_u64(total_bytes / 4, DEFAULT_MAX));
	uint64_t room = free_bytes > 2 * LOW_RESERVE ? free_bytes - LOW_RESERVE : free_bytes / 2;
	uint64_t size = resolve(&o->dom0_size, total_bytes, quarter);
	uint64_t max = resolve(&o->dom0_max, total_bytes, ~0ull);

	size = max_u64(size, resolve(&o->dom0_min, total_bytes, 0));
	size = min_u64(size, max);
	if (size > room && (o->dom0_size.is_set || o->dom0_min.is_set))
		log_warn("dom0_mem: dom0 gets %lu MiB, not %lu: the machine has no more to give",
			room >> 20, size >> 20);
	size = min_u64(size, room);
	*pages = size >> PAGE_SHIFT;
	*max_pages = o->dom0_max.is_set ? max_u64(max >> PAGE_SHIFT, *pages) : *pages;
}
