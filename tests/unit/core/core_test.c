/* Timers against a sorted model, deferred work across CPUs, the log ring and its budgets, lock
 * ranks. Violations of lock order end in panic(), on which a hosted process exits with 70: that is
 * what those tests expect. */
#include <stdlib.h>
#include <string.h>
#include "hv/core/lock.h"
#include "hv/core/log.h"
#include "hv/core/timer.h"
#include "hv/core/work.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/upcall.h"
#include "tests/unit/check_main.h"

#define TIMERS 200

static unsigned fired[TIMERS];
static uint64_t fired_at[TIMERS];

static void fire(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;
	fired[i]++;
	fired_at[i] = cpu_time_ns();
}

static void start(unsigned cpus)
{
	host_reset(cpus, 64);
	timers_init();
	host_upcall_timer = upcall_timer;
	memset(fired, 0, sizeof fired);
}

static void run_work(unsigned cpus)
{
	for (unsigned c = 0; c < cpus; c++) {
		host_cpu_select(c);
		host_interrupts();
		work_run();
	}
	host_cpu_select(0);
}

START_TEST(timers_fire_once_in_time)
{
	static struct timer t[TIMERS];
	uint64_t deadline[TIMERS];
	start(2);
	srand(7);
	for (unsigned i = 0; i < TIMERS; i++) {
		timer_init(&t[i], fire, (void *)(uintptr_t)i, i % 2);
		deadline[i] = 1000 + (uint64_t)rand() % 1000000;
		timer_set(&t[i], deadline[i]);
	}
	for (unsigned i = 0; i < TIMERS; i += 5) {
		timer_stop(&t[i]);
		deadline[i] = 0;
	}
	for (unsigned i = 1; i < TIMERS; i += 5) {	/* rearmed, earlier or later */
		deadline[i] = 1000 + (uint64_t)rand() % 1000000;
		timer_set(&t[i], deadline[i]);
	}
	for (unsigned i = 2; i < TIMERS; i += 5)
		timer_migrate(&t[i], 1 - i % 2);
	run_work(2);
	for (unsigned step = 0; step < 1100; step++) {
		host_time_advance(1000);
		run_work(2);
	}
	for (unsigned i = 0; i < TIMERS; i++) {
		ck_assert_uint_eq(fired[i], deadline[i] ? 1 : 0);
		ck_assert(!timer_is_set(&t[i]));
		if (deadline[i])
			ck_assert(fired_at[i] >= deadline[i] && fired_at[i] < deadline[i] + 2000);
	}
}
END_TEST

START_TEST(timer_in_the_past_fires_at_once)
{
	static struct timer t;
	start(1);
	host_time_set(5000);
	timer_init(&t, fire, (void *)0, 0);
	timer_set(&t, 1);
	ck_assert(work_is_pending());
	work_run();
	ck_assert_uint_eq(fired[0], 1);
}
END_TEST

static unsigned ran_on[MAX_CPUS];
static void note(void) { ran_on[cpu_id()]++; }

START_TEST(work_runs_on_the_cpu_it_was_raised_for)
{
	start(3);
	memset(ran_on, 0, sizeof ran_on);
	work_register(WORK_RESCHED, note);
	work_raise(2, WORK_RESCHED);
	work_raise(2, WORK_RESCHED);
	ck_assert(host_kicked(2));
	ck_assert(!host_kicked(1));
	ck_assert(!work_is_pending());
	host_cpu_select(2);
	ck_assert(work_is_pending());
	ck_assert(preempt_needed());
	work_run();
	ck_assert(!work_is_pending());
	ck_assert_uint_eq(ran_on[2], 1);
	ck_assert_uint_eq(ran_on[0] + ran_on[1], 0);
}
END_TEST

START_TEST(log_ring_reads_what_is_left)
{
	static char text[70000], out[70000];
	start(1);
	log_clear();
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	log_raw(text, sizeof text);
	uint64_t pos = 0;
	size_t n = sizeof out;
	log_read(&pos, out, &n);
	ck_assert_uint_gt(n, 16000);
	ck_assert_int_eq(memcmp(out, text + sizeof text - n, n), 0);
	n = sizeof out;
	log_read(&pos, out, &n);
	ck_assert_uint_eq(n, 0);
	log_clear();
	pos = 0;
	n = sizeof out;
	log_read(&pos, out, &n);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(guests_lines_are_limited)
{
	struct log_budget b = { 0, 0 };
	start(1);
	host_time_set(1000000000000ull);
	unsigned passed = 0;
	for (unsigned i = 0; i < 1000; i++)
		passed += log_budget_take(&b);
	ck_assert_uint_eq(passed, LOG_BURST);
	ck_assert_uint_eq(b.dropped, 1000 - LOG_BURST);
	host_time_advance(3000000000ull);
	for (passed = 0; log_budget_take(&b); )
		passed++;
	ck_assert_uint_eq(passed, 3);
}
END_TEST

START_TEST(locks_count_and_pair)
{
	struct lock a = LOCK_INIT(RANK_EVTCHN), b = LOCK_INIT(RANK_EVTCHN), c = LOCK_INIT(RANK_TIMER);
	start(1);
	lock_pair(&a, 2, &b, 1);
	lock(&c);
	ck_assert_uint_eq(lock_held_count(), 3);
	ck_assert(lock_is_held(&a) && lock_is_held(&b) && lock_is_held(&c));
	ck_assert(!trylock(&c));
	unlock(&c);
	unlock_pair(&a, &b);
	lock_pair(&a, 1, &a, 1);
	ck_assert_uint_eq(lock_held_count(), 1);
	unlock_pair(&a, &a);
	ck_assert_uint_eq(lock_held_count(), 0);
	ck_assert(trylock(&c));
	unlock(&c);
}
END_TEST

START_TEST(falling_rank_panics)
{
	struct lock low = LOCK_INIT(RANK_DOMAIN), high = LOCK_INIT(RANK_OWNER);
	start(1);
	lock(&high);
	lock(&low);
}
END_TEST

START_TEST(equal_rank_without_pair_panics)
{
	struct lock a = LOCK_INIT(RANK_OWNER), b = LOCK_INIT(RANK_OWNER);
	start(1);
	lock(&a);
	lock(&b);
}
END_TEST

START_TEST(foreign_unlock_panics)
{
	struct lock a = LOCK_INIT(RANK_OWNER);
	start(2);
	lock(&a);
	host_cpu_select(1);
	unlock(&a);
}
END_TEST

static unsigned windows;

static void window_with_work(void)
{
	windows++;
	work_raise(cpu_id(), WORK_CONSOLE);
}

static void window_seen(void)
{
	windows++;
}

START_TEST(work_is_counted_between_windows)
{
	start(1);
	windows = 0;
	host_hook_preempt = window_seen;
	preempt_begin();
	for (unsigned i = 0; i < PREEMPT_ENTRIES / PREEMPT_ITEM; i++) {
		ck_assert(!preempt_due());
		preempt_count(PREEMPT_ITEM);
	}
	ck_assert_uint_eq(windows, 0);
	ck_assert_uint_eq(preempt_counted(), PREEMPT_ENTRIES);
	ck_assert(!preempt_due());	/* a window, and nothing came up in it */
	ck_assert_uint_eq(windows, 1);
	ck_assert_uint_eq(preempt_counted(), 0);

	preempt_count(PREEMPT_ENTRIES - 1);
	ck_assert_uint_eq(preempt_room(), 1);
	preempt_count(2);		/* does not fit: the window comes first */
	ck_assert_uint_eq(windows, 2);
	ck_assert_uint_eq(preempt_counted(), 2);
	preempt_count(PREEMPT_ENTRIES - 2);
	ck_assert_uint_eq(preempt_room(), PREEMPT_ENTRIES);
	ck_assert_uint_eq(windows, 3);
}
END_TEST

START_TEST(work_in_a_window_stops_the_next_who_asks)
{
	start(1);
	windows = 0;
	host_hook_preempt = window_with_work;
	preempt_begin();
	preempt_count(PREEMPT_ENTRIES);
	preempt_count(1);		/* cannot stop, but remembers */
	ck_assert_uint_eq(windows, 1);
	ck_assert(preempt_due());
	ck_assert(!preempt_due());	/* told once */
	preempt_count(PREEMPT_ENTRIES);
	preempt_begin();		/* another handler does not inherit it */
	ck_assert(!preempt_due());
	ck_assert(preempt_needed());
	preempt_count(PREEMPT_ENTRIES);
	preempt_count(1);
	work_run();
	ck_assert(!preempt_due());
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, timers_fire_once_in_time, timer_in_the_past_fires_at_once,
			      work_runs_on_the_cpu_it_was_raised_for, log_ring_reads_what_is_left,
			      guests_lines_are_limited, locks_count_and_pair,
			      work_is_counted_between_windows,
			      work_in_a_window_stops_the_next_who_asks);
	tcase_add_exit_test(c, falling_rank_panics, 70);
	tcase_add_exit_test(c, equal_rank_without_pair_panics, 70);
	tcase_add_exit_test(c, foreign_unlock_panics, 70);
	return check_run("core", c);
}
