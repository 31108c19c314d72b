/* Where `bothy console` comes in: a listening socket, and callers that have not said yet whose console they want. */
#pragma once
#include <stdint.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"

#define CALLERS_MAX 16u

struct caller;

struct reception {
	struct loop *loop;
	struct guest *(*find)(void *arg, uint16_t domid, uint32_t number);	/* NULL: there is no such console */
	void *arg;
	struct loop_source source;
	struct caller *callers;
	uint32_t count;
};

/* Listen at @path, which only our user can connect to; a socket that a predecessor left there goes. The descriptor, or
 * -Exxx. */
int reception_listen(const char *path) MUST_CHECK;
/* Receive callers at the listening socket @fd, with loop, find and arg set. */
int reception_open(struct reception *r, int fd) MUST_CHECK;
/* Send all callers away and stop listening. */
void reception_close(struct reception *r);
