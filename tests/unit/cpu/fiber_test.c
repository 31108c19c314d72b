/* CPUs that take turns (hv/cpu/host/fiber.h): every choice is obeyed, a run replays, who waits for
 * nobody is found. */
#include <time.h>
#include <stdio.h>
#include "hv/base/atomic.h"
#include "hv/core/lock.h"
#include "hv/cpu/host/fiber.h"
#include "tests/unit/check_main.h"
#include "tests/unit/host_machine.h"

static char trace[256];
static unsigned traced;
static uint32_t word;
static struct lock one, two;

static void say(char c)
{
	if (traced < sizeof trace - 1)
		trace[traced++] = c;
	trace[traced] = 0;
}

static void steps(void *name)
{
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(cpu_id(), *(const char *)name == 'a' ? 0 : 1);
		ATOMIC_ADD(&word, 1u);
		say(*(const char *)name);
	}
}

/* Switch at the points whose bits are set. */
static unsigned by_mask(struct fibers *s, unsigned self, enum host_point why)
{
	uint64_t mask = *(uint64_t *)s->ctx;
	return why == POINT_END || (s->points < 64 && mask >> s->points & 1) ? self ^ 1 : self;
}

static void begin(struct fibers *s, void (*a)(void *), void (*b)(void *), uint64_t *mask)
{
	host_reset(2, 8);
	traced = 0;
	word = 0;
	*s = (struct fibers){ .n = 2, .choose = by_mask, .ctx = mask, .points_max = 100000 };
	s->fiber[0].fn = a;
	s->fiber[0].arg = "a";
	s->fiber[1].fn = b;
	s->fiber[1].arg = "b";
	s->fiber[0].cpu = 0;
	s->fiber[1].cpu = 1;
}

START_TEST(choices_are_obeyed)
{
	struct fibers s;
	uint64_t mask = 0;
	begin(&s, steps, steps, &mask);
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	ck_assert_str_eq(trace, "aaaabbbb");
	ck_assert_uint_eq(s.points_of[0], 5);	/* four steps and its end */
	ck_assert_uint_eq(word, 8);
	mask = 1 << 1 | 1 << 4;
	begin(&s, steps, steps, &mask);
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	ck_assert_str_eq(trace, "abbaaabb");
	begin(&s, steps, steps, &mask);
	s.first = 1;
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	ck_assert_str_eq(trace, "baabbbaa");
	ck_assert_uint_eq(cpu_id(), 0);
	ck_assert_ptr_null(host_yield_hook);
}
END_TEST

static void locks_in_order(void *arg)
{
	bool a = *(const char *)arg == 'a';
	lock(&one);
	say(a ? 'a' : 'b');
	lock(&two);
	say(a ? 'A' : 'B');
	unlock(&two);
	unlock(&one);
}

static void locks_crossed(void *arg)
{
	struct lock *first = *(const char *)arg == 'a' ? &one : &two;
	uint32_t mine = ATOMIC_ADD(&first->next, 1u);
	while (LOAD_ACQUIRE(&first->serving) != mine)
		cpu_relax();
	struct lock *second = first == &one ? &two : &one;
	mine = ATOMIC_ADD(&second->next, 1u);
	while (LOAD_ACQUIRE(&second->serving) != mine)
		cpu_relax();
	STORE_RELEASE(&second->serving, mine + 1);
	STORE_RELEASE(&first->serving, first->serving + 1);
}

static void locks_reset(void)
{
	lock_init(&one, RANK_DOMAIN);
	lock_init(&two, RANK_PAGES);
}

START_TEST(waiting)
{
	struct fibers s;
	for (uint64_t mask = 0; mask < 1024; mask++) {
		locks_reset();
		begin(&s, locks_in_order, locks_in_order, &mask);
		ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
		ck_assert(!strcmp(trace, "aAbB") || !strcmp(trace, "bBaA"));
	}
	unsigned stuck = 0;
	for (uint64_t mask = 0; mask < 64; mask++) {
		locks_reset();
		begin(&s, locks_crossed, locks_crossed, &mask);
		stuck += fibers_run(&s) == FIBERS_STUCK;
	}
	ck_assert_uint_gt(stuck, 0);
	ck_assert_uint_lt(stuck, 64);
}
END_TEST

static void for_ever(void *arg)
{
	(void)arg;
	for (;;)
		ATOMIC_ADD(&word, 1u);
}

START_TEST(no_end)
{
	struct fibers s;
	uint64_t mask = ~0ull;
	begin(&s, for_ever, steps, &mask);
	ck_assert_int_eq(fibers_run(&s), FIBERS_ENDLESS);
	begin(&s, steps, steps, &mask);
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	ck_assert_str_eq(trace, "abababab");
}
END_TEST

static void many(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 500000; i++)
		ATOMIC_ADD(&word, 1u);
}

static unsigned alternate(struct fibers *s, unsigned self, enum host_point why)
{
	(void)s, (void)why;
	return self ^ 1;
}

START_TEST(cost)
{
	struct fibers s;
	struct timespec a, b;
	begin(&s, many, many, NULL);
	s.choose = alternate;
	s.points_max = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_uint_gt(s.switches, 900000);
	printf("%.0f ns a switch\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
	       (double)s.switches);
}
END_TEST

CHECK_MAIN("fiber", NULL, NULL, choices_are_obeyed, waiting, no_end, cost)
