/* Fibers: a stack per CPU and the switch between them.
 *
 * The switch saves what a function call preserves on the old stack and continues on the new one.
 * Waiting: a CPU that spins passes POINT_RELAX each round. If nothing but that and loads happens for many
 * rounds of everybody, nobody's condition can come true any more. (Many: loads alone may be progress, of
 * somebody who looks through a page while the others wait.)
 * AddressSanitizer has to know which stack is in use; its functions are weak here, absent without it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "hv/cpu/host/fiber.h"
#include "hv/cpu/host/host.h"

#define STACK_BYTES (256u << 10)
#define IDLE_ROUNDS 1000u
#define WEAK __attribute__((weak))

void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size) WEAK;
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size) WEAK;
void __asan_unpoison_memory_region(const volatile void *at, size_t size) WEAK;

/* Save *@from, continue at @to. */
void fiber_switch(void **from, void *to);
__asm__(".text\n"
	".globl fiber_switch\n"
	".type fiber_switch, @function\n"
	"fiber_switch:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size fiber_switch, . - fiber_switch\n");

static struct fibers *running;
static char *stacks;				/* one after another */
static enum fibers_end end;
static const void *caller_bottom;		/* for the sanitizer: the stack of fibers_run() */
static size_t caller_size;

static char *stack_of(unsigned i)
{
	return stacks + i * (size_t)STACK_BYTES;
}

/* @to: FIBERS_MAX is the caller of fibers_run(). */
static void switch_to(struct fibers *s, unsigned to)
{
	unsigned from = s->self;
	bool leaves = from < FIBERS_MAX && !(s->live >> from & 1);
	void *fake = NULL;
	const void *bottom;
	size_t size;
	s->self = to;
	s->switches++;
	if (from < FIBERS_MAX)
		s->at[from] = cpu_id();		/* perhaps not its own: who waits may act for an idle CPU */
	if (to < FIBERS_MAX)
		host_cpu_select(s->at[to]);
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(leaves ? NULL : &fake, to < FIBERS_MAX ? stack_of(to) : caller_bottom,
					       to < FIBERS_MAX ? STACK_BYTES : caller_size);
	fiber_switch(&s->sp[from], s->sp[to]);
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(fake, &bottom, &size);
}

static void give_up(struct fibers *s, enum fibers_end why)
{
	end = why;
	switch_to(s, FIBERS_MAX);
}

static unsigned next_live(const struct fibers *s, unsigned self)
{
	unsigned to = self;
	do
		to = (to + 1) % s->n;
	while (to != self && !(s->live >> to & 1));
	return to;
}

static void point(enum host_point why)
{
	struct fibers *s = running;
	unsigned self = s->self;
	host_yield_hook = NULL;
	unsigned to = s->choose(s, self, why);
	host_yield_hook = point;
	s->points++;
	s->points_of[self]++;
	if (why != POINT_RELAX && why != POINT_LOOK)
		s->idle_rounds = 0;
	else if (why == POINT_RELAX && ++s->idle_rounds > IDLE_ROUNDS * s->n)
		give_up(s, FIBERS_STUCK);
	if (s->points_max && s->points > s->points_max)
		give_up(s, FIBERS_ENDLESS);
	if (to >= s->n || !(s->live >> to & 1) || (to == self && why >= POINT_RELAX))
		to = next_live(s, self);
	if (to != self)
		switch_to(s, to);
}

/* Where a fiber begins. */
static void fiber_main(void)
{
	struct fibers *s = running;
	unsigned self = s->self;
	if (__sanitizer_finish_switch_fiber) {
		const void *bottom;
		size_t size;
		__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
		if (!caller_bottom) {
			caller_bottom = bottom;
			caller_size = size;
		}
	}
	s->fiber[self].fn(s->fiber[self].arg);
	s->live &= ~(1u << self);
	if (s->live)
		point(POINT_END);
	give_up(s, FIBERS_DONE);
	abort();	/* nobody comes back to a finished one */
}

static void stack_prepare(struct fibers *s, unsigned i)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(stack_of(i), STACK_BYTES);
	void **sp = (void **)(void *)stack_of(i + 1);
	*--sp = NULL;				/* return address of the first frame: the end, and 8 modulo 16 */
	*--sp = (void *)(uintptr_t)fiber_main;
	for (unsigned r = 0; r < 6; r++)
		*--sp = NULL;
	s->sp[i] = sp;
}

enum fibers_end fibers_run(struct fibers *s)
{
	unsigned cpu = cpu_id();
	if (!stacks)
		stacks = mmap(NULL, FIBERS_MAX * (size_t)STACK_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stacks == MAP_FAILED || s->n < 1 || s->n > FIBERS_MAX || s->first >= s->n || host_yield_hook) {
		fprintf(stderr, "host: fibers_run: bad arguments\n");
		abort();
	}
	for (unsigned i = 0; i < s->n; i++) {
		stack_prepare(s, i);
		s->at[i] = s->fiber[i].cpu;
		s->points_of[i] = 0;
	}
	s->live = (1u << s->n) - 1;
	s->points = s->switches = 0;
	s->idle_rounds = 0;
	s->self = FIBERS_MAX;
	running = s;
	caller_bottom = NULL;
	host_yield_hook = point;
	switch_to(s, s->first);
	host_yield_hook = NULL;
	host_cpu_select(cpu);
	return end;
}
