/* The event loop: sources, timers, signals, and removal in the middle of a batch. */
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "tests/unit/check_main.h"

static struct loop loop;
static int fired;

static struct loop_source one, two;

static void other_removed(struct loop_source *src, uint32_t events)
{
	(void)events;
	fired++;
	loop_remove(&loop, src == &one ? &two : &one);
	loop_remove(&loop, src);
}

START_TEST(removed_in_batch)
{
	fired = 0;
	ck_assert_int_eq(loop_open(&loop), 0);
	one = (struct loop_source){ .events = EPOLLIN, .ready = other_removed };
	two = one;
	one.fd = eventfd(1, 0);
	two.fd = eventfd(1, 0);
	ck_assert_int_eq(loop_add(&loop, &one), 0);
	ck_assert_int_eq(loop_add(&loop, &two), 0);
	ck_assert_int_eq(loop_round(&loop, 0), 0);
	ck_assert_int_eq(loop_round(&loop, 0), 0);
	ck_assert_msg(fired == 1, "the removed source was delivered");
	close(one.fd);
	close(two.fd);
	loop_close(&loop);
}
END_TEST

static int order[4];

static void expired(struct loop_timer *t)
{
	order[fired++] = *(int *)t->arg;
	if (fired == 3)
		loop_stop(&loop);
}

START_TEST(timers)
{
	static int ids[] = { 0, 1, 2, 3 };
	struct loop_timer t[4];

	fired = 0;
	ck_assert_int_eq(loop_open(&loop), 0);
	for (int i = 0; i < 4; i++)
		t[i] = (struct loop_timer){ .expired = expired, .arg = &ids[i] };
	loop_timer_arm(&loop, &t[0], 3000000);
	loop_timer_arm(&loop, &t[1], 1000000);
	loop_timer_arm(&loop, &t[2], 2000000);
	loop_timer_arm(&loop, &t[3], 500000);
	loop_timer_cancel(&loop, &t[3]);
	ck_assert_int_eq(loop_run(&loop), 0);
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 2);
	ck_assert_int_eq(order[2], 0);
	loop_close(&loop);
}
END_TEST

START_TEST(signals)
{
	static const int list[] = { SIGUSR1 };
	int fd = loop_signal_fd(list, 1);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(loop_signal_read(fd), 0);
	raise(SIGUSR1);
	ck_assert_int_eq(loop_signal_read(fd), SIGUSR1);
	close(fd);
}
END_TEST

START_TEST(rate_limit)
{
	struct log_limit l = LOG_LIMIT(3, 1000);
	uint64_t now = 1000000;
	int allowed = 0;

	for (int i = 0; i < 100; i++)
		allowed += log_allowed(&l, now);
	ck_assert_int_eq(allowed, 3);
	ck_assert_uint_eq(l.refused, 97);
	ck_assert(log_allowed(&l, now + 1000));
	ck_assert(!log_allowed(&l, now + 1001));
	for (int i = 0; i < 10; i++)
		allowed += log_allowed(&l, now + 1000000);
	ck_assert_int_eq(allowed, 6);
}
END_TEST

CHECK_MAIN("loop", NULL, NULL, removed_in_batch, timers, signals, rate_limit)
