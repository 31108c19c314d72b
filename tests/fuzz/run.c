/* Carrying out an operation: as the hypercall a guest would make, on the CPU of its vCPU, again and again while it is
 * preempted, with the other CPUs coming by where they are asked to.
 * Neighbours: run_memory.c and run_domains.c make the hypercalls, run_guest.c does the rest. */
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/cpu/host/host.h"
#include "hv/dom/sched.h"
#include "hv/mem/alloc.h"
#include "tests/fuzz/fuzz_world.h"
#include "protocol/hypercall.h"

#define RESTARTS_MAX 100000u

static unsigned cut_every, windows;	/* preempt at every cut_every-th check; 0: never */
static unsigned fail_at, allocations;	/* the fail_at-th allocation fails; 0: none */
static bool fail_met;

/* CPUs that are in the middle of something (pair.c): nobody else may move them. */
uint64_t world_busy;
char world_cut_broken[160];

/* --- hooks --- */

static void window_hook(void)
{
	if (cut_every && ++windows % cut_every == 0)
		work_raise(cpu_id(), WORK_CONSOLE);	/* nobody's work: only a reason to stop */
}

static bool refuse_hook(void)
{
	bool now = fail_at && ++allocations == fail_at;
	fail_met |= now;
	return now;
}

void world_come_by(void)
{
	unsigned self = cpu_id();
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu == self || (world_busy >> cpu & 1))
			continue;
		host_cpu_select(cpu);
		world_busy |= 1ull << cpu;	/* one at a time, also if we are switched away from in there */
		(void)return_try();
		world_busy &= ~(1ull << cpu);
	}
	host_cpu_select(self);
}

void world_hooks_set(void)
{
	cut_every = fail_at = 0;
	world_busy = 0;
	world_cut_broken[0] = 0;
	host_hook_preempt = window_hook;
	host_hook_relax = world_come_by;
	alloc_refuse = refuse_hook;
}

void world_settle(void)
{
	unsigned self = cpu_id();
	for (bool again = true; again;) {
		again = false;
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			if (cpu != self && (world_busy >> cpu & 1))
				continue;
			host_cpu_select(cpu);
			if (!host_kicked(cpu) && !work_is_pending())
				continue;
			uint64_t was = world_busy & 1ull << cpu;
			world_busy |= 1ull << cpu;
			(void)return_try();
			world_busy = (world_busy & ~(1ull << cpu)) | was;
			again = true;
		}
	}
	host_cpu_select(self);
}

static void how_begin(const struct op *how)
{
	cut_every = how->cut ? (how->cut & 15 ? how->cut & 15 : 16) : 0;
	fail_at = how->fail;
	windows = allocations = 0;
	fail_met = false;
}

static void how_end(void)
{
	cut_every = fail_at = 0;
}

/* --- acting --- */

static struct vcpu *vcpu_at(unsigned slot, unsigned vcpu)
{
	return world_slot[slot].d ? world_slot[slot].d->vcpu[vcpu] : NULL;
}

bool world_can_act(unsigned slot, unsigned vcpu)
{
	struct vcpu *v = vcpu_at(slot, vcpu);
	if (!v)
		return false;
	host_cpu_select(world_cpu[slot][vcpu]);
	return vcpu_current() == v && vcpu_is_runnable(v);
}

/* Enter with the registers of @r; true while the same call is to be made again. */
static bool call_once(struct request *r, bool first)
{
	struct cpu_regs *regs = &r->v->ctx.regs;
	if (first) {
		regs->rax = r->nr;
		regs->rdi = r->arg[0];
		regs->rsi = r->arg[1];
		regs->rdx = r->arg[2];
		regs->r10 = r->arg[3];
		regs->r8 = r->arg[4];
		regs->r9 = r->arg[5];
	}
	regs->rsp = WINDOW_STACK;
	regs->rip = WINDOW_CODE + 2;
	r->v->ctx.kernel_mode = true;
	call_dispatch(r->v);
	return regs->rip == WINDOW_CODE;
}

/* Between two operations that run at once nothing can be said. */
static void judge(void)
{
	const char *s = world_busy ? NULL : world_check();
	if (s && !world_cut_broken[0])
		string_copy(world_cut_broken, s, sizeof world_cut_broken);
}

static void call_run_whole(const struct act *a, struct request *r, void (*between)(void *), void *arg,
			   struct outcome *o)
{
	bool first = true;
	while (call_once(r, first)) {
		first = false;
		if (++o->restarts > RESTARTS_MAX)
			panic("I16: a hypercall does not advance");
		judge();
		struct cpu_regs saved = r->v->ctx.regs;
		if (between && o->restarts == 1) {
			between(arg);
			judge();
		}
		world_settle();
		host_cpu_select(world_cpu[a->slot][a->vcpu]);
		(void)return_try();
		if (vcpu_at(a->slot, a->vcpu) != r->v || vcpu_current() != r->v)
			return;
		r->v->ctx.regs = saved;		/* an event's frame would have returned to here */
	}
	o->ran = true;
	o->rc = (int64_t)r->v->ctx.regs.rax;
}

static void hypercall_run(const struct act *a, void (*between)(void *), void *arg, struct outcome *o)
{
	struct request r = { .v = vcpu_at(a->slot, a->vcpu), .window = world_window[a->slot][a->vcpu] };
	struct domain *d = r.v->domain;
	bool memory = a->kind <= OP_GRANT_COPY;
	if (!(memory ? request_memory(a, &r) : request_domains(a, &r)))
		return;
	domain_get(d);
	call_run_whole(a, &r, between, arg, o);
	if (o->ran)
		(memory ? answer_memory : answer_domains)(a, &r, o);
	o->crashed = d->is_shut_down && d->shutdown_code == 3 && world_slot[a->slot].d == d;
	domain_put(d);
}

bool world_is_harness(unsigned kind)
{
	return kind == OP_CREATE || kind == OP_REVIVE || kind == OP_MIGRATE || kind == OP_ADVANCE;
}

void world_act(const struct act *a, void (*between)(void *), void *arg, struct outcome *o)
{
	if (!world_can_act(a->slot, a->vcpu))
		return;
	if (a->kind == OP_LOAD || a->kind == OP_STORE)
		guest_access_run(a, vcpu_at(a->slot, a->vcpu), o);
	else if (a->kind == OP_GRANT || a->kind == OP_PORT_MASK)
		o->ran = guest_plain_run(a);
	else
		hypercall_run(a, between, arg, o);
}

void world_run(const struct act *a, const struct op *how, void (*between)(void *), void *arg, struct outcome *out)
{
	*out = (struct outcome){ .ran = false };
	how_begin(how);
	if (world_is_harness(a->kind))
		harness_run(a, out);
	else
		world_act(a, between, arg, out);
	out->failed_alloc = fail_met;
	how_end();
	world_settle();
}
