/* Operations on memory as hypercalls: page tables, reservations, grants.
 * Arguments are written where a guest would have them, at the beginning of the vCPU's window; lists behind
 * WINDOW_LISTS. What a guest would remember of an answer goes to world_slot. */
#include "hv/base/string.h"
#include "hv/mem/table.h"
#include "tests/fuzz/fuzz_world.h"
#include "protocol/grant_table.h"
#include "protocol/hypercall.h"
#include "protocol/memory.h"

#define ARGUMENT WINDOW_VA
#define LISTS (WINDOW_VA + WINDOW_LISTS)
#define DONE (WINDOW_VA + WINDOW_LISTS - 16)		/* where batches count */

static void request_set(struct request *r, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	r->nr = nr;
	r->arg[0] = a0;
	r->arg[1] = a1;
	r->arg[2] = a2;
	r->arg[3] = a3;
	r->arg[4] = r->arg[5] = 0;
}

/* --- mmu_update --- */

static uint64_t entry_address(const struct act *a, unsigned i)
{
	return a->m << PAGE_SHIFT | (a->index + i) % world_config.entries * 8u;
}

static void updates_request(const struct act *a, struct request *r)
{
	struct mmu_update u[LIST_MAX];
	uint64_t count = a->kind == OP_UPDATES ? a->count : 1, fd = a->kind == OP_UPDATE ? a->domid : DOMID_SELF;
	uint64_t cmd = a->kind == OP_UPDATE && (a->n & UPDATE_PRESERVE) ? MMU_PT_UPDATE_PRESERVE_AD : 0;
	if (a->kind == OP_UPDATE && UPDATE_TABLES(a->n))
		fd |= (uint64_t)(world_slot[(UPDATE_TABLES(a->n) - 1) % SLOTS].id + 1) << 16;
	for (unsigned i = 0; i < count; i++)
		u[i] = (struct mmu_update){ entry_address(a, i) | cmd, count == 1 ? a->val : a->list[i] };
	if (a->kind == OP_UPDATE && (a->n & UPDATE_MISALIGN))
		u[0].ptr |= 4;
	if (a->kind == OP_M2P)
		u[0] = (struct mmu_update){ a->m << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, a->n };
	memcpy(r->window, u, count * sizeof u[0]);
	request_set(r, __HYPERVISOR_mmu_update, ARGUMENT, count, DONE, fd);
}

static void va_request(const struct act *a, struct request *r)
{
	static const uint64_t flush[VA_FLUSH_COUNT] = { UVMF_NONE, UVMF_TLB_FLUSH | UVMF_LOCAL, UVMF_INVLPG | UVMF_LOCAL,
							UVMF_TLB_FLUSH | UVMF_ALL, UVMF_INVLPG | UVMF_ALL };
	bool other = a->domid != DOMID_SELF && a->domid != world_slot[a->slot].id;
	request_set(r, other ? __HYPERVISOR_update_va_mapping_otherdomain : __HYPERVISOR_update_va_mapping, a->va, a->val,
		    flush[a->n % VA_FLUSH_COUNT], a->domid);
}

/* --- mmuext --- */

static void mmuext_request(const struct act *a, struct request *r)
{
	static const uint8_t flushes[] = { MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_MULTI,
					   MMUEXT_INVLPG_MULTI, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL };
	static const uint8_t pins[] = { MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
					MMUEXT_PIN_L4_TABLE };
	const uint64_t every_vcpu = ~0ull;
	struct mmuext_op op = { .arg1.mfn = a->m };
	switch (a->kind) {
	case OP_PIN: op.cmd = pins[a->n % 4]; break;
	case OP_UNPIN: op.cmd = MMUEXT_UNPIN_TABLE; break;
	case OP_BASE: op.cmd = MMUEXT_NEW_BASEPTR; break;
	case OP_USER_BASE: op.cmd = MMUEXT_NEW_USER_BASEPTR; break;
	case OP_CLEAR: op.cmd = MMUEXT_CLEAR_PAGE; break;
	case OP_COPY:
		op.cmd = MMUEXT_COPY_PAGE;
		op.arg2.src_mfn = a->m2;
		break;
	case OP_SET_LDT:
		op.cmd = MMUEXT_SET_LDT;
		op.arg1.linear_addr = a->va;
		op.arg2.nr_ents = a->n;
		break;
	default:
		op.cmd = flushes[a->n % 6];
		op.arg1.linear_addr = a->va;
		op.arg2.vcpumask = LISTS;
		memcpy(r->window + WINDOW_LISTS, &every_vcpu, sizeof every_vcpu);
	}
	memcpy(r->window, &op, sizeof op);
	request_set(r, __HYPERVISOR_mmuext_op, ARGUMENT, 1, DONE, DOMID_SELF);
}

/* Descriptors, good and bad: none, user code, user data, a call gate, a hypervisor-privileged data segment, an LDT. */
static uint64_t descriptor_sample(unsigned n)
{
	static const uint64_t samples[] = { 0, 0x00affb000000ffffull, 0x00cff3000000ffffull, 0x0000ec0000080000ull,
					    0x00cf93000000ffffull, 0x0000820000000000ull };
	return samples[n % ARRAY_COUNT(samples)];
}

static bool tables_request(const struct act *a, struct request *r)
{
	uint64_t gdt[2] = { a->m, a->m2 };
	switch (a->kind) {
	case OP_UPDATE:
	case OP_UPDATES:
	case OP_M2P:
		updates_request(a, r);
		return true;
	case OP_VA_UPDATE:
		va_request(a, r);
		return true;
	case OP_SET_GDT:
		memcpy(r->window, gdt, sizeof gdt);
		request_set(r, __HYPERVISOR_set_gdt, ARGUMENT, a->n * 8u, 0, 0);
		return a->n * 8u <= 1024;
	case OP_DESCRIPTOR:
		request_set(r, __HYPERVISOR_update_descriptor, entry_address(a, 0), descriptor_sample(a->n), 0, 0);
		return true;
	default:
		mmuext_request(a, r);
		return true;
	}
}

/* --- reservations --- */

static bool reservation_request(const struct act *a, struct request *r)
{
	bool populate = a->kind == OP_POPULATE;
	struct xen_memory_reservation v = { .extent_start = LISTS, .nr_extents = 1, .domid = a->domid,
					    .extent_order = populate ? a->n % 3u : 0 };
	uint64_t first = populate ? a->pfn : a->m;
	if (populate && a->pfn == NO_FRAME)
		return false;
	memcpy(r->window, &v, sizeof v);
	memcpy(r->window + WINDOW_LISTS, &first, sizeof first);
	request_set(r, __HYPERVISOR_memory_op, populate ? XENMEM_populate_physmap : XENMEM_decrease_reservation, ARGUMENT,
		    0, 0);
	return true;
}

static bool exchange_request(const struct act *a, struct request *r)
{
	struct xen_memory_exchange x = { .in = { .extent_start = LISTS, .nr_extents = 1, .domid = DOMID_SELF },
					 .out = { .extent_start = LISTS + 8, .nr_extents = 1, .domid = DOMID_SELF } };
	uint64_t lists[2] = { a->m, a->pfn2 };
	memcpy(r->window, &x, sizeof x);
	memcpy(r->window + WINDOW_LISTS, lists, sizeof lists);
	request_set(r, __HYPERVISOR_memory_op, XENMEM_exchange, ARGUMENT, 0, 0);
	return true;
}

/* The frame a pool slot had is given back. */
static void pool_forget(struct slot *s, uint64_t m)
{
	for (unsigned i = 0; i < POOL; i++) {
		if (s->pool[i] != m)
			continue;
		s->pool[i] = NO_FRAME;
		s->released = m;
	}
}

static void reservation_answer(const struct act *a, const struct request *r, struct outcome *o)
{
	struct slot *s = world_slot_of(a->domid, a->slot);
	uint64_t m;
	if (o->rc != 1 || !s)
		return;
	if (a->kind == OP_DECREASE) {
		pool_forget(s, a->m);
		return;
	}
	memcpy(&m, r->window + WINDOW_LISTS, sizeof m);
	o->frames = 1u << a->n % 3;
	for (unsigned i = 0; i < o->frames; i++)
		s->pool[a->pfn + i] = o->frame[i] = m + i;
}

static void exchange_answer(const struct act *a, const struct request *r, struct outcome *o)
{
	if (o->rc != 0)
		return;
	pool_forget(&world_slot[a->slot], a->m);
	memcpy(&o->frame[0], r->window + WINDOW_LISTS + 8, sizeof o->frame[0]);
	o->frames = 1;
	world_slot[a->slot].pool[a->pfn2] = o->frame[0];
}

/* --- grants --- */

static void map_request(const struct act *a, struct request *r)
{
	struct gnttab_map_grant_ref op = { .host_addr = a->host_addr, .ref = a->ref, .dom = a->domid };
	op.flags = (a->n & MAP_NO_HOST ? 0 : GNTMAP_host_map) | (a->n & MAP_DEVICE ? GNTMAP_device_map : 0) |
		   (a->n & MAP_READONLY ? GNTMAP_readonly : 0) |
		   (a->kind == OP_GRANT_MAP_PTE ? GNTMAP_contains_pte : 0);
	memcpy(r->window, &op, sizeof op);
	request_set(r, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, ARGUMENT, 1, 0);
}

static void map_answer(const struct act *a, const struct request *r, struct outcome *o)
{
	struct gnttab_map_grant_ref op;
	memcpy(&op, r->window, sizeof op);
	o->status = op.status;
	o->value = op.handle;
	if (op.status != GNTST_okay || op.handle >= HANDLES)
		return;
	world_slot[a->slot].handle[op.handle].host_addr = a->n & MAP_NO_HOST ? 0 : a->host_addr;
	world_slot[a->slot].handle[op.handle].bus_addr = a->n & MAP_DEVICE ? op.dev_bus_addr : 0;
}

static void copy_side(struct gnttab_copy_ptr *p, uint16_t domid, uint32_t ref, uint64_t m, bool by_ref, bool far)
{
	p->domid = domid;
	p->offset = far ? 4000 : 0;
	if (by_ref)
		p->u.ref = ref;
	else
		p->u.gmfn = m;
}

static void copy_request(const struct act *a, struct request *r)
{
	struct gnttab_copy op = { .len = (uint16_t)COPY_LENGTH(a->n) };
	copy_side(&op.dest, a->domid, a->ref, a->m, a->n & COPY_DST_REF, a->n & COPY_FAR);
	copy_side(&op.source, a->domid2, a->ref2, a->m2, a->n & COPY_SRC_REF, false);
	op.flags = (a->n & COPY_DST_REF ? GNTCOPY_dest_gref : 0) | (a->n & COPY_SRC_REF ? GNTCOPY_source_gref : 0);
	memcpy(r->window, &op, sizeof op);
	request_set(r, __HYPERVISOR_grant_table_op, GNTTABOP_copy, ARGUMENT, 1, 0);
}

static bool grants_request(const struct act *a, struct request *r)
{
	struct gnttab_unmap_grant_ref unmap = { a->host_addr, a->bus_addr, a->handle, 0 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = a->n % 4u, .frame_list = LISTS };
	switch (a->kind) {
	case OP_GRANT_SETUP:
		memcpy(r->window, &setup, sizeof setup);
		request_set(r, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, ARGUMENT, 1, 0);
		return true;
	case OP_GRANT_UNMAP:
		memcpy(r->window, &unmap, sizeof unmap);
		request_set(r, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, ARGUMENT, 1, 0);
		return true;
	case OP_GRANT_COPY:
		copy_request(a, r);
		return true;
	default:
		map_request(a, r);
		return true;
	}
}

static void grants_answer(const struct act *a, const struct request *r, struct outcome *o)
{
	size_t at = a->kind == OP_GRANT_SETUP ? offsetof(struct gnttab_setup_table, status)
		  : a->kind == OP_GRANT_UNMAP ? offsetof(struct gnttab_unmap_grant_ref, status)
					      : offsetof(struct gnttab_copy, status);
	int16_t status;
	memcpy(&status, r->window + at, sizeof status);
	o->status = status;
}

/* --- all --- */

bool request_memory(const struct act *a, struct request *r)
{
	memset(r->window + WINDOW_LISTS - 16, 0, 16);
	switch (a->kind) {
	case OP_DECREASE:
	case OP_POPULATE:
		return reservation_request(a, r);
	case OP_EXCHANGE:
		return exchange_request(a, r);
	case OP_GRANT_SETUP:
	case OP_GRANT_MAP:
	case OP_GRANT_MAP_PTE:
	case OP_GRANT_UNMAP:
	case OP_GRANT_COPY:
		return grants_request(a, r);
	default:
		return tables_request(a, r);
	}
}

void answer_memory(const struct act *a, const struct request *r, struct outcome *o)
{
	uint32_t done;
	switch (a->kind) {
	case OP_DECREASE:
	case OP_POPULATE:
		reservation_answer(a, r, o);
		break;
	case OP_EXCHANGE:
		exchange_answer(a, r, o);
		break;
	case OP_GRANT_MAP:
	case OP_GRANT_MAP_PTE:
		map_answer(a, r, o);
		break;
	case OP_GRANT_SETUP:
	case OP_GRANT_UNMAP:
	case OP_GRANT_COPY:
		grants_answer(a, r, o);
		break;
	default:
		memcpy(&done, r->window + WINDOW_LISTS - 16, sizeof done);
		o->done = done;
	}
}
