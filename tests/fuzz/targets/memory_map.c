/* The machine's memory map and the boot allocator, against a flat array of pages.
 *
 * The input is a list of operations over a small address space; now and then an address is taken
 * as it is, at the edges of 64 bits. The reference knows for each page what kind it has, and takes
 * the stronger kind by comparing page by page. */
#include "tests/fuzz/targets/target.h"

#include "hv/base/errno.h"
#include "hv/boot/boot_memory.h"

#define PAGES 1024u	/* of the small address space */

/* ---- the map ---- */

static void map_check(const struct machine *m)
{
	HOLDS(m->range_count <= MACHINE_RANGES);
	for (unsigned int i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->range[i], *before = i ? r - 1 : NULL;

		HOLDS(r->size > 0 && r->start + r->size > r->start);
		HOLDS(r->type >= RANGE_RAM);
		if (!before)
			continue;
		HOLDS(before->start + before->size <= r->start);
		HOLDS(before->type != r->type || before->start + before->size < r->start);
	}
}

/* The map says of each page what @kind does. */
static void kinds_check(const struct machine *m, const uint32_t kind[PAGES])
{
	static uint32_t said[PAGES];

	memset(said, 0, sizeof said);
	for (unsigned int i = 0; i < m->range_count; i++) {
		const struct machine_range *r = &m->range[i];

		HOLDS(r->start % PAGE_SIZE == 0 && r->size % PAGE_SIZE == 0);
		HOLDS(r->start + r->size <= PAGES * PAGE_SIZE);
		for (uint64_t p = r->start / PAGE_SIZE; p < (r->start + r->size) / PAGE_SIZE; p++)
			said[p] = r->type;
	}
	HOLDS(memcmp(said, kind, sizeof said) == 0);
}

struct world {
	struct machine map;
	uint32_t kind[PAGES];		/* what the map should say; 0: nothing */
	bool wild;			/* an address outside the array was added */
	struct boot_memory memory;
	uint32_t use[PAGES];		/* MEMORY_*; 0: nothing */
};

static void range_add(struct world *w, struct input *in)
{
	uint64_t start = take(in, 2) % PAGES, count = take(in, 1), edge = take(in, 1);
	uint32_t type = (uint32_t)take(in, 1) % 8;
	struct machine before = w->map;

	if (edge == 0xff) {
		w->wild = true;
		(void)!machine_range_add(&w->map, take(in, 8), take(in, 8), type);
		map_check(&w->map);
		return;
	}
	count = count > PAGES - start ? PAGES - start : count;
	int rc = machine_range_add(&w->map, start * PAGE_SIZE, count * PAGE_SIZE, type);

	map_check(&w->map);
	HOLDS(rc == 0 || rc == -ENOSPC);
	if (rc) {
		HOLDS(memcmp(&before, &w->map, sizeof before) == 0);
		return;
	}
	type = type < RANGE_RAM ? RANGE_RESERVED : type;
	for (uint64_t p = start; p < start + count; p++)
		if (w->kind[p] < type)
			w->kind[p] = type;
	if (!w->wild)
		kinds_check(&w->map, w->kind);
}

/* ---- the allocator ---- */

static void use_check(const struct world *w)
{
	uint64_t total = 0, end = 0;

	kinds_check(&w->memory.plan, w->use);
	for (unsigned int p = 0; p < PAGES; p++) {
		if (w->use[p] && w->use[p] != MEMORY_NOT_RAM) {
			total += PAGE_SIZE;
			end = (p + 1) * PAGE_SIZE;
		}
	}
	HOLDS(boot_memory_total(&w->memory) == total && boot_memory_end(&w->memory) == end);
}

static void hold(struct world *w, struct input *in)
{
	uint64_t start = take(in, 3) % (PAGES * PAGE_SIZE), size = take(in, 3);
	uint32_t kind = MEMORY_FREE + (uint32_t)take(in, 1) % 3;

	if (boot_memory_hold(&w->memory, start, size, kind))
		return;		/* -ENOSPC: the world ends, as boot would */
	for (uint64_t p = start / PAGE_SIZE; p < PAGES && p * PAGE_SIZE < start + size; p++)
		if (w->use[p] && w->use[p] < kind)
			w->use[p] = kind;
	use_check(w);
}

static void piece_take(struct world *w, struct input *in)
{
	uint64_t size = take(in, 3) % (64 * PAGE_SIZE), align = PAGE_SIZE << take(in, 1) % 6;
	uint64_t below = take(in, 3), pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
	uint64_t at = boot_memory_take(&w->memory, size, align, below, MEMORY_TEMPORARY);

	if (!at)
		return;
	HOLDS(at % align == 0 && at + size <= below && size > 0);
	for (uint64_t p = at / PAGE_SIZE; p < at / PAGE_SIZE + pages; p++) {
		HOLDS(p < PAGES && w->use[p] == MEMORY_FREE);
		w->use[p] = MEMORY_TEMPORARY;
	}
	use_check(w);
}

static void allocator(struct world *w, struct input *in)
{
	if (w->wild || boot_memory_init(&w->memory, &w->map))
		return;
	for (unsigned int p = 0; p < PAGES; p++)
		w->use[p] = !w->kind[p] ? 0 : w->kind[p] == RANGE_RAM ? MEMORY_FREE : MEMORY_NOT_RAM;
	use_check(w);
	while (input_left(in) && w->memory.plan.range_count < MACHINE_RANGES - 2)
		take(in, 1) & 1 ? hold(w, in) : piece_take(w, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, data + size };

	memset(&w, 0, sizeof w);
	for (uint64_t n = take(&in, 1); n > 0 && input_left(&in); n--)
		range_add(&w, &in);
	allocator(&w, &in);
	return 0;
}
