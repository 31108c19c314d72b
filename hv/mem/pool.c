/* Free frames: a buddy allocator over the frame table.
 *
 * A free block of 2^k frames is aligned to its size; its first frame carries the mark and k in
 * `cursor` and is on the list of (zone, k). A zone holds the frames whose number has the same
 * highest bit, so "below 1 << bits" is a range of zones and needs no search.
 * Requests without an address limit take the highest zone first and leave the lowest 16 MiB to
 * requests that name a limit (dom0's DMA buffers), except on machines too small to matter.
 * A frame keeps the epoch of its last use: whoever takes it flushes by that. */
#include "hv/base/atomic.h"
#include "hv/mem/alloc.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/pool.h"

#define ZONES 33u
#define BLOCK_FREE 0x8000u	/* in cursor: first frame of a free block, order below */
#define ZONES_BELOW(bits) ((2ull << ((bits) - PAGE_SHIFT)) - 1)
#define RESERVE_BITS 24u	/* 16 MiB */
#define RESERVE_MIN_FRAMES 0x10000u

bool (*alloc_refuse)(void);
static struct lock pool_lock = LOCK_INIT(RANK_PAGES);
static uint32_t heads[ZONES][POOL_MAX_ORDER + 1];
static uint64_t zones_with[POOL_MAX_ORDER + 1];	/* bit z: heads[z][order] is not empty */
static uint64_t free_frames;
static uint64_t reserve_zones;	/* mask */

/* The number of significant bits. (Frame 0 never comes here.) */
static unsigned zone_of(uint32_t m)
{
	return 32 - (unsigned)__builtin_clz(m);
}

void pool_init(uint64_t max_mfn)
{
	for (unsigned z = 0; z < ZONES; z++)
		for (unsigned k = 0; k <= POOL_MAX_ORDER; k++)
			heads[z][k] = FRAME_NONE;
	for (unsigned k = 0; k <= POOL_MAX_ORDER; k++)
		zones_with[k] = 0;
	free_frames = 0;
	reserve_zones = max_mfn >= RESERVE_MIN_FRAMES ? ZONES_BELOW(RESERVE_BITS) : 0;
}

static void block_insert(uint32_t m, unsigned order)
{
	unsigned z = zone_of(m);
	struct frame *f = frame_at(m);
	f->cursor = (uint16_t)(BLOCK_FREE | order);
	f->prev = FRAME_NONE;
	f->next = heads[z][order];
	if (f->next != FRAME_NONE)
		frame_at(f->next)->prev = m;
	heads[z][order] = m;
	zones_with[order] |= 1ull << z;
}

static void block_remove(uint32_t m, unsigned order)
{
	unsigned z = zone_of(m);
	struct frame *f = frame_at(m);
	if (f->prev == FRAME_NONE)
		heads[z][order] = f->next;
	else
		frame_at(f->prev)->next = f->next;
	if (f->next != FRAME_NONE)
		frame_at(f->next)->prev = f->prev;
	if (heads[z][order] == FRAME_NONE)
		zones_with[order] &= ~(1ull << z);
	f->cursor = 0;
}

/* The highest zone in @allowed with a block of at least @order; FRAME_NONE or the block and its order. */
static uint32_t block_find(uint64_t allowed, unsigned order, unsigned *found)
{
	int best = -1;
	for (unsigned k = order; k <= POOL_MAX_ORDER; k++) {
		uint64_t zones = zones_with[k] & allowed;
		int z = zones ? 63 - __builtin_clzll(zones) : -1;
		if (z > best) {
			best = z;
			*found = k;
		}
	}
	return best < 0 ? FRAME_NONE : heads[best][*found];
}

uint32_t pool_take(unsigned order, unsigned addr_bits)
{
	uint64_t allowed = (1ull << ZONES) - 1;
	unsigned k = 0;
	if (order > POOL_MAX_ORDER || (alloc_refuse && alloc_refuse()))
		return FRAME_NONE;
	if (addr_bits == 0)
		allowed &= ~reserve_zones;
	else if (addr_bits <= PAGE_SHIFT)
		return FRAME_NONE;
	else if (addr_bits - PAGE_SHIFT < ZONES)
		allowed = ZONES_BELOW(addr_bits);
	lock(&pool_lock);
	uint32_t m = block_find(allowed, order, &k);
	if (m != FRAME_NONE) {
		block_remove(m, k);
		while (k > order) {
			k--;
			block_insert(m + (1u << k), k);
		}
		WRITE_ONCE(free_frames, free_frames - (1ull << order));
	}
	unlock(&pool_lock);
	return m;
}

static bool block_is_free(uint64_t m, unsigned order)
{
	return m < frame_table_size && READ_ONCE(frame_at((uint32_t)m)->owner) == OWNER_FREE &&
	       READ_ONCE(frame_at((uint32_t)m)->cursor) == (BLOCK_FREE | order);
}

void pool_give(uint32_t m, unsigned order)
{
	lock(&pool_lock);
	for (uint32_t i = 0; i < 1u << order; i++) {
		WRITE_ONCE(frame_at(m + i)->owner, OWNER_FREE);
		WRITE_ONCE(frame_at(m + i)->cursor, 0);
	}
	WRITE_ONCE(free_frames, free_frames + (1ull << order));
	while (order < POOL_MAX_ORDER) {
		uint32_t buddy = m ^ 1u << order;
		if (!block_is_free(buddy, order))
			break;
		block_remove(buddy, order);
		m &= ~(1u << order);
		order++;
	}
	block_insert(m, order);
	unlock(&pool_lock);
}

uint64_t pool_free_count(void)
{
	return READ_ONCE(free_frames);
}

cpumask_t pool_stale_cpus(uint32_t m, unsigned order)
{
	cpumask_t mask = 0, online = cpu_online_mask();
	for (uint32_t i = 0; i < 1u << order && mask != online; i++)
		mask |= cpu_tlb_filter(online, frame_at(m + i)->epoch);
	return mask;
}
