/* Players: the domain made like the hosted world's, then one order after another.
 * The kernel's frames beyond the pool are the coordinator's business only in that limits are raised by their number.
 * Rules: between orders a player changes nothing; it sleeps until an NMI wakes it. Events stay masked. */
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/memory.h"
#include "protocol/sched.h"
#include "tests/guest/lib/grant.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/replay/replay.h"

#define POOL_FIRST_EMPTY 10u
#define KERNEL_SLOT	(511u * 8)

struct box box __attribute__((aligned(4096)));

static uint64_t base[VCPUS];		/* frames of the present kernel bases */
static uint64_t kernel_l3;		/* the entry that every base must have */

/* Events and NMIs only wake. What interrupted goes on with events masked, whatever it had. */
static int wake_hook(struct trap_frame *f)
{
	if (f->vector != TRAP_EVENT && f->vector != 2)
		return 0;
	f->rflags &= ~0x200ul;
	return 1;
}

static void frame_unmap_everywhere(uint64_t pfn)
{
	if (update_va_mapping(pfn_to_va(pfn), 0, UVMF_INVLPG | UVMF_ALL))
		test_error("cannot unmap frame %lu", pfn);
}

static void pool_prepare(void)
{
	uint64_t list[POOL - POOL_FIRST_EMPTY];
	struct xen_memory_reservation r = { .extent_start = (uint64_t)list,
					    .nr_extents = POOL - POOL_FIRST_EMPTY, .domid = DOMID_SELF };

	for (unsigned i = 0; i < POOL; i++) {
		memset(pfn_to_va(i), 0, PAGE_SIZE);
		frame_unmap_everywhere(i);
		box.pool[i] = ((const uint64_t *)start_info->mfn_list)[i];
		if (i < POOL_FIRST_EMPTY)
			continue;
		list[i - POOL_FIRST_EMPTY] = box.pool[i];
		box.pool[i] = ~0ul;
	}
	if (memory_op(XENMEM_decrease_reservation, &r) != (long)r.nr_extents)
		test_error("cannot give frames back");
}

void player_prepare(void)
{
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1,
					    .frame_list = (uint64_t)&box.grant_frame };

	trap_hook = wake_hook;
	memset((void *)shared_info->evtchn_mask, 0, sizeof shared_info->evtchn_mask);
	if (grant_table_op(GNTTABOP_setup_table, &setup, 1) || setup.status)
		test_error("setup_table: status %d", setup.status);
	pool_prepare();
	box.home = base[0] = base[1] = l4_mfn();
	kernel_l3 = ((volatile uint64_t *)start_info->pt_base)[511];
	for (unsigned i = 0; i < BOX_PAGES; i++)
		box.page[i] = va_to_mfn((uint8_t *)&box + i * PAGE_SIZE);
	if (mmuext(MMUEXT_UNPIN_TABLE, box.home, 0))
		test_error("cannot unpin the first table");
	frame_unmap_everywhere(va_to_pfn((const void *)start_info->pt_base));
	__atomic_store_n(&box.ready, BOX_READY, __ATOMIC_RELEASE);
	shared_info->arch.pfn_to_mfn_frame_list_list = box.page[0];
}

static long seat_call(const struct seat *s)
{
	return hypercall5(s->nr, s->arg[0], s->arg[1], s->arg[2], s->arg[3], s->arg[4]);
}

/* A table that is to be a base needs the kernel's slot before, and one that is none any more loses it. If it cannot
 * get it, it cannot become a base either. */
static long seat_base(const struct seat *s, unsigned vcpu)
{
	uint64_t to = s->val, from = base[vcpu];
	int given = to != base[0] && to != base[1] && !(to >> 40) && !pte_write(to << 12 | KERNEL_SLOT, kernel_l3);
	long rc = seat_call(s);

	if (rc) {
		if (given)
			pte_write(to << 12 | KERNEL_SLOT, 0);
		return rc;
	}
	base[vcpu] = to;
	if (from != base[0] && from != base[1])
		pte_write(from << 12 | KERNEL_SLOT, 0);
	return rc;
}

static long fault_code(long vector)
{
	return vector < 0 ? 0 : vector == 14 ? (long)(SEAT_FAULT | trap_last.error) : vector;
}

static long seat_load(struct seat *s)
{
	uint64_t word = 0;
	long vector = TRAP_OF("movq (%1), %0", : "+r"(word) : "r"(s->va) : "memory");

	s->value = word;
	return fault_code(vector);
}

static long seat_store(struct seat *s)
{
	uint64_t val = s->val, va = s->va, old = 0;

	switch (s->n % STORE_COUNT) {
	case 0:
		return fault_code(TRAP_OF("movq %0, (%1)", : : "r"(val), "r"(va) : "memory"));
	case 1:
		return fault_code(TRAP_OF("xchgq %0, (%1)", : "+r"(val) : "r"(va) : "memory"));
	case 2:
		(void)TRAP_OF("movq (%1), %0", : "+r"(old) : "r"(va) : "memory");
		return fault_code(TRAP_OF("lock cmpxchgq %2, (%1)", : "+a"(old) : "r"(va), "r"(val) : "memory", "cc"));
	default:
		return fault_code(TRAP_OF("lock btrq $1, (%0)", : : "r"(va) : "memory", "cc"));
	}
}

/* A copy of a base has the kernel's slot too; hosted, there is nothing. */
static long seat_copy(const struct seat *s)
{
	long rc = seat_call(s);

	if (!rc)
		pte_write(s->val << 12 | KERNEL_SLOT, 0);
	return rc;
}

static long seat_run(struct seat *s, unsigned vcpu)
{
	switch (s->what) {
	case SEAT_BASE:
		return seat_base(s, vcpu);
	case SEAT_COPY:
		return seat_copy(s);
	case SEAT_LOAD:
		return seat_load(s);
	case SEAT_STORE:
		return seat_store(s);
	default:
		return seat_call(s);
	}
}

void player_serve(void)
{
	unsigned vcpu = vcpu_self();
	struct seat *s = &box.seat[vcpu];
	const struct sched_poll asleep = { .nr_ports = 0 };

	box.serving[vcpu] = 1;
	for (;;) {
		uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);

		/* An NMI that comes in between is lost, and another one comes. */
		if (turn == s->done) {
			sched_op(SCHEDOP_poll, &asleep);
			continue;
		}
		s->rc = seat_run(s, vcpu);
		__atomic_store_n(&s->done, turn, __ATOMIC_RELEASE);
	}
}
