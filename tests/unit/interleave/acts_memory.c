/* Operations on page tables and memory. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "protocol/memory.h"
#include "protocol/xen.h"
#include "tests/unit/interleave/acts.h"

static mfn_t frame_of_role(unsigned role)
{
	return role < FRAMES ? self()->m[role] : mfn(0);
}

/* --- tables --- */

static int64_t mmuext(unsigned cmd, mfn_t m)
{
	struct mmuext_op *op = argument(0);
	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = m.n };
	return hyper(__HYPERVISOR_mmuext_op, ARGUMENT_VA, 1, 0, DOMID_SELF);
}

int64_t act_pin(unsigned x, unsigned y)
{
	return mmuext(MMUEXT_PIN_L1_TABLE + y - 1, frame_of_role(x));
}

int64_t act_unpin(unsigned x, unsigned y)
{
	(void)y;
	return mmuext(MMUEXT_UNPIN_TABLE, frame_of_role(x));
}

int64_t act_base(unsigned x, unsigned y)
{
	(void)y;
	return mmuext(MMUEXT_NEW_BASEPTR, frame_of_role(x));
}

int64_t act_user_base(unsigned x, unsigned y)
{
	(void)y;
	return mmuext(MMUEXT_NEW_USER_BASEPTR, frame_of_role(x));
}

int64_t act_clear(unsigned x, unsigned y)
{
	(void)y;
	return mmuext(MMUEXT_CLEAR_PAGE, frame_of_role(x));
}

static uint64_t slot_of(unsigned at)
{
	return mfn_to_maddr(frame_of_role(at >> 4)).a + (at & 15) * 8;
}

static uint64_t entry_of(const struct guest *g, unsigned y)
{
	return y ? pte_make(g->m[y >> 4], PTE_PRESENT | PTE_USER | (y & 2 ? PTE_WRITE : 0)) : 0;
}

static int64_t update(uint64_t ptr, uint64_t val, uint64_t fd)
{
	struct mmu_update *r = argument(0);
	*r = (struct mmu_update){ .ptr = ptr, .val = val };
	return hyper(__HYPERVISOR_mmu_update, ARGUMENT_VA, 1, 0, fd);
}

int64_t act_update(unsigned x, unsigned y)
{
	return update(slot_of(x), entry_of(self(), y), DOMID_SELF);
}

int64_t act_update_keep(unsigned x, unsigned y)
{
	return update(slot_of(x) | MMU_PT_UPDATE_PRESERVE_AD, entry_of(self(), y), DOMID_SELF);
}

int64_t act_emulate(unsigned x, unsigned y)
{
	uint64_t seen = READ_ONCE(((uint64_t *)host_frame(frame_of_role(x >> 4)))[x & 15]);
	return table_entry_cas(&self()->d->mem, maddr(slot_of(x)), &seen, entry_of(self(), y));
}

int64_t act_update_va(unsigned x, unsigned y)
{
	return hyper(__HYPERVISOR_update_va_mapping, (uint64_t)x << PAGE_SHIFT, entry_of(self(), y),
		     UVMF_INVLPG | UVMF_ALL, 0);
}

int64_t act_foreign(unsigned x, unsigned y)
{
	return update(slot_of(AT(L1, x)), entry_of(&guest[y >> 8], y & 0xff), guest[y >> 8].d->id);
}

int64_t act_machphys(unsigned x, unsigned y)
{
	return update(mfn_to_maddr(frame_of_role(x)).a | MMU_MACHPHYS_UPDATE, y, DOMID_SELF);
}

int64_t act_descriptor(unsigned x, unsigned y)
{
	(void)y;
	return hyper(__HYPERVISOR_update_descriptor, mfn_to_maddr(frame_of_role(x)).a, 0x00cffb000000ffffull, 0, 0);
}

int64_t act_gdt(unsigned x, unsigned y)
{
	uint64_t *frames = argument(0);
	(void)y;
	frames[0] = frame_of_role(x).n;
	return hyper(__HYPERVISOR_set_gdt, ARGUMENT_VA, x < FRAMES ? 16 : 0, 0, 0);
}

int64_t act_flush(unsigned x, unsigned y)
{
	(void)x, (void)y;
	return mmuext(MMUEXT_TLB_FLUSH_ALL, mfn(0));
}

/* --- the guest's own accesses --- */

int64_t act_walk(unsigned x, unsigned y)
{
	uint64_t value;
	int64_t rc = act_update(AT(L2, x), RW(y));
	if (rc)
		return rc;
	(void)!host_guest_load(cpu_id(), (uint64_t)x << (PAGE_SHIFT + 9) | PAGE_SIZE, &value);
	return act_update(AT(L2, x), 0);
}

int64_t act_visit(unsigned x, unsigned y)
{
	int64_t rc = act_foreign(x, y);
	if (rc)
		return rc;
	(void)act_touch(x, 0);
	return act_foreign(x, OF(y >> 8, 0));
}

int64_t act_touch(unsigned x, unsigned y)
{
	uint64_t value;
	(void)y;
	return host_guest_load(cpu_id(), (uint64_t)x << PAGE_SHIFT, &value);
}

int64_t act_store(unsigned x, unsigned y)
{
	return host_guest_store(cpu_id(), (uint64_t)x << PAGE_SHIFT, y);
}

int64_t act_poke(unsigned x, unsigned y)
{
	((uint64_t *)host_frame(frame_of_role(x >> 4)))[x & 15] = entry_of(self(), y);
	return 0;
}

/* --- memory --- */

static int64_t reservation(unsigned cmd, domid_t of, uint64_t number)
{
	struct xen_memory_reservation *r = argument(0);
	uint64_t *list = argument(256);
	list[0] = number;
	*r = (struct xen_memory_reservation){
		.extent_start = ARGUMENT_VA + 256, .nr_extents = 1, .domid = of,
	};
	return hyper(__HYPERVISOR_memory_op, cmd, ARGUMENT_VA, 0, 0);
}

int64_t act_populate(unsigned x, unsigned y)
{
	(void)y;
	int64_t done = reservation(XENMEM_populate_physmap, DOMID_SELF, x);
	return done == 0 ? -ENOMEM : done == 1 ? 0 : done;
}

int64_t act_populate_for(unsigned x, unsigned y)
{
	int64_t done = reservation(XENMEM_populate_physmap, guest[x].d->id, y);
	return done == 0 ? -ESRCH : done;	/* nothing for the dying, as for the dead */
}

/* A frame that was given to @x after the world was built, as its vCPUs would guess it; none: one beyond RAM. */
static mfn_t newcomer(unsigned x)
{
	for (mfn_t m = { 0 }; m.n < frame_max_mfn(); m.n++) {
		const struct frame *f = frame_of(m);
		bool known = !f || f->owner != guest[x].d->id || !(f->refs >> 63);
		for (unsigned i = 0; i < FRAMES && !known; i++)
			known = mfn_eq(guest[x].m[i], m);
		if (!known)
			return m;
	}
	return MFN_INVALID;
}

int64_t act_release_newcomer(unsigned x, unsigned y)
{
	(void)y;
	return reservation(XENMEM_decrease_reservation, DOMID_SELF, newcomer(x).n);
}

int64_t act_decrease(unsigned x, unsigned y)
{
	(void)y;
	return reservation(XENMEM_decrease_reservation, DOMID_SELF, frame_of_role(x).n);
}

int64_t act_take(unsigned x, unsigned y)
{
	int64_t rc = reservation(XENMEM_decrease_reservation, guest[x].d->id, guest[x].m[y].n);
	return rc == 1 ? act_populate(20, 0) : rc;
}

int64_t act_exchange(unsigned x, unsigned y)
{
	struct xen_memory_exchange *e = argument(0);
	uint64_t *list = argument(256);
	(void)y;
	list[0] = frame_of_role(x).n;
	list[8] = 77;			/* its pseudo-physical number */
	memset(e, 0, sizeof *e);
	e->in = (struct xen_memory_reservation){
		.extent_start = ARGUMENT_VA + 256, .nr_extents = 1, .domid = DOMID_SELF,
	};
	e->out = e->in;
	e->out.extent_start += 64;
	return hyper(__HYPERVISOR_memory_op, XENMEM_exchange, ARGUMENT_VA, 0, 0);
}
