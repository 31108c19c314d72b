#include "tests/unit/mem/world.h"
#include "tests/unit/host_machine.h"

struct owner domain[DOMAINS];
unsigned preemptions;
mfn_t world_held;
static struct cpu_context running[MAX_CPUS];
static uint64_t hv_slots[HV_L4_COUNT];
static unsigned preempt_period, preempt_count_down;

static void bases_enumerate(audit_add_fn *add)
{
	for (unsigned i = 0; i < cpu_count(); i++)
		if (running[i].kernel_l4.n)
			add(running[i].kernel_l4, 1, FT_L4, 1);
	if (world_held.n)
		add(world_held, 1, FT_NONE, 0);
}

void world_start(unsigned cpus, uint64_t frames)
{
	host_machine_start(cpus, frames);
	memset(running, 0, sizeof running);
	for (unsigned i = 0; i < HV_L4_COUNT; i++)
		hv_slots[i] = 0x1000 * i | 0x63;
	table_hv_slots = hv_slots;
	table_entries = 512;
	table_slice = 512;
	preempt_every(0);
	world_held = mfn(0);
	for (unsigned d = 0; d < DOMAINS; d++) {
		owner_init(&domain[d], (domid_t)d, d == CTRL);
		ck_assert_int_eq(owner_register(&domain[d]), 0);
	}
	audit_register(bases_enumerate);
	world_check();
}

void world_check(void)
{
	const char *s = host_machine_check();
	ck_assert_msg(!s, "audit: %s", s);
}

mfn_t take(struct owner *o)
{
	mfn_t m;
	ck_assert_int_eq(frame_alloc(o, 0, 0, pfn(M2P_INVALID), &m), 0);
	return m;
}

void poke(mfn_t m, unsigned index, uint64_t value)
{
	ck_assert_int_lt(frame_type_now(frame_of(m)), FT_SEGDESC);
	((uint64_t *)host_frame(m))[index] = value;
}

uint64_t peek(mfn_t m, unsigned index)
{
	return ((uint64_t *)host_frame(m))[index];
}

uint64_t entry(mfn_t m, uint64_t flags)
{
	return m.n << PAGE_SHIFT | flags;
}

maddr_t slot(mfn_t m, unsigned index)
{
	return maddr((m.n << PAGE_SHIFT) + index * 8);
}

struct tree tree_build(struct owner *o)
{
	struct tree t = { take(o), take(o), take(o), take(o), { take(o), take(o), take(o), take(o) } };
	poke(t.l4, 0, entry(t.l3, RW));
	poke(t.l3, 0, entry(t.l2, RW));
	poke(t.l2, 0, entry(t.l1, RW));
	for (unsigned i = 0; i < 4; i++)
		poke(t.l1, i, entry(t.data[i], RW));
	poke(t.l1, 4, entry(t.l4, RO));
	poke(t.l1, 5, entry(t.l3, RO));
	poke(t.l1, 6, entry(t.l2, RO));
	poke(t.l1, 7, entry(t.l1, RO));
	return t;
}

void cpu_run(unsigned cpu, struct owner *o, mfn_t l4)
{
	ck_assert_int_eq(cpu_try_run(cpu, o, l4), 0);
}

int cpu_try_run(unsigned cpu, struct owner *o, mfn_t l4)
{
	struct frame *f;
	struct cpu_context *c = &running[cpu];
	int rc = frame_get_with_type(o, l4, FT_L4, &f);
	if (rc)
		return rc;
	unsigned caller = cpu_id();
	host_cpu_select(cpu);
	mfn_t old = c->kernel_l4;
	*c = (struct cpu_context){ .kernel_mode = true, .kernel_l4 = l4, .dirty_cpus = &o->dirty_cpus };
	cpu_context_switch(c);
	host_cpu_select(caller);
	if (old.n)
		frame_put_with_type(frame_of(old));
	return 0;
}

void cpu_stop_running(unsigned cpu)
{
	mfn_t old = running[cpu].kernel_l4;
	cpu_context_evict(&running[cpu]);
	running[cpu].kernel_l4 = mfn(0);
	if (old.n)
		frame_put_with_type(frame_of(old));
}

static void preempt_hook(void)
{
	if (preempt_period && ++preempt_count_down % preempt_period == 0) {
		preemptions++;
		work_raise(cpu_id(), WORK_RESCHED);
	}
}

void preempt_every(unsigned n)
{
	preempt_period = n;
	preempt_count_down = 0;
	host_hook_preempt = preempt_hook;
}
