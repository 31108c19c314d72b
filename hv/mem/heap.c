/* The hypervisor's own memory: whole frames, and small objects carved from them.
 *
 * Each page of small objects serves one size class and begins with a header; its free objects are
 * chained through themselves by offset. Pages with room are on their class's list; a page whose last
 * object goes is given back. Objects above the largest class take a page of their own.
 * Our frames belong to owner_hv and stay mapped. Lock: RANK_HEAP. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/mem/alloc.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/pool.h"

#define HEAP_MAGIC 0x68656170u
#define HEADER_BYTES 64u

struct heap_page {
	uint32_t magic;
	uint16_t class, used;
	uint16_t free;			/* offset of the first free object, 0 = none */
	struct heap_page *next, *prev;	/* pages of the class with room */
};
static_assert(sizeof(struct heap_page) <= HEADER_BYTES, "header");

/* From 64 bytes on multiples of 64, chosen to fill the 4032 bytes behind the header. */
static const uint16_t class_bytes[] = { 16, 32, 64, 128, 192, 256, 448, 576, 960, 1344, 1984 };
#define CLASSES ARRAY_COUNT(class_bytes)
#define CLASS_PAGE CLASSES	/* an object that is a page */

static struct lock heap_lock = LOCK_INIT(RANK_HEAP);
static struct heap_page *with_room[CLASSES];
static uint64_t heap_pages;

void heap_init(void)
{
	memset(with_room, 0, sizeof with_room);
	heap_pages = 0;
}

/* --- whole frames --- */

static void *page_ptr(mfn_t m)
{
	return frame_map_keep(m);
}

mfn_t page_mfn(const void *p)
{
	const uint8_t *base = frame_map_keep(mfn(0));	/* all RAM is mapped in one piece */
	return mfn((uint64_t)((const uint8_t *)p - base) >> PAGE_SHIFT);
}

void *page_alloc(unsigned order, unsigned addr_bits)
{
	uint32_t m = pool_take(order, addr_bits);
	if (m == FRAME_NONE && addr_bits == 0)
		m = pool_take(order, 64);	/* we may dip into the DMA reserve */
	if (m == FRAME_NONE)
		return NULL;
	cpu_tlb_flush(pool_stale_cpus(m, order));
	for (uint32_t i = 0; i < 1u << order; i++) {
		WRITE_ONCE(frame_at(m + i)->owner, owner_hv.domid);
		STORE_RELEASE(&frame_at(m + i)->refs, REF_ALLOCATED | 1);
	}
	ATOMIC_ADD(&owner_hv.frame_count, 1ull << order);
	return memset(page_ptr(mfn(m)), 0, PAGE_SIZE << order);
}

/* A former owner's vCPU may hold a reference until it sees that the frame is no longer its domain's (frame_get()): so
 * these frames, too, are free when the last reference goes. */
void page_free(void *p, unsigned order)
{
	uint32_t m = (uint32_t)page_mfn(p).n;
	frame_unmap_keep(p);
	for (uint32_t i = 0; i < 1u << order; i++) {
		struct frame *f = frame_of(mfn(m + i));
		ASSERT(f && f->owner == owner_hv.domid && (READ_ONCE(f->refs) & REF_ALLOCATED));
		ATOMIC_AND(&f->refs, ~REF_ALLOCATED);
		frame_put(f);
	}
}

/* --- small objects --- */

static void room_add(struct heap_page *h)
{
	h->prev = NULL;
	h->next = with_room[h->class];
	if (h->next)
		h->next->prev = h;
	with_room[h->class] = h;
}

static void room_remove(struct heap_page *h)
{
	if (h->prev)
		h->prev->next = h->next;
	else
		with_room[h->class] = h->next;
	if (h->next)
		h->next->prev = h->prev;
}

static struct heap_page *heap_page_new(unsigned class)
{
	struct heap_page *h = page_alloc(0, 0);
	if (!h)
		return NULL;
	h->magic = HEAP_MAGIC;
	h->class = (uint16_t)class;
	unsigned size = class_bytes[class];
	for (unsigned at = HEADER_BYTES; at + size <= PAGE_SIZE; at += size) {
		*(uint16_t *)(void *)((uint8_t *)h + at) = h->free;
		h->free = (uint16_t)at;
	}
	heap_pages++;
	return h;
}

static void *heap_take(unsigned class)
{
	struct heap_page *h = with_room[class];
	if (!h) {
		h = heap_page_new(class);
		if (!h)
			return NULL;
		room_add(h);
	}
	uint16_t *object = (uint16_t *)(void *)((uint8_t *)h + h->free);
	h->free = *object;
	h->used++;
	if (!h->free)
		room_remove(h);
	return memset(object, 0, class_bytes[class]);
}

void *heap_alloc(size_t size)
{
	unsigned class = 0;
	ASSERT(size > 0 && size <= PAGE_SIZE);
	if (alloc_refuse && alloc_refuse())
		return NULL;
	while (class < CLASSES && class_bytes[class] < size)
		class++;
	lock(&heap_lock);
	void *p = class == CLASS_PAGE ? page_alloc(0, 0) : heap_take(class);
	if (p && class == CLASS_PAGE)
		heap_pages++;
	unlock(&heap_lock);
	return p;
}

void heap_free(void *p)
{
	if (!p)
		return;
	struct heap_page *h = (struct heap_page *)(void *)((uintptr_t)p & PAGE_MASK);
	lock(&heap_lock);
	if ((void *)h == p) {
		heap_pages--;
		page_free(p, 0);
	} else {
		ASSERT(h->magic == HEAP_MAGIC && h->used > 0);
		bool was_full = h->free == 0;
		*(uint16_t *)p = h->free;
		h->free = (uint16_t)((uintptr_t)p % PAGE_SIZE);
		if (was_full)
			room_add(h);
		if (--h->used == 0) {
			room_remove(h);
			heap_pages--;
			page_free(h, 0);
		}
	}
	unlock(&heap_lock);
}

uint64_t heap_pages_in_use(void)
{
	return heap_pages;
}
