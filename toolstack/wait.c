/* Polling with a deadline. Half of what we wait for (sysfs, the domain list) cannot be watched, so all of
 * it is polled, quickly at first: a back end that is there answers within a millisecond or two.
 */
#include "toolstack/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

enum { FIRST_PAUSE_US = 500, LONGEST_PAUSE_US = 50000 };

static volatile sig_atomic_t cancelled;

static void on_signal(int number)
{
	(void)number;
	cancelled = 1;
}

void wait_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	/* A reader of our output that leaves is no reason to stop half-way. */
	signal(SIGPIPE, SIG_IGN);
}

int wait_is_cancelled(void)
{
	return cancelled;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void pause_us(long us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

int wait_until(int (*check)(void *arg), void *arg, unsigned int timeout_ms)
{
	int64_t deadline = now_us() + (int64_t)timeout_ms * 1000;
	long pause = FIRST_PAUSE_US;

	for (;;) {
		int rc = check(arg);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (cancelled)
			return -EINTR;
		if (now_us() >= deadline)
			return -ETIMEDOUT;
		pause_us(pause);
		pause = pause * 2 < LONGEST_PAUSE_US ? pause * 2 : LONGEST_PAUSE_US;
	}
}
