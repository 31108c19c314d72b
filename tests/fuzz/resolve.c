/* Operands looked up: from bytes that name roles to the numbers they have now.
 * Rule: every byte value resolves to something; nothing here changes the machine. */
#include "hv/base/math.h"
#include "hv/base/string.h"
#include "hv/grant/grant.h"
#include "hv/mem/frame.h"
#include "hv/mem/table.h"
#include "tests/fuzz/world.h"
#include "protocol/xen.h"

static const char *const operands_of[] = {
#define X(name, operands, flags, meaning) operands,
#include "tests/fuzz/ops.def"
#undef X
};

static uint64_t special_frame(const struct slot *s, unsigned which)
{
	switch (which) {
	case SPECIAL_HOME:
		return s->d ? s->home : NO_FRAME;
	case SPECIAL_SHARED_INFO:
		return s->d ? s->d->shared_mfn.n : NO_FRAME;
	case SPECIAL_GRANT_FRAME:
		return s->d ? grant_frame(s->d, 0).n : NO_FRAME;
	case SPECIAL_RELEASED:
		return s->released;
	case SPECIAL_DEVICE:
		return world_config.frames + 16;
	case SPECIAL_DEVICE_RO:
		return world_config.frames + 17;
	case SPECIAL_HV:
		return world_hv_frame;
	case SPECIAL_ZERO:
		return 0;
	case SPECIAL_HUGE:
		return 1ull << 39;
	default:
		return NO_FRAME;
	}
}

uint64_t world_resolve_frame(uint8_t f)
{
	const struct slot *s = &world_slot[f >> 4 & 3];
	return FRAME_IS_SPECIAL(f) ? special_frame(s, f & 15) : s->pool[f & 15];
}

static uint32_t index_of(uint8_t i)
{
	static const uint16_t unusual[8] = INDEX_UNUSUAL;
	return (i & 0x80) && world_config.entries == 512 ? unusual[i & 7] : i & 7u;
}

static uint16_t domid_of(uint8_t d)
{
	static const uint16_t reserved[] = { DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_LIMIT + 3, DOMID_INVALID };
	d %= SLOTS + ARRAY_COUNT(reserved);
	return d < SLOTS ? world_slot[d].id : reserved[d - SLOTS];
}

uint64_t world_address(uint8_t low, uint8_t high)
{
	static const uint16_t unusual[8] = INDEX_UNUSUAL;
	uint64_t l1 = low & 7, l2 = low >> 3 & 7, l3 = high & 7, l4 = high >> 3 & 7;
	if (high >> 6 == 3 && world_config.entries == 512)
		l1 = unusual[l1];
	uint64_t va = l4 << 39 | l3 << 30 | l2 << 21 | l1 << 12 | (low >> 6 == 1 ? 8 : 0);
	if (high >> 6 == 1)
		va |= HV_VIRT_START;
	if (high >> 6 == 2)
		va |= 0x0000800000000000ull;
	return va;
}

static uint64_t entry_now(const struct act *a)
{
	uint64_t m = a->m, pte;
	unsigned index = a->index, level;
	if (a->kind == OP_VA_UPDATE || a->kind == OP_STORE) {
		const struct vcpu *v = world_slot[a->slot].d ? world_slot[a->slot].d->vcpu[a->vcpu] : NULL;
		return v && gva_is_guest(a->va) && !table_walk(v->ctx.kernel_l4, gva(a->va), &pte, &level) ? pte : 0;
	}
	if (m >= world_config.frames)
		return 0;
	const uint64_t *p = frame_map(mfn(m));
	pte = p[index];
	frame_unmap(p);
	return pte;
}

static uint64_t entry_of(const struct act *a, uint8_t frame, uint8_t flags, uint8_t flip)
{
	static const uint64_t bits[8] = { PTE_PRESENT, PTE_WRITE, PTE_NX, PTE_PCD, PTE_ACCESSED | PTE_DIRTY,
					  PTE_PSE, PTE_USER, PTE_GRANT };
	uint64_t m = world_resolve_frame(frame), e = m == NO_FRAME ? 0 : m << PAGE_SHIFT;
	for (unsigned b = 0; b < 8; b++)
		if ((flags ^ ENTRY_NOT_USER) >> b & 1)
			e |= bits[b];
	if (flip >= 1 && flip <= 64)
		return entry_now(a) ^ 1ull << (flip - 1);
	return flip > 64 && flip <= 128 ? e ^ 1ull << (flip - 65) : e;
}

/* The entries of UPDATES: the frame's index counts up. */
static void list_resolve(const struct op *o, struct act *a)
{
	a->count = a->n % 8 == 7 ? LIST_MAX : a->n % 8u + 1;
	for (unsigned i = 0; i < a->count; i++)
		a->list[i] = entry_of(a, (uint8_t)((o->arg[2] & 0xf0) | ((o->arg[2] + i) & 15)), o->arg[3], 0);
	a->list[0] = a->val;
}

/* Where POPULATE may put 1 << order frames: from the slot named on, the first free run. */
static uint64_t run_find(const struct slot *s, unsigned from, unsigned order)
{
	unsigned want = 1u << order;
	for (unsigned k = 0; k < POOL; k++) {
		unsigned at = (from + k) % POOL, n = 0;
		while (n < want && at + n < POOL && s->pool[at + n] == NO_FRAME)
			n++;
		if (n == want)
			return at;
	}
	return NO_FRAME;
}

struct slot *world_slot_of(uint16_t domid, unsigned self)
{
	if (domid == DOMID_SELF)
		return world_slot[self].d ? &world_slot[self] : NULL;
	for (unsigned i = 0; i < SLOTS; i++)
		if (world_slot[i].d && world_slot[i].id == domid)
			return &world_slot[i];
	return NULL;
}

static void slots_resolve(struct act *a)
{
	if (a->kind == OP_POPULATE) {
		const struct slot *s = world_slot_of(a->domid, a->slot);
		a->pfn = run_find(s ? s : &world_slot[a->slot], (unsigned)a->pfn, a->n % 3);
	}
	if (a->kind == OP_EXCHANGE) {
		a->m = world_slot[a->slot].pool[a->pfn];
		if (a->pfn2 != a->pfn && world_slot[a->slot].pool[a->pfn2] != NO_FRAME)
			a->pfn2 = a->pfn;
	}
}

static void grants_resolve(struct act *a)
{
	const struct slot *s = &world_slot[a->slot];
	switch (a->kind) {
	case OP_GRANT_MAP:
		a->host_addr = a->va;
		break;
	case OP_GRANT_MAP_PTE:
		a->host_addr = a->m == NO_FRAME ? ~7ull : a->m << PAGE_SHIFT | a->index * 8u;
		break;
	case OP_GRANT_UNMAP:
		if (a->n & UNMAP_WRONG)
			a->host_addr = a->va;
		else if (a->n & UNMAP_HOST)
			a->host_addr = s->handle[a->handle].host_addr;
		if (a->n & UNMAP_DEVICE)
			a->bus_addr = s->handle[a->handle].bus_addr;
		break;
	}
}

/* One operand; returns the bytes it took. */
static unsigned operand_resolve(const struct op *o, struct act *a, char letter, unsigned at, unsigned nth)
{
	uint8_t b = o->arg[at];
	switch (letter) {
	case 'f':
		*(nth ? &a->m2 : &a->m) = world_resolve_frame(b);
		return 1;
	case 'e':
		a->val = entry_of(a, b, o->arg[at + 1], o->arg[at + 2]);
		return 3;
	case 'v':
		a->va = world_address(b, o->arg[at + 1]);
		return 2;
	case 'i':
		a->index = index_of(b);
		return 1;
	case 's':
		*(nth ? &a->pfn2 : &a->pfn) = b % POOL;
		return 1;
	case 'd':
		*(nth ? &a->domid2 : &a->domid) = domid_of(b);
		return 1;
	case 'r':
		*(nth ? &a->ref2 : &a->ref) = b >= 0xf8 ? 5000u + b : b % REFS;
		return 1;
	case 'p':
		a->port = b >= 0xf8 ? 4000u + b : b % (PORTS + 1);
		return 1;
	case 'h':
		a->handle = b % HANDLES;
		return 1;
	case 'c':
		a->vcpu_id = b % (VCPUS + 1);
		return 1;
	default:
		a->n = b;
		return 1;
	}
}

void world_resolve(const struct op *o, struct act *a)
{
	unsigned seen[26] = { 0 }, at = 0;
	*a = (struct act){ .kind = o->kind % OP_COUNT, .slot = (uint8_t)(op_slot(o) % world_config.slots),
			   .vcpu = (uint8_t)op_vcpu(o) };
	memcpy(a->raw, o->arg, sizeof a->raw);
	for (const char *p = operands_of[a->kind]; *p; p++)
		at += operand_resolve(o, a, *p, at, seen[*p - 'a']++);
	if (a->kind == OP_UPDATES)
		list_resolve(o, a);
	slots_resolve(a);
	grants_resolve(a);
}
