/* What a replay prints. Compiled into the hosted replay and into the replay kernel, over the state both keep in
 * world_slot.
 * What machines may differ in is left out: accessed and dirty bits, what the hypervisor's part of the address space
 * shows a guest, contents of frames that are no tables (the hypervisor writes times into some).
 * Neighbours: replay.c (hosted), tests/guest/replay (the kernel). */
#include "hv/grant/grant.h"
#include "hv/mem/table.h"
#include "tests/fuzz/replay/trace.h"

#define NO_ROLE		0xfffu
#define KERNEL_INDEX	511u	/* of an L4: the replay kernel's own */

static const char *const kind_name[OP_COUNT] = {
#define X(name, operands, flags, meaning) #name,
#include "tests/fuzz/ops.def"
#undef X
};

/* --- roles --- */

static unsigned role_in(unsigned slot, uint64_t m)
{
	const struct slot *s = &world_slot[slot];
	if (!s->d)
		return NO_ROLE;
	for (unsigned i = 0; i < POOL; i++)
		if (s->pool[i] == m)
			return slot << 8 | i;
	if (s->home == m)
		return slot << 8 | 0x20;
	if (s->d->shared_mfn.n == m)
		return slot << 8 | 0x21;
	return grant_frame(s->d, 0).n == m ? slot << 8 | 0x22 : NO_ROLE;
}

static unsigned role_of(uint64_t m)
{
	if (m == NO_FRAME)
		return NO_ROLE;
	for (unsigned s = 0; s < SLOTS; s++) {
		unsigned role = role_in(s, m);
		if (role != NO_ROLE)
			return role;
	}
	return m == world_config.frames + 16 ? 0xf00 : m == world_config.frames + 17 ? 0xf01 : NO_ROLE;
}

/* An entry or other word with its frame number as a role. */
static uint64_t word_as_role(uint64_t word)
{
	uint64_t soft = word & PTE_PRESENT ? PTE_ACCESSED | PTE_DIRTY : 0;
	if (!(word & PTE_ADDR))
		return word & ~soft;
	return (word & ~(PTE_ADDR | soft)) | (uint64_t)role_of(pte_mfn(word).n) << PAGE_SHIFT;
}

/* --- outcomes --- */

/* 0, or 0x200 and the page-fault code but for the bit that says "user": guest kernels do not see it. A store that was
 * carried out by the hypervisor did not fault. */
static int64_t access_rc(const struct act *a, const struct outcome *o)
{
	if (!gva_is_guest(a->va) && a->kind == OP_LOAD)
		return 0;	/* it may read machine-to-physical numbers there, on the real machine */
	if (!gva_is_guest(a->va))
		return o->rc && !o->done ? 0x100 : 0;
	return o->done || !o->rc ? 0 : 0x200 | (o->rc & 0x1b);
}

static int64_t rc_told(const struct act *a, const struct outcome *o)
{
	return a->kind == OP_LOAD || a->kind == OP_STORE ? access_rc(a, o) : o->rc;
}

static uint64_t done_told(const struct act *a, const struct outcome *o)
{
	return a->kind == OP_LOAD || a->kind == OP_STORE ? 0 : o->done;
}

/* Frames that the hypervisor writes times and event masks into. */
static uint64_t live_frame[SLOTS * VCPUS];
static unsigned live_frames;

static bool reads_live_frame(const struct act *a)
{
	uint64_t pte;
	unsigned level;
	const struct domain *d = world_slot[a->slot].d;
	if (!d || table_walk(d->vcpu[a->vcpu]->ctx.kernel_l4, gva(a->va), &pte, &level) || level != 1)
		return true;
	for (unsigned i = 0; i < live_frames; i++)
		if (live_frame[i] == pte_mfn(pte).n)
			return true;
	unsigned role = role_of(pte_mfn(pte).n);
	return role != NO_ROLE && (role & 0xff) == 0x21;
}

static void live_frame_note(const struct act *a, const struct outcome *o)
{
	if (a->kind == OP_VCPU_INFO && o->rc == 0 && live_frames < ARRAY_COUNT(live_frame))
		live_frame[live_frames++] = a->m;
}

static uint64_t value_told(const struct act *a, const struct outcome *o)
{
	if (a->kind == OP_LOAD)
		return access_rc(a, o) || !gva_is_guest(a->va) || reads_live_frame(a) ? 0 : word_as_role(o->value);
	if (a->kind == OP_STORE)
		return 0;
	if (a->kind == OP_GRANT_MAP || a->kind == OP_GRANT_MAP_PTE)
		return o->status ? 0 : o->value;
	return o->value;
}

void trace_outcome(unsigned i, const struct act *a, const struct outcome *o)
{
	live_frame_note(a, o);
	trace_print("R %u %s d%uv%u", i, kind_name[a->kind], a->slot, a->vcpu);
	if (o->crashed)
		trace_print(" crashed\n");
	else if (!o->ran)
		trace_print(" idle\n");
	else
		trace_print(" rc=%ld status=%d done=%lu value=%lx\n", (long)rc_told(a, o), o->status,
			    (unsigned long)done_told(a, o), (unsigned long)value_told(a, o));
}

/* --- state --- */

static uint64_t hash;
static bool telling;

static void hash_add(uint64_t word)
{
	for (unsigned i = 0; i < 8; i++, word >>= 8)
		hash = (hash ^ (word & 0xff)) * 0x100000001b3ull;
}

static void entries_tell(unsigned role, unsigned level, uint64_t m)
{
	const uint64_t *table = frame_map(mfn(m));
	for (unsigned e = 0; e < 512; e++) {
		if (!table[e] || (level == 4 && (e == KERNEL_INDEX || e - HV_L4_FIRST < HV_L4_COUNT)))
			continue;
		hash_add((uint64_t)e << 32 | role);
		hash_add(word_as_role(table[e]));
		if (telling)
			trace_print("E %x[%u] %lx\n", role, e, (unsigned long)word_as_role(table[e]));
	}
	frame_unmap(table);
}

static void data_tell(unsigned role, uint64_t m)
{
	const uint64_t *p = frame_map(mfn(m));
	for (unsigned i = 0; i < 512; i++)
		if (p[i])
			trace_print("D %x[%u] %lx\n", role, i, (unsigned long)word_as_role(p[i]));
	frame_unmap(p);
}

static void frame_tell(unsigned slot, unsigned role, uint64_t m, bool is_pool)
{
	if (m == NO_FRAME)
		return;
	struct trace_frame f = trace_frame_of(slot, m);
	uint64_t p = is_pool ? trace_pfn_of(m) : 0;
	hash_add((uint64_t)role << 32 | f.level << 1 | f.pinned);
	hash_add(p);
	if (telling)
		trace_print("F %x L%u%s pfn=%lx\n", role, f.level, f.pinned ? " pinned" : "", (unsigned long)p);
	if (f.level)
		entries_tell(role, f.level, m);
	else if (telling)
		data_tell(role, m);
}

void trace_state(unsigned i, bool whole)
{
	hash = 0xcbf29ce484222325ull;
	telling = whole;
	for (unsigned s = 0; s < SLOTS; s++) {
		if (!world_slot[s].d)
			continue;
		for (unsigned k = 0; k < POOL; k++)
			frame_tell(s, s << 8 | k, world_slot[s].pool[k], true);
		frame_tell(s, s << 8 | 0x20, world_slot[s].home, false);
	}
	trace_print("S %u %lx\n", i, (unsigned long)hash);
}
