/* The last stop before a guest runs, on the way out of every hypercall, trap and interrupt.
 *
 * With no work pending and no event deliverable this is a few dozen instructions: keep it so.
 * Interrupts are disabled here, so what another CPU asks for after the last look arrives as
 * its interrupt as soon as the guest runs, or ends cpu_idle().
 * INVARIANT I15: no lock is held when a guest resumes.
 * Neighbours: hv/core/work.c, sched.c; vcpu_deliver_event is hv/pv's. */
#include "hv/core/lock.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/vcpu.h"

struct cpu_context *return_try(void)
{
	for (;;) {
		if (UNLIKELY(work_is_pending()))
			work_run();
		struct vcpu *v = vcpu_current();
		if (UNLIKELY(v->domain == NULL))
			return NULL;
		if (LIKELY(!vcpu_has_event(v)))
			return &v->ctx;
		vcpu_deliver_event(v);
		/* The guest may have crashed in there, or asked for more. */
		if (LIKELY(!work_is_pending()))
			return &v->ctx;
	}
}

struct cpu_context *upcall_return(void)
{
	struct cpu_context *ctx;
	while ((ctx = return_try()) == NULL)
		cpu_idle();
	ASSERT(lock_held_count() == 0);
	return ctx;
}
