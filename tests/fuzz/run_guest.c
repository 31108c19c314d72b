/* What a guest does without a hypercall (loads, stores, writes to pages it shares with the hypervisor), and what the
 * harness does to domains.
 *
 * A faulting access goes the way of the machine: the exception arrives at upcall_trap(), which carries out a store to
 * a page table or enters the guest's handler in the window. */
#include "hv/base/atomic.h"
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/sched.h"
#include "hv/grant/grant.h"
#include "hv/mem/frame.h"
#include "tests/fuzz/fuzz_world.h"
#include "protocol/grant_table.h"

/* --- loads and stores --- */

/* The instructions of STORE_*: mov [rdi], rax; xchg [rdi], rax; lock cmpxchg [rdi], rcx; lock btr [rdi], 1. */
static const struct { uint8_t length, bytes[6]; } stores[STORE_COUNT] = {
	{ 3, { 0x48, 0x89, 0x07 } },
	{ 3, { 0x48, 0x87, 0x07 } },
	{ 5, { 0xf0, 0x48, 0x0f, 0xb1, 0x0f } },
	{ 6, { 0xf0, 0x48, 0x0f, 0xba, 0x37, 0x01 } },
};

#define FLAG_ZERO 0x40u

static uint64_t store_result(unsigned how, uint64_t old, uint64_t val)
{
	return how == 3 ? old & ~2ull : val;
}

/* The store as the modelled CPU does it. *value: what it stored. */
static unsigned store_try(unsigned cpu, const struct act *a, uint64_t *value)
{
	uint64_t old = 0;
	unsigned how = a->n % STORE_COUNT;
	if (how == 3) {		/* what stands there decides; the walk for writing comes first */
		unsigned fault = host_guest_load(cpu, a->va, &old);
		if (fault)
			return fault | FAULT_WRITE;
	}
	*value = store_result(how, old, a->val);
	return host_guest_store(cpu, a->va, *value);
}

static void trap_enter(struct vcpu *v, const struct act *a, unsigned fault)
{
	struct cpu_regs *r = &v->ctx.regs;
	unsigned how = a->n % STORE_COUNT;
	uint64_t now = 0;
	memcpy(world_window[a->slot][a->vcpu] + (WINDOW_CODE - WINDOW_VA), stores[how].bytes, sizeof stores[how].bytes);
	/* cmpxchg of what is there, so that it succeeds. */
	bool seen = host_guest_load(cpu_id(), a->va, &now) == 0;
	r->rdi = a->va;
	r->rax = how == 2 && seen ? now : a->val;
	r->rcx = a->val;
	r->rip = WINDOW_CODE;
	r->rsp = WINDOW_STACK;
	r->vector = 14;
	r->error_code = fault & 0x1f;
	v->ctx.kernel_mode = true;
	host_fault_address = a->va;
	upcall_trap(&v->ctx);
}

void guest_access_run(const struct act *a, struct vcpu *v, struct outcome *o)
{
	unsigned cpu = cpu_id(), fault;
	struct domain *d = v->domain;
	uint64_t value = 0;
	o->ran = true;
	if (a->kind == OP_LOAD)
		fault = host_guest_load(cpu, a->va, &value);
	else
		fault = store_try(cpu, a, &value);
	o->rc = fault;
	o->value = value;
	if (!fault) {
		o->frame[0] = host_reached;
		o->frames = 1;
		return;
	}
	domain_get(d);
	trap_enter(v, a, fault);
	o->done = v->ctx.regs.rip == WINDOW_CODE + stores[a->n % STORE_COUNT].length;
	o->value = o->done && a->n % STORE_COUNT == 2 && !(v->ctx.regs.rflags & FLAG_ZERO);
	o->crashed = d->is_shut_down;
	domain_put(d);
}

/* --- shared pages --- */

static bool entry_write(const struct act *a)
{
	static const uint16_t flags[] = { GTF_invalid, GTF_permit_access, GTF_permit_access | GTF_readonly,
					  GTF_accept_transfer };
	struct domain *d = world_slot[a->slot].d;
	mfn_t m = grant_frame(d, 0);
	if (m.n == MFN_INVALID.n || a->ref >= REFS)
		return false;
	union { struct grant_entry_v1 e; uint64_t word; } entry = {
		.e = { flags[a->n % 4], a->domid, (uint32_t)a->m } };
	uint64_t *at = (uint64_t *)host_frame(m) + a->ref;
	/* As guests do: not while it is in use, unless they are hostile (n has bit 7). */
	if ((*at & (GTF_reading | GTF_writing)) && !(a->n & 0x80))
		return false;
	*at = entry.word;
	return true;
}

bool guest_plain_run(const struct act *a)
{
	struct domain *d = world_slot[a->slot].d;
	if (a->kind == OP_GRANT)
		return entry_write(a);
	if (a->port > PORTS)
		return false;
	ATOMIC_OR(&d->shared->evtchn_mask[a->port / 64], 1ull << a->port % 64);
	return true;
}

/* --- the harness --- */

static bool revive(const struct act *a)
{
	struct slot *s = world_slot_of(a->domid, a->slot);
	if (!s || a->vcpu_id >= VCPUS)
		return false;
	struct vcpu *v = s->d->vcpu[a->vcpu_id];
	vcpu_release(v, HOLD_BLOCKED);
	vcpu_release(v, HOLD_POLLING);
	vcpu_release(v, HOLD_DOWN);
	if (s->d->paused_by_control)
		return domain_control_unpause(s->d) == 0;
	return true;
}

static bool migrate(const struct act *a)
{
	unsigned *mine, *theirs = NULL, cpu = a->n % (SLOTS * VCPUS);
	struct slot *s = world_slot_of(a->domid, a->slot);
	if (!s || a->vcpu_id >= VCPUS)
		return false;
	mine = &world_cpu[s - world_slot][a->vcpu_id];
	for (unsigned i = 0; i < SLOTS * VCPUS; i++)
		if (world_cpu[i / VCPUS][i % VCPUS] == cpu)
			theirs = &world_cpu[i / VCPUS][i % VCPUS];
	if (!theirs || theirs == mine)
		return false;
	*theirs = *mine;
	*mine = cpu;
	world_windows_place();
	for (unsigned i = 0; i < SLOTS * VCPUS; i++) {
		struct domain *d = world_slot[i / VCPUS].d;
		if (d && sched_affinity_set(d->vcpu[i % VCPUS], 1ull << world_cpu[i / VCPUS][i % VCPUS], ~0ull))
			return false;
	}
	return true;
}

void harness_run(const struct act *a, struct outcome *o)
{
	struct slot *s = world_slot_of(a->domid, a->slot);
	host_cpu_select(0);
	switch (a->kind) {
	case OP_CREATE: {
		unsigned slot = 1 + a->raw[0] % (SLOTS - 1);
		if (slot >= world_config.slots || world_slot[slot].d)
			return;
		o->rc = world_birth(slot);
		o->ran = true;
		return;
	}
	case OP_REVIVE:
		o->ran = s && revive(a);
		return;
	case OP_MIGRATE:
		o->ran = migrate(a);
		return;
	default:
		host_time_advance(a->n * 100000ull);
		o->ran = true;
	}
}
