/* Runstate: how long a vCPU ran, waited for a CPU, slept, was offline; and the copy its guest
 * reads.
 *
 * The times are kept by sched.c under the queue's lock. The guest's copy is written when the vCPU
 * is loaded and when it leaves its CPU; with vm_assist's update flag the top bit of the entry
 * time is set meanwhile, so that other vCPUs can read it consistently. */
#include "hv/base/atomic.h"
#include "hv/dom/guest_area.h"
#include "hv/dom/sched_policy.h"
#include "hv/dom/time.h"

void runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out)
{
	struct sched_queue *q = sched_queue_lock(v);
	*out = (struct vcpu_runstate_info){
		.state = v->runstate,
		.state_entry_time = v->runstate_entry_ns,
	};
	for (unsigned i = 0; i < 4; i++)
		out->time[i] = v->runstate_ns[i];
	uint64_t now = cpu_time_ns();
	unlock(&q->lock);
	if (now > out->state_entry_time)
		out->time[out->state] += now - out->state_entry_time;
}

/* The copy says what the times were when the state was entered: the guest adds the rest. */
static void snapshot(const struct vcpu *v, struct vcpu_runstate_info *out)
{
	struct sched_queue *q = sched_queue_lock(v);
	*out = (struct vcpu_runstate_info){
		.state = v->runstate,
		.state_entry_time = v->runstate_entry_ns,
	};
	for (unsigned i = 0; i < 4; i++)
		out->time[i] = v->runstate_ns[i];
	unlock(&q->lock);
}

void runstate_update_area(struct vcpu *v)
{
	struct vcpu_runstate_info info;
	struct guest_area area;
	gva_t at_guest = gva(READ_ONCE(v->runstate_area.a));
	if (at_guest.a == 0 || guest_area_open(v, at_guest, sizeof info, &area))
		return;
	snapshot(v, &info);
	const uint64_t at = offsetof(struct vcpu_runstate_info, state_entry_time);
	uint64_t entry = info.state_entry_time;
	bool flag = READ_ONCE(v->domain->vm_assist) & 1u << VMASST_TYPE_runstate_update_flag;
	if (flag) {
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		guest_area_write(&area, at, &info.state_entry_time, sizeof entry);
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}
	guest_area_write(&area, 0, &info, sizeof info);
	if (flag) {
		__atomic_thread_fence(__ATOMIC_RELEASE);
		guest_area_write(&area, at, &entry, sizeof entry);
	}
	guest_area_close(&area);
}

int runstate_area_register(struct vcpu *v, gva_t area)
{
	WRITE_ONCE(v->runstate_area.a, area.a);
	runstate_update_area(v);
	return 0;
}
