/* Points: where the modelled machine can let another CPU act. Layer: cpu; hosted build only.
 *
 * The hosted build includes this before every file (-include), so that hv/base/atomic.h makes a point
 * of each marked access. Without a hook a point is one test of a pointer. The usual hook is that of
 * fibers_run() (fiber.h). A point stands before the access. */
#pragma once

enum host_point {
	POINT_LOOK,	/* marked load or store: READ_ONCE, WRITE_ONCE, LOAD_ACQUIRE */
	POINT_STEP,	/* read-modify-write, releasing store, fence; so every lock and unlock */
	POINT_FLUSH,	/* a TLB flush, once for each CPU it reaches */
	POINT_WINDOW,	/* cpu_preempt_window() */
	POINT_GUEST,	/* a guest's load or store, or a page of a copy from or to a guest */
	POINT_RELAX,	/* cpu_relax(): cannot go on before another CPU does something */
	POINT_END,	/* fiber.h: a CPU has finished */
};
extern void (*host_yield_hook)(enum host_point why);

static inline void host_point(enum host_point why)
{
	if (__builtin_expect(host_yield_hook != (void (*)(enum host_point))0, 0))
		host_yield_hook(why);
}
#define ATOMIC_POINT(kind) host_point(POINT_##kind)
