/* Event loop on epoll.
 *
 * Rules: delivery is by batches of LOOP_BATCH, so no source starves another; a source removed
 * during a batch is struck from the rest of it, since its memory may be gone. Timers are a sorted
 * list: the daemons have a handful. */
#include "dom0/lib/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

int loop_open(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll_fd < 0 ? -errno : 0;
}

void loop_close(struct loop *l)
{
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	l->epoll_fd = -1;
}

int loop_add(struct loop *l, struct loop_source *src)
{
	struct epoll_event ev = { .events = src->events, .data.ptr = src };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) < 0 ? -errno : 0;
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	struct epoll_event ev = { 0 };

	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, src->fd, &ev);
	for (int i = l->batch_at; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == src)
			l->batch[i].data.ptr = NULL;
}

void loop_want(struct loop *l, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	if (src->events == events)
		return;
	src->events = events;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, src->fd, &ev);
}

uint64_t loop_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void loop_timer_cancel(struct loop *l, struct loop_timer *timer)
{
	struct loop_timer **at = &l->timers;

	if (!timer->armed)
		return;
	while (*at && *at != timer)
		at = &(*at)->next;
	if (*at)
		*at = timer->next;
	timer->armed = false;
}

void loop_timer_arm(struct loop *l, struct loop_timer *timer, uint64_t delay_ns)
{
	struct loop_timer **at = &l->timers;

	loop_timer_cancel(l, timer);
	timer->deadline_ns = loop_now_ns() + delay_ns;
	while (*at && (*at)->deadline_ns <= timer->deadline_ns)
		at = &(*at)->next;
	timer->next = *at;
	timer->armed = true;
	*at = timer;
}

int loop_signal_fd(const int *signals, unsigned int count)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (unsigned int i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int loop_signal_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
		return 0;
	return (int)info.ssi_signo;
}

static int wait_left_ms(const struct loop *l, int wait_ms)
{
	uint64_t now, left;

	if (!l->timers)
		return wait_ms;
	now = loop_now_ns();
	if (l->timers->deadline_ns <= now)
		return 0;
	left = (l->timers->deadline_ns - now + 999999u) / 1000000u;
	if (left > 1u << 30)
		left = 1u << 30;
	return wait_ms >= 0 && (uint64_t)wait_ms < left ? wait_ms : (int)left;
}

static void timers_expire(struct loop *l)
{
	/* A timer that arms itself with no delay must not keep us here: one pass by the clock. */
	uint64_t now = l->timers ? loop_now_ns() : 0;

	while (l->timers && l->timers->deadline_ns <= now) {
		struct loop_timer *t = l->timers;

		l->timers = t->next;
		t->armed = false;
		t->expired(t);
	}
}

int loop_round(struct loop *l, int wait_ms)
{
	if (l->prepare && l->prepare(l, l->prepare_arg))
		wait_ms = 0;
	l->batch_len = epoll_wait(l->epoll_fd, l->batch, LOOP_BATCH, wait_left_ms(l, wait_ms));
	if (l->batch_len < 0)
		return errno == EINTR ? 0 : -errno;
	for (l->batch_at = 0; l->batch_at < l->batch_len; l->batch_at++) {
		struct loop_source *src = l->batch[l->batch_at].data.ptr;

		if (src)
			src->ready(src, l->batch[l->batch_at].events);
	}
	l->batch_len = 0;
	timers_expire(l);
	return 0;
}

int loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping) {
		int err = loop_round(l, -1);

		if (err)
			return err;
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}
