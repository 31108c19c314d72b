/* Event loop: descriptors (epoll, level triggered), timers and signals, in one thread.
 *
 * Sources and timers are embedded in their owner's struct, which must outlive their registration.
 * A callback may add or remove any source or timer, its own included. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include "dom0/lib/attr.h"

struct loop_source {
	int fd;
	uint32_t events;	/* EPOLLIN, EPOLLOUT wanted */
	void (*ready)(struct loop_source *src, uint32_t events);
	void *arg;
};

struct loop_timer {
	uint64_t deadline_ns;	/* monotonic */
	void (*expired)(struct loop_timer *timer);
	void *arg;
	struct loop_timer *next;
	bool armed;
};

#define LOOP_BATCH 64

struct loop {
	int epoll_fd;
	bool stopping;
	struct loop_timer *timers;		/* by deadline */
	struct epoll_event batch[LOOP_BATCH];	/* being delivered */
	int batch_len, batch_at;
	/* Called before each wait; true: there is more to do, do not sleep. May be NULL. */
	bool (*prepare)(struct loop *l, void *arg);
	void *prepare_arg;
};

int loop_open(struct loop *l) MUST_CHECK;
void loop_close(struct loop *l);

/* Watch src->fd for src->events. -EEXIST: watched already; -EPERM: cannot be polled. */
int loop_add(struct loop *l, struct loop_source *src) MUST_CHECK;
void loop_remove(struct loop *l, struct loop_source *src);
/* Change the events wanted. */
void loop_want(struct loop *l, struct loop_source *src, uint32_t events);

uint64_t loop_now_ns(void);
/* Arm (or move) @timer to expire once, @delay_ns from now. */
void loop_timer_arm(struct loop *l, struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_cancel(struct loop *l, struct loop_timer *timer);

/* Deliver the @count signals @signals through a descriptor: read it with loop_signal_read(). The
 * signals are blocked for the process. Returns the descriptor or -Exxx. */
int loop_signal_fd(const int *signals, unsigned int count) MUST_CHECK;
/* Take one signal; 0: none. */
int loop_signal_read(int fd);

/* Run one round: wait (at most @wait_ms; -1: for ever), then deliver. */
int loop_round(struct loop *l, int wait_ms) MUST_CHECK;
/* Run until loop_stop(). */
int loop_run(struct loop *l) MUST_CHECK;
void loop_stop(struct loop *l);
