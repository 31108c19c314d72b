/* Virtual CPUs: creation, the reasons not to run, waiting for events.
 *
 * INVARIANT V1: blocking and waking cannot miss each other: the vCPU sets its hold bit, then looks
 * for an event; the sender makes the event visible, then looks at the hold bit (both with full
 * barriers). At least one of them sees the other.
 * INVARIANT V2: the same for polling, with domain->pollers in front of the hold bit.
 * vcpu_info is shared with a hostile guest: what is read from it is only ever used as a truth
 * value.
 * Neighbours: sched.c decides when; hv/event calls vcpu_kick() and vcpu_poll_wake(); hv/pv
 * delivers. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/core/panic.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/domain_ops.h"
#include "hv/dom/sched.h"
#include "hv/dom/time.h"
#include "hv/mem/alloc.h"
#include "hv/mem/frame.h"
#include "protocol/event_channel.h"

void (*vcpu_deliver_event)(struct vcpu *v);
void (*vcpu_raise_virq)(struct vcpu *v, unsigned virq);

struct vcpu *vcpu_current(void)
{
	return vcpu_of(cpu_context_current());
}

struct vcpu *vcpu_find(struct domain *d, unsigned id)
{
	return id < d->max_vcpus ? d->vcpu[index_nospec(id, MAX_VCPUS)] : NULL;
}

/* --- reasons not to run --- */

bool vcpu_is_runnable(const struct vcpu *v)
{
	return READ_ONCE(v->hold) == 0 && READ_ONCE(v->pause_count) == 0 &&
	       READ_ONCE(v->domain->pause_count) == 0;
}

void vcpu_hold(struct vcpu *v, enum vcpu_hold why)
{
	ATOMIC_OR(&v->hold, (uint32_t)why);
	sched_stop(v);
}

void vcpu_release(struct vcpu *v, enum vcpu_hold why)
{
	if (why & HOLD_POLLING)
		ATOMIC_AND(&v->domain->pollers, ~(1u << v->id));
	uint32_t old = ATOMIC_AND(&v->hold, ~(uint32_t)why);
	if (old & (uint32_t)why)
		sched_wake(v);
}

void vcpu_kick(struct vcpu *v)
{
	if (READ_ONCE(v->hold) & (HOLD_BLOCKED | HOLD_POLLING))
		vcpu_release(v, HOLD_BLOCKED | HOLD_POLLING);
	else if (READ_ONCE(v->is_running)) {
		unsigned cpu = READ_ONCE(v->cpu);
		if (cpu != cpu_id())
			cpu_kick(cpu);
	}
}

void vcpu_nmi(struct vcpu *v)
{
	(void)!ATOMIC_XCHG(&v->nmi_pending, true);	/* a full barrier, for V1 */
	vcpu_kick(v);
}

void vcpu_pause_nosync(struct vcpu *v)
{
	ATOMIC_ADD(&v->pause_count, 1u);
	sched_stop(v);
}

void vcpu_wait_stopped(const struct vcpu *v)
{
	if (v == vcpu_current())
		return;
	while (LOAD_ACQUIRE(&v->is_running))
		cpu_relax();
}

void vcpu_pause(struct vcpu *v)
{
	vcpu_pause_nosync(v);
	vcpu_wait_stopped(v);
}

void vcpu_unpause(struct vcpu *v)
{
	uint32_t old = ATOMIC_SUB(&v->pause_count, 1u);
	ASSERT(old > 0);
	if (old == 1)
		sched_wake(v);
}

void vcpu_down(struct vcpu *v)
{
	vcpu_hold(v, HOLD_DOWN);
}

int vcpu_up(struct vcpu *v)
{
	if (!v->is_initialised)
		return -EINVAL;
	vcpu_release(v, HOLD_DOWN);
	return 0;
}

bool vcpu_is_up(const struct vcpu *v)
{
	return !(READ_ONCE(v->hold) & HOLD_DOWN);
}

/* --- waiting for events --- */

bool vcpu_has_event(const struct vcpu *v)
{
	const struct vcpu_info *info = READ_ONCE(v->info);
	if (READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask))
		return true;
	return UNLIKELY(v->ctx.bad_selector) || (UNLIKELY(READ_ONCE(v->nmi_pending)) && !v->nmi_masked);
}

void vcpu_block(struct vcpu *v)
{
	WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
	ATOMIC_OR(&v->hold, (uint32_t)HOLD_BLOCKED);
	if (vcpu_has_event(v))
		ATOMIC_AND(&v->hold, ~(uint32_t)HOLD_BLOCKED);
	else
		sched_stop(v);
}

static bool any_pending(const struct vcpu *v, const uint32_t *ports, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (bit_test(v->domain->shared->evtchn_pending, ports[i]))
			return true;
	return false;
}

int vcpu_poll(struct vcpu *v, const uint32_t *ports, unsigned n, uint64_t timeout_ns)
{
	for (unsigned i = 0; i < n; i++)
		if (ports[i] >= EVTCHN_2L_NR_CHANNELS)
			return -EINVAL;
	if (timer_is_set(&v->poll_timer))
		timer_stop(&v->poll_timer);
	WRITE_ONCE(v->poll_port, n == 1 ? ports[0] : 0);
	ATOMIC_OR(&v->hold, (uint32_t)HOLD_POLLING);
	ATOMIC_OR(&v->domain->pollers, 1u << v->id);
	bool expired = timeout_ns && timeout_ns <= cpu_time_ns();
	if (expired || any_pending(v, ports, n) || vcpu_has_event(v)) {
		vcpu_release(v, HOLD_POLLING);
		return 0;
	}
	if (timeout_ns)
		timer_set(&v->poll_timer, timeout_ns);
	sched_stop(v);
	return 0;
}

void vcpu_poll_wake(struct domain *d, uint32_t port)
{
	for (uint32_t left = READ_ONCE(d->pollers); left; left &= left - 1) {
		struct vcpu *v = d->vcpu[__builtin_ctz(left)];
		uint32_t polled = READ_ONCE(v->poll_port);
		if (polled == 0 || polled == port)
			vcpu_release(v, HOLD_POLLING);
	}
}

void vcpu_yield(struct vcpu *v)
{
	sched_give_way(v);
}

/* --- vcpu_info in a frame of the guest's choice --- */

int vcpu_info_register(struct vcpu *v, mfn_t m, uint64_t offset)
{
	struct vcpu_info *old = v->info, *fresh;
	struct frame *f;
	if (offset > PAGE_SIZE - sizeof *fresh || offset % sizeof(uint64_t))
		return -EINVAL;
	if (v != vcpu_current() && (vcpu_is_up(v) || READ_ONCE(v->is_running)))
		return -EINVAL;
	if (v->info_mfn.n != MFN_INVALID.n)
		return -EBUSY;
	int rc = frame_get_with_type(&v->domain->mem, m, FT_WRITABLE, &f);
	if (rc)
		return rc == -ENOENT ? -EPERM : rc;

	fresh = (void *)((char *)frame_map_keep(m) + offset);
	/* Others send events to the old place, and the guest may write to the new one, while this copies. */
	words_copy((uint64_t *)fresh, (const uint64_t *)old, sizeof *fresh / sizeof(uint64_t));
	v->info_mfn = m;
	STORE_RELEASE(&v->info, fresh);
	SMP_MB();
	/* Events sent meanwhile went to the old place: let the guest scan all. */
	WRITE_ONCE(fresh->evtchn_pending_sel, ~0ull);
	WRITE_ONCE(fresh->evtchn_upcall_pending, 1);
	v->time_valid = false;
	time_update_vcpu(v);
	return 0;
}

void vcpu_info_unregister(struct vcpu *v)
{
	if (v->info_mfn.n == MFN_INVALID.n)
		return;
	struct frame *f = frame_of(v->info_mfn);
	void *mapped = v->info;
	STORE_RELEASE(&v->info, &v->domain->shared->vcpu_info[v->id]);
	v->info_mfn = MFN_INVALID;
	frame_unmap_keep(mapped);
	frame_put_with_type(f);
}

bool upcall_context_owner(const struct cpu_context *ctx, unsigned *domid, unsigned *vcpu)
{
	const struct vcpu *v = container_of(ctx, const struct vcpu, ctx);
	if (ctx->is_idle)
		return false;
	*domid = v->domain->id;
	*vcpu = v->id;
	return true;
}

/* --- creation --- */

static unsigned fpu_order(void)
{
	unsigned order = 0;
	while ((PAGE_SIZE << order) < cpu_features.fpu_size)
		order++;
	return order;
}

static void *fpu_alloc(void)
{
	return cpu_features.fpu_size <= PAGE_SIZE ? heap_alloc(cpu_features.fpu_size)
						  : page_alloc(fpu_order(), 0);
}

static void fpu_free(void *fpu)
{
	if (cpu_features.fpu_size <= PAGE_SIZE)
		heap_free(fpu);
	else
		page_free(fpu, fpu_order());
}

static void vcpu_free(struct vcpu *v)
{
	vcpu_timers_stop(v);
	if (v->sched)
		sched_vcpu_remove(v);
	if (v->ctx.fpu)
		fpu_free(v->ctx.fpu);
	heap_free(v);
}

static int vcpu_parts(struct vcpu *v)
{
	v->ctx.fpu = fpu_alloc();
	if (!v->ctx.fpu)
		return -ENOMEM;
	v->ctx.dirty_cpus = &v->domain->mem.dirty_cpus;
	cpu_context_init(&v->ctx);
	v->hold = HOLD_DOWN;
	v->info_mfn = MFN_INVALID;
	v->info = &v->domain->shared->vcpu_info[v->id];
	v->info->evtchn_upcall_mask = 1;
	vcpu_timers_init(v);
	time_update_vcpu(v);
	int rc = sched_vcpu_add(v);
	return rc ? rc : domain_ops_vcpu_create(v);
}

int vcpu_create(struct domain *d, unsigned id, struct vcpu **out)
{
	if (id >= d->max_vcpus)
		return -EINVAL;
	if (d->vcpu[id])
		return -EEXIST;
	if (domain_is_dying(d))
		return -EINVAL;
	struct vcpu *v = heap_alloc(sizeof *v);
	if (!v)
		return -ENOMEM;
	v->domain = d;
	v->id = id;
	int rc = vcpu_parts(v);
	if (rc) {
		vcpu_free(v);
		return rc;
	}
	STORE_RELEASE(&d->vcpu[id], v);
	*out = v;
	return 0;
}

void vcpu_destroy(struct vcpu *v)
{
	domain_ops_vcpu_destroy(v);
	v->domain->vcpu[v->id] = NULL;
	vcpu_free(v);
}
