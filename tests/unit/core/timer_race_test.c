/* Timers against another CPU: fn runs here while there the timer is stopped, or moved. Every schedule of the two with up to
 * two switches. */
#include "hv/core/timer.h"
#include "hv/core/work.h"
#include "hv/cpu/host/fiber.h"
#include "hv/cpu/upcall.h"
#include "tests/unit/check_main.h"
#include "tests/unit/host_machine.h"

#define POINTS 120u

static struct timer t;
static bool in_fn, freed;
static unsigned periods, moved_while_running;

/* Like a guest's periodic timer: sets itself again. */
static void tick(void *arg)
{
	(void)arg;
	in_fn = true;
	ck_assert(!freed);
	if (periods-- > 0)
		timer_set(&t, cpu_time_ns() + 5);
	in_fn = false;
}

static void run(void *arg)
{
	(void)arg;
	timer_run();
}

/* Afterwards nobody may touch it. */
static void stop(void *arg)
{
	(void)arg;
	timer_stop(&t);
	ck_assert(!in_fn && !timer_is_set(&t));
	freed = true;
}

static void move(void *arg)
{
	timer_migrate(&t, 1);
	moved_while_running += in_fn && t.cpu == 1;
	stop(arg);
}

static unsigned choose(struct fibers *s, unsigned self, enum host_point why)
{
	const unsigned *at = s->ctx;
	(void)why;
	return s->points == at[0] || s->points == at[1] ? self ^ 1 : self;
}

static void one(void (*other)(void *), unsigned first, unsigned *at)
{
	struct fibers s = { .n = 2, .choose = choose, .ctx = at, .first = first, .points_max = 100000 };
	host_reset(2, 8);
	timers_init();
	host_upcall_timer = upcall_timer;
	in_fn = freed = false;
	periods = 1;
	timer_init(&t, tick, NULL, 0);
	timer_set(&t, 10);
	host_time_set(20);
	s.fiber[0].fn = run;
	s.fiber[1].fn = other;
	s.fiber[1].cpu = 1;
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
	ck_assert(!timer_is_set(&t));
}

static void all(void (*other)(void *))
{
	for (unsigned first = 0; first < 2; first++)
		for (unsigned a = 0; a < POINTS; a++)
			for (unsigned b = a + 1; b < POINTS; b++)
				one(other, first, (unsigned[]){ a, b });
}

START_TEST(stopped_while_it_fires)
{
	all(stop);
}
END_TEST

START_TEST(moved_and_stopped_while_it_fires)
{
	moved_while_running = 0;
	all(move);
	ck_assert_uint_eq(moved_while_running, 0);
}
END_TEST

CHECK_MAIN("timer_race", NULL, NULL, stopped_while_it_fires, moved_and_stopped_while_it_fires)
