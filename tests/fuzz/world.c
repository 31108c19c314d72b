/* The machine under test: how it begins, how domains are born, and what must hold.
 * Each vCPU has a CPU of its own, so that all of them keep what their TLBs hold; MIGRATE exchanges two.
 * Neighbours: run.c (operations), resolve.c (operands), judge.c. */
#include <stdio.h>
#include <stdlib.h>
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/work.h"
#include "hv/mem/alloc.h"
#include "hv/mem/table.h"
#include "tests/fuzz/fuzz_world.h"
#include "tests/unit/layers.h"

#define CPUS (SLOTS * VCPUS)
#define TLB_ENTRIES 24u

const struct world_config world_default = {
	.frames = 120, .slots = 3, .entries = 8, .slice = 512, .count_limit = 1ull << 40, .frame_max = 14,
};
struct world_config world_config;
struct slot world_slot[SLOTS];
uint64_t world_hv_frame;
uint8_t world_window[SLOTS][VCPUS][WINDOW_PAGES * PAGE_SIZE];
unsigned world_cpu[SLOTS][VCPUS];

static struct frame *frames;
static uint64_t *m2p;
static uint64_t hv_slots[HV_L4_COUNT];
static domid_t next_id;

static struct { uint64_t free, heap; } at_start;

static void panicked(const char *text, size_t n)
{
	(void)fwrite(text, 1, n, stderr);
}

/* Nobody stops the modelled machine: dom0's shutdown is an answer like any other. */
static void stopped(unsigned code)
{
	(void)code;
}

static void memory_start(void)
{
	uint64_t n = world_config.frames;
	host_reset(CPUS, n);
	host_geometry(world_config.entries);
	host_tlb_size = TLB_ENTRIES;
	free(frames);
	free(m2p);
	frames = aligned_alloc(64, align_up(n * sizeof *frames, 64));
	m2p = aligned_alloc(64, align_up(n * sizeof *m2p, 64));
	if (!frames || !m2p)
		abort();
	frame_table_init(frames, m2p, n);
	frame_table_add_ram(mfn(0), n);
	alloc_refuse = NULL;
	table_hv_slots = hv_slots;
	table_entries = world_config.entries;
	table_slice = world_config.slice;
	frame_count_limit = world_config.count_limit;
	audit_register_check(world_judge);
	if (table_protect_mmio(mfn(n + 17)))
		abort();
}

static void machine_start(void)
{
	layers_start(maddr(0));
	layers_start_cpus(CPUS);
	machine_shutdown = stopped;
	world_hooks_set();
}

/* --- births --- */

static domid_t id_choose(unsigned slot)
{
	if (slot == 0)
		return 0;
	do
		next_id = (domid_t)(next_id % (DOMID_LIMIT - 1) + 1);
	while (owner_by_domid(next_id));
	return next_id;
}

/* The start context: every vector and callback leads into the window, the stack is its second page. */
static int vcpu_begin(struct vcpu *v, uint64_t home)
{
	static struct vcpu_guest_context ctx;
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[3] = home << PAGE_SHIFT;
	ctx.user_regs.rip = WINDOW_CODE;
	ctx.user_regs.rsp = WINDOW_STACK;
	ctx.kernel_sp = WINDOW_STACK;
	ctx.event_callback_eip = WINDOW_HANDLER;
	ctx.failsafe_callback_eip = WINDOW_HANDLER;
	for (unsigned i = 0; i < 20; i++)
		ctx.trap_ctxt[i] = (struct trap_info){ (uint8_t)i, 0, FLAT_CS64, WINDOW_HANDLER };
	int rc;
	while ((rc = pv_vcpu_set_context(v, &ctx)) == -ERESTART)
		work_run();
	return rc ? rc : vcpu_up(v);
}

static int frames_give(struct slot *s)
{
	mfn_t m;
	int rc = frame_alloc(&s->d->mem, 0, 0, pfn(M2P_INVALID), &m);
	if (rc)
		return rc;
	s->home = m.n;
	for (unsigned i = 0; i < POOL_START && !rc; i++) {
		rc = frame_alloc(&s->d->mem, 0, 0, pfn(i), &m);
		if (rc)
			break;
		s->pool[i] = m.n;
	}
	return rc;
}

static int vcpus_make(struct slot *s, unsigned slot)
{
	struct vcpu *v;
	int rc = 0;
	for (unsigned i = 0; i < VCPUS && !rc; i++)
		rc = vcpu_create(s->d, i, &v);
	for (unsigned i = 0; i < VCPUS && !rc; i++)
		rc = sched_affinity_set(s->d->vcpu[i], 1ull << world_cpu[slot][i], ~0ull);
	return rc;
}

static void slot_clear(struct slot *s)
{
	s->d = NULL;
	s->home = s->released = NO_FRAME;
	for (unsigned i = 0; i < POOL; i++)
		s->pool[i] = NO_FRAME;
	memset(s->handle, 0, sizeof s->handle);
}

int world_birth(unsigned slot)
{
	const struct domain_config config = { .max_vcpus = VCPUS, .max_ports = PORTS + 1, .max_grant_frames = 2,
					      .max_maptrack_frames = 1, .is_control = slot == 0 };
	struct slot *s = &world_slot[slot];
	slot_clear(s);
	s->id = id_choose(slot);
	int rc = domain_create(s->id, &config, &s->d);
	if (rc)
		return rc;
	s->d->mem.frame_max = slot == 0 ? 24 : world_config.frame_max;
	rc = vcpus_make(s, slot);
	if (!rc)
		rc = frames_give(s);
	for (unsigned i = 0; i < VCPUS && !rc; i++)
		rc = vcpu_begin(s->d->vcpu[i], s->home);
	if (rc == 0)
		rc = domain_control_unpause(s->d);
	if (rc)
		world_death(slot);
	else
		world_settle();
	return rc;
}

void world_windows_place(void)
{
	for (unsigned i = 0; i < SLOTS * VCPUS; i++)
		host_window(world_cpu[i / VCPUS][i % VCPUS], WINDOW_VA, world_window[i / VCPUS][i % VCPUS],
			    WINDOW_PAGES * PAGE_SIZE);
}

/* The slot forgets a domain that is dead, never came to life, or whose destroyer stopped half way. */
void world_death(unsigned slot)
{
	struct domain *d = world_slot[slot].d;
	slot_clear(&world_slot[slot]);
	if (!d || d->dying == DOMAIN_DEAD)
		return;
	domain_get(d);
	for (unsigned cpu = 0; domain_current() == d; cpu++)
		host_cpu_select(cpu);		/* nobody kills himself */
	int rc;
	while ((rc = domain_kill(d)) == -ERESTART)
		world_settle();
	if (rc)
		panic("fuzz: domain %u cannot be killed (%d)", d->id, rc);
	domain_put(d);
	world_settle();
}

void world_start(const struct world_config *c)
{
	world_config = *c;
	next_id = 0;
	panic_init(panicked, false);
	log_set_levels(LOG_ERR, LOG_ERR);
	memset(world_window, 0, sizeof world_window);
	for (unsigned s = 0; s < SLOTS; s++)
		for (unsigned v = 0; v < VCPUS; v++)
			world_cpu[s][v] = s * VCPUS + v;
	for (unsigned s = 0; s < SLOTS; s++) {
		slot_clear(&world_slot[s]);
		world_slot[s].id = (domid_t)(DOMID_LIMIT + s);
	}
	memory_start();
	world_windows_place();
	machine_start();
	/* What is made once and stays (blocks of the table of owners) is made by a first life. */
	if (world_birth(1))
		panic("fuzz: the machine is too small for a domain");
	world_death(1);
	at_start.free = frame_free_count();
	at_start.heap = heap_pages_in_use();
	for (unsigned s = 0; s < c->slots; s++)
		if (world_birth(s))
			panic("fuzz: the machine is too small for %u domains", c->slots);
	world_hv_frame = page_mfn(dom0).n;
}

/* Also the control domain: what it had mapped of others goes with it, and then nothing at all may be left. */
const char *world_end(void)
{
	static char text[96];
	dom0 = NULL;
	for (unsigned s = SLOTS; s-- > 0;)
		if (world_slot[s].d)
			world_death(s);
	host_time_advance(1000000000);		/* the reaper looks for zombies */
	world_settle();
	if (frame_free_count() == at_start.free && heap_pages_in_use() == at_start.heap)
		return frame_audit();
	(void)format_string(text, sizeof text, "I12: all are dead: %llu frames free of %llu, %llu heap pages for %llu",
			    (unsigned long long)frame_free_count(), (unsigned long long)at_start.free,
			    (unsigned long long)heap_pages_in_use(), (unsigned long long)at_start.heap);
	return text;
}
