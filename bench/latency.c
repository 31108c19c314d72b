/* latency: how late a process wakes up that sleeps most of the time, as interactive ones do.
 *
 * It sleeps to a moment 10 ms ahead some hundred times. How much later than that moment it is when
 * it looks at the clock again is what timer interrupt, hypervisor and kernel took to let it run:
 *     latency median 61 p99 97 max 410
 * in microseconds. Beside it: scheduler.py, which runs it in a guest among busy ones and alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S	1000000000ll
#define SLEEP_NS	10000000ll
#define ROUNDS		500

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t oversleep_ns(void)
{
	int64_t wanted = now_ns() + SLEEP_NS;
	struct timespec t = { .tv_sec = wanted / NS_PER_S, .tv_nsec = wanted % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
	return now_ns() - wanted;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(void)
{
	static int64_t ns[ROUNDS];

	oversleep_ns();
	for (int i = 0; i < ROUNDS; i++)
		ns[i] = oversleep_ns();
	qsort(ns, ROUNDS, sizeof *ns, compare);
	printf("latency median %ld p99 %ld max %ld\n", (long)(ns[ROUNDS / 2] / 1000),
	       (long)(ns[ROUNDS * 99 / 100] / 1000), (long)(ns[ROUNDS - 1] / 1000));
	return 0;
}
