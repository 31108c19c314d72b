/* Time of a small PV kernel: the public formula over vcpu_time_info, read under its version. */
#include "examples/pv/clock.h"

#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"

static uint64_t tsc_read(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t clock_ns(void)
{
	volatile struct vcpu_time_info *t = &vcpu_info_of(vcpu_self())->time;
	uint64_t ns, delta;
	uint32_t version;

	do {
		version = t->version & ~1u;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		delta = tsc_read() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (t->version != version);
	return ns;
}

long timer_set(uint64_t deadline_ns)
{
	struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = deadline_ns };

	return vcpu_op(VCPUOP_set_singleshot_timer, vcpu_self(), &timer);
}

void sleep_until(uint64_t deadline_ns)
{
	evtchn_port_t none = 0;
	struct sched_poll poll = { .ports = (uint64_t)&none, .timeout = deadline_ns };

	while (clock_ns() < deadline_ns)
		sched_op(SCHEDOP_poll, &poll);
}
