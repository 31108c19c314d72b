/* The world: built with the hypervisor's own functions, driven by hypercalls.
 *
 * vCPU 0 of each domain may run on CPU 0 only and vCPU 1 on CPU 1 only; those that do not act are down. So the
 * scheduler has no choice, but does all it does. Arguments lie in a window of guest addresses that is no RAM. */
#include <stdio.h>
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/mem/alloc.h"
#include "protocol/xen.h"
#include "tests/unit/host_machine.h"
#include "tests/unit/interleave/world.h"
#include "tests/unit/layers.h"

#define CPUS 2u
#define RAM_FRAMES 176u
#define MUST(rc) do { \
	int rc_ = (rc); \
	if (rc_) \
		panic("%s:%d: %s: %d", __FILE__, __LINE__, #rc, rc_); \
} while (0)

struct guest guest[GUESTS];
int world_preempted_cpu;
static enum who acting[CPUS];
static uint64_t page[CPUS][3 * PAGE_SIZE / 8];
static uint64_t hv_slots[HV_L4_COUNT];

static void window(void)
{
	if ((int)cpu_id() == world_preempted_cpu)
		work_raise(cpu_id(), WORK_CONSOLE);
}

static void panicked(const char *text, size_t n)
{
	(void)fwrite(text, 1, n, stdout);
}

static void machine_start(void)
{
	panic_init(panicked, false);
	host_machine_start(CPUS, RAM_FRAMES);
	host_geometry(WORLD_ENTRIES);
	table_entries = WORLD_ENTRIES;
	table_slice = 512;
	table_hv_slots = hv_slots;
	layers_start(maddr(0));
	host_hook_preempt = window;
	layers_start_cpus(CPUS);
	memset(page, 0, sizeof page);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		host_window(cpu, ARGUMENT_VA, page[cpu], sizeof page[cpu]);
}

/* --- domains --- */

static void link_to(const struct guest *g, enum what table, unsigned i, enum what to, uint64_t flags)
{
	uint64_t *p = host_frame(g->m[table]);
	p[i] = pte_make(g->m[to], PTE_PRESENT | PTE_USER | flags);
}

static void tables_write(struct guest *g)
{
	for (unsigned i = 0; i < FREE1; i++)
		MUST(frame_alloc(&g->d->mem, 0, 0, pfn(M2P_INVALID), &g->m[i]));
	MUST(frame_alloc(&g->d->mem, 1, 0, pfn(M2P_INVALID), &g->m[FREE1]));
	g->m[FREE2] = mfn(g->m[FREE1].n + 1);
	link_to(g, L4, 0, L3, PTE_WRITE);
	link_to(g, L3, 0, L2, PTE_WRITE);
	link_to(g, L2, 0, L1, PTE_WRITE);
	for (unsigned i = 0; i < 3; i++)
		link_to(g, L1, 1 + i, DATA1 + i, PTE_WRITE);
	link_to(g, S4, 0, S3, PTE_WRITE);
	link_to(g, S3, 0, S2, PTE_WRITE);
	link_to(g, S2, 0, S1, PTE_WRITE);
	link_to(g, S1, 0, DATA1, 0);
	link_to(g, S1, 1, DATA2, PTE_WRITE);
}

static void vcpu_load(struct guest *g, unsigned id)
{
	static struct vcpu_guest_context c;
	struct vcpu *v;
	MUST(vcpu_create(g->d, id, &v));
	memset(&c, 0, sizeof c);
	c.flags = VGCF_in_kernel;
	c.ctrlreg[3] = mfn_to_maddr(g->m[L4]).a;
	c.user_regs.rip = 0x1000;
	int rc;
	while ((rc = pv_vcpu_set_context(v, &c)) == -ERESTART)
		world_settle();
	MUST(rc);
	MUST(sched_affinity_set(v, 1ull << id, ~0ull));
}

static void guest_build(enum who who)
{
	struct guest *g = &guest[who];
	struct domain_config c = {
		.max_vcpus = 2, .max_ports = 8, .max_grant_frames = 2, .max_maptrack_frames = 1,
		.is_control = who == DOM0,
	};
	MUST(domain_create((domid_t)who, &c, &g->d));
	g->d->mem.frame_max = FRAMES + 2;
	tables_write(g);
	vcpu_load(g, 0);
	vcpu_load(g, 1);
}

void world_settle(void)
{
	unsigned before = cpu_id();
	for (bool again = true; again;) {
		again = false;
		for (unsigned cpu = 0; cpu < CPUS; cpu++) {
			host_cpu_select(cpu);
			again |= come_by();
		}
	}
	host_cpu_select(before);
}

/* @who's vCPU @cpu is up and the only one there. */
static void act_as(enum who who, unsigned cpu)
{
	acting[cpu] = who;
	for (unsigned i = 0; i < GUESTS; i++)
		if (i != who)
			vcpu_hold(guest[i].d->vcpu[cpu], HOLD_DOWN);
	vcpu_release(guest[who].d->vcpu[cpu], HOLD_DOWN);
	world_settle();
	host_cpu_select(cpu);
	MUST(vcpu_current() != self_vcpu());
	host_cpu_select(0);
}

void world_build(const struct act *a, const struct act *b)
{
	machine_start();
	world_preempted_cpu = -1;
	for (enum who w = DOM0; w < GUESTS; w++) {
		guest_build(w);
		MUST(domain_control_unpause(guest[w].d));
	}
	act_as(a->who, 0);
	act_as(b->who, 1);
}

void prepare(enum who who, act_fn *fn, unsigned x, unsigned y)
{
	enum who before = acting[0];
	act_as(who, 0);
	int64_t rc = fn(x, y);
	if (rc < 0 || world_judge())
		panic("a preparation failed: %lld", (long long)rc);
	act_as(before, 0);
	memset(page[0], 0, sizeof page[0]);
}

/* --- acting --- */

struct guest *self(void)
{
	return &guest[acting[cpu_id()]];
}

struct vcpu *self_vcpu(void)
{
	return self()->d->vcpu[cpu_id()];
}

void *argument(size_t offset)
{
	return (char *)page[cpu_id()] + offset;
}

bool come_by(void)
{
	bool asked = host_kicked(cpu_id());
	if (!asked && !work_is_pending())
		return false;
	(void)return_try();
	return true;
}

#define SYSCALL_BYTES 2u
int64_t hyper(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct vcpu *v = vcpu_current();
	struct cpu_regs *r = &v->ctx.regs;
	if (!v->domain)
		return ACT_CUT;
	uint64_t rip = r->rip;
	r->rax = nr;
	r->rdi = a0;
	r->rsi = a1;
	r->rdx = a2;
	r->r10 = a3;
	r->r8 = r->r9 = 0;
	for (;;) {
		r->rip = rip + SYSCALL_BYTES;
		call_dispatch(v);
		bool done = r->rip == rip + SYSCALL_BYTES;
		int64_t rc = (int64_t)r->rax;
		(void)return_try();
		if (done)
			return rc;
		if (vcpu_current() != v)
			return ACT_CUT;
	}
}

const char *world_judge(void)
{
	unsigned before = cpu_id();
	const char *broken = NULL;
	for (unsigned cpu = 0; cpu < CPUS && !broken; cpu++) {
		host_cpu_select(cpu);
		broken = host_machine_check();
	}
	host_cpu_select(before);
	return broken;
}
