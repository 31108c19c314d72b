/* Address translation of the modelled CPUs: a TLB and a cache of table pointers whose entries
 * persist until flushed, as the architecture permits and as isolation must survive.
 *
 * Entries are tagged with the L4 they were walked from. A lookup takes a cached leaf with sufficient
 * rights, else the deepest cached table pointer, else walks from the L4; accessed and dirty
 * bits are set as hardware does. A flush drops everything of a CPU and advances the epoch.
 * Spec: SDM 3A 4.10. Shares no code with hv/mem, which it judges. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/host/yield.h"

#define CACHED 256		/* per CPU; the oldest is replaced */
unsigned host_tlb_size;		/* how many of them there are */

struct cached {
	bool used;
	uint8_t level;		/* 0: leaf for a page; n: pointer to the L(n) table covering va */
	bool write, fetch;
	uint64_t l4, va, frame;
};
static struct cached cache[MAX_CPUS][CACHED];
static unsigned cache_next[MAX_CPUS];
static bool is_held[MAX_CPUS];
static uint64_t loaded_l4[MAX_CPUS];
static uint32_t epoch, flushed_at[MAX_CPUS];
static unsigned entries_per_table = 512;

static struct window { uint64_t va, size; uint8_t *bytes; } window[MAX_CPUS];

void (*host_hook_flush)(cpumask_t mask);
bool host_l4_load_flushes;
_Thread_local uint64_t host_reached;
uint64_t host_flushes, host_flushes_page;

void host_tlb_reset(unsigned cpus)
{
	memset(cache, 0, cpus * sizeof cache[0]);
	memset(cache_next, 0, sizeof cache_next);
	memset(loaded_l4, 0, sizeof loaded_l4);
	epoch = 1;
	for (unsigned i = 0; i < cpus; i++)
		flushed_at[i] = 1;
	entries_per_table = 512;
	host_tlb_size = CACHED;
	memset(window, 0, sizeof window);
	host_hook_flush = NULL;
	host_l4_load_flushes = false;
	host_flushes = 0;
	host_flushes_page = 0;
}

void host_geometry(unsigned entries)
{
	entries_per_table = entries;
}

void host_window(unsigned cpu, uint64_t va, void *bytes, size_t size)
{
	window[cpu] = (struct window){ va, size, bytes };
}

void host_epoch_set(uint32_t e)
{
	for (unsigned i = 0; i < MAX_CPUS; i++)
		flushed_at[i] = flushed_at[i] - epoch + e;
	epoch = e;
}

/* --- flushing --- */

/* When threads are the CPUs, one may flush another's cache. */
static void cache_hold(unsigned cpu)
{
	while (__atomic_exchange_n(&is_held[cpu], true, __ATOMIC_ACQUIRE))
		(void)sched_yield();
}

static void cache_release(unsigned cpu)
{
	__atomic_store_n(&is_held[cpu], false, __ATOMIC_RELEASE);
}

static void cache_drop_all(unsigned cpu)
{
	cache_hold(cpu);
	memset(cache[cpu], 0, host_tlb_size * sizeof cache[cpu][0]);
	cache_release(cpu);
	uint32_t now = __atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&flushed_at[cpu], now, __ATOMIC_RELEASE);
}

void host_l4_loaded(unsigned cpu, mfn_t l4)
{
	loaded_l4[cpu] = l4.n;
	if (host_l4_load_flushes)
		cache_drop_all(cpu);
}

static void cache_drop_page(unsigned cpu, uint64_t page)
{
	cache_hold(cpu);
	for (struct cached *c = cache[cpu]; c < cache[cpu] + host_tlb_size; c++)
		if (c->used && (c->level > 0 || c->va == page))
			c->used = false;
	cache_release(cpu);
}

#define ALL_PAGES ~0ull
static void flush(cpumask_t mask, uint64_t page, uint64_t *flushes)
{
	mask &= cpu_online_mask();
	if (!mask)
		return;
	if (host_hook_flush)
		host_hook_flush(mask);
	__atomic_fetch_add(flushes, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < cpu_count(); i++) {
		if (!(mask >> i & 1))
			continue;
		host_point(POINT_FLUSH);
		if (page == ALL_PAGES)
			cache_drop_all(i);
		else
			cache_drop_page(i, page);
	}
}

void cpu_tlb_flush(cpumask_t mask)
{
	flush(mask, ALL_PAGES, &host_flushes);
}

void cpu_tlb_flush_page(cpumask_t mask, gva_t va)
{
	flush(mask, va.a & PAGE_MASK, &host_flushes_page);
}

uint32_t cpu_tlb_epoch(void)
{
	return __atomic_load_n(&epoch, __ATOMIC_SEQ_CST);
}

cpumask_t cpu_tlb_filter(cpumask_t mask, uint32_t stamp)
{
	for (unsigned i = 0; i < cpu_count(); i++)
		if ((int32_t)(__atomic_load_n(&flushed_at[i], __ATOMIC_ACQUIRE) - stamp) > 0)
			mask &= ~(1ull << i);
	return mask & cpu_online_mask();
}

void host_tlb_each(host_tlb_fn *fn)
{
	for (unsigned i = 0; i < cpu_count(); i++)
		for (struct cached *c = cache[i]; c < cache[i] + host_tlb_size; c++)
			if (c->used && c->level == 0)
				fn(&(struct host_tlb_entry){ i, mfn(c->l4), c->va, mfn(c->frame), c->write });
}

void host_tlb_tables_each(void (*fn)(unsigned cpu, uint64_t va, mfn_t table))
{
	for (unsigned i = 0; i < cpu_count(); i++)
		for (struct cached *c = cache[i]; c < cache[i] + host_tlb_size; c++)
			if (c->used && c->level > 0)
				fn(i, c->va, mfn(c->frame));
}

/* --- walking --- */

struct access { unsigned cpu; uint64_t l4, va; bool write, fetch; };

static unsigned shift_of(unsigned level)	/* of the virtual address, for an entry of L(level) */
{
	return 12 + 9 * (level - 1);
}

static struct cached *cache_find(const struct access *a, unsigned level)
{
	uint64_t va = a->va & ~((1ull << (level ? shift_of(level + 1) : 12)) - 1);
	for (struct cached *c = cache[a->cpu]; c < cache[a->cpu] + host_tlb_size; c++)
		if (c->used && c->level == level && c->l4 == a->l4 && c->va == va)
			return c;
	return NULL;
}

static void cache_fill(const struct access *a, unsigned level, uint64_t frame, bool write, bool fetch)
{
	struct cached *c = cache_find(a, level);
	if (!c)
		c = &cache[a->cpu][cache_next[a->cpu]++ % host_tlb_size];
	*c = (struct cached){ true, (uint8_t)level, write, fetch, a->l4,
			      a->va & ~((1ull << (level ? shift_of(level + 1) : 12)) - 1), frame };
}

static unsigned fault_code(const struct access *a, bool present)
{
	return HOST_FAULT | FAULT_USER | (present ? FAULT_PRESENT : 0) | (a->write ? FAULT_WRITE : 0) |
	       (a->fetch ? FAULT_FETCH : 0);
}

/* Read the entry of L(@level) for the access and mark it used. 0, or not present. */
static uint64_t entry_use(const struct access *a, unsigned level, uint64_t table, bool dirty)
{
	unsigned index = (unsigned)(a->va >> shift_of(level)) & 511;
	if (index >= entries_per_table || table >= host_frame_count())
		return 0;
	uint64_t *slot = (uint64_t *)host_frame(mfn(table)) + index;
	uint64_t e = __atomic_load_n(slot, __ATOMIC_SEQ_CST);
	if (!(e & 1))
		return 0;
	__atomic_fetch_or(slot, 0x20 | (dirty && (e & 2) ? 0x40 : 0), __ATOMIC_SEQ_CST);
	return e;
}

static unsigned walk(const struct access *a, uint64_t *frame)
{
	unsigned level = 4;
	uint64_t table = a->l4;
	bool write = true, fetch = true;
	for (unsigned l = 1; l <= 3; l++) {
		const struct cached *c = cache_find(a, l);
		if (c) {
			level = l;
			table = c->frame;
			write = c->write;
			fetch = c->fetch;
			break;
		}
	}
	for (;; level--) {
		uint64_t e = entry_use(a, level, table, a->write && level == 1 && write);
		if (!e)
			return fault_code(a, false);
		write = write && (e & 2);
		fetch = fetch && !(e >> 63);
		if (!(e & 4) || (level > 1 && (e & 0x80)))
			return fault_code(a, true);	/* supervisor only, or large: never the guest's */
		table = e >> 12 & 0xffffffffffull;
		if (level == 1)
			break;
		cache_fill(a, level - 1, table, write, fetch);
	}
	if ((a->write && !write) || (a->fetch && !fetch))
		return fault_code(a, true);
	cache_fill(a, 0, table, write, fetch);
	*frame = table;
	return 0;
}

static unsigned translate(const struct access *a, uint64_t *frame)
{
	if (!gva_is_guest(a->va) || a->l4 == 0)
		return fault_code(a, false);
	struct cached *c = cache_find(a, 0);
	if (c && (c->write || !a->write) && (c->fetch || !a->fetch)) {
		*frame = c->frame;
		return 0;
	}
	if (c)
		c->used = false;
	return walk(a, frame);
}

/* --- accesses: a flush that is asked for meanwhile comes after them --- */

static unsigned guest_access(unsigned cpu, uint64_t va, bool write, bool fetch, uint64_t *frame)
{
	struct access a = { cpu, loaded_l4[cpu], va, write, fetch };
	return translate(&a, frame);
}

static uint64_t *word_at(uint64_t frame, uint64_t va)
{
	return (uint64_t *)host_frame(mfn(frame)) + (va & 0xff8) / 8;
}

unsigned host_guest_load(unsigned cpu, uint64_t va, uint64_t *value)
{
	uint64_t frame;
	host_point(POINT_GUEST);
	cache_hold(cpu);
	unsigned fault = guest_access(cpu, va, false, false, &frame);
	if (!fault && frame >= host_frame_count())
		*value = cpu_mmio_read(maddr(frame << 12 | (va & 0xff8)), 8);
	else if (!fault)
		*value = __atomic_load_n(word_at(frame, va), __ATOMIC_RELAXED);
	cache_release(cpu);
	host_reached = fault ? ~0ull : frame;
	return fault;
}

unsigned host_guest_store(unsigned cpu, uint64_t va, uint64_t value)
{
	uint64_t frame;
	host_point(POINT_GUEST);
	cache_hold(cpu);
	unsigned fault = guest_access(cpu, va, true, false, &frame);
	if (!fault && frame >= host_frame_count())
		cpu_mmio_write(maddr(frame << 12 | (va & 0xff8)), 8, value);
	else if (!fault)
		__atomic_store_n(word_at(frame, va), value, __ATOMIC_RELAXED);
	cache_release(cpu);
	host_reached = fault ? ~0ull : frame;
	return fault;
}

/* The part of [va, va + n) in this CPU's window, from its beginning on: copied. */
static size_t window_copy(uint64_t va, void *buffer, size_t n, bool write)
{
	struct window *w = &window[cpu_id()];
	if (va - w->va >= w->size)
		return 0;
	size_t part = min_u64(n, w->va + w->size - va);
	uint8_t *at = w->bytes + (va - w->va);
	memcpy(write ? at : buffer, write ? buffer : at, part);
	return part;
}

/* The part of it in one page, through the tables. 0: not accessible. */
static size_t page_copy(uint64_t va, void *buffer, size_t n, bool write, bool fetch)
{
	unsigned cpu = cpu_id();
	uint64_t frame, offset = va & 0xfff, part = min_u64(n, 0x1000 - offset);
	host_point(POINT_GUEST);
	cache_hold(cpu);
	bool works = !guest_access(cpu, va, write, fetch, &frame) && frame < host_frame_count();
	if (works) {
		uint8_t *at = (uint8_t *)host_frame(mfn(frame)) + offset;
		memcpy(write ? at : buffer, write ? buffer : at, part);
	}
	cache_release(cpu);
	return works ? part : 0;
}

static size_t guest_copy(uint64_t va, void *buffer, size_t n, bool write, bool fetch)
{
	while (n > 0) {
		size_t part = window_copy(va, buffer, n, write);
		if (!part)
			part = page_copy(va, buffer, n, write, fetch);
		if (!part)
			break;
		buffer = (uint8_t *)buffer + part;
		va += part;
		n -= part;
	}
	return n;
}

unsigned host_guest_fetch(unsigned cpu, uint64_t va, void *bytes, size_t n)
{
	unsigned caller = cpu_id();
	host_cpu_select(cpu);
	size_t left = guest_copy(va, bytes, n, false, true);
	host_cpu_select(caller);
	return left ? HOST_FAULT | FAULT_USER | FAULT_FETCH : 0;
}

size_t cpu_guest_read(void *dst, gva_t src, size_t n)
{
	return guest_copy(src.a, dst, n, false, false);
}

size_t cpu_guest_write(gva_t dst, const void *src, size_t n)
{
	return guest_copy(dst.a, (void *)(uintptr_t)src, n, true, false);
}
