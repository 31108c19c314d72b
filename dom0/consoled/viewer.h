/* Someone at a guest's console: a connection of `bothy console`, or the guest's pty, whoever reads that. Each sees all
 * that the guest says; what each types goes to the guest as it comes. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"

#define VIEWERS_MAX 16u		/* connections, of a guest */

struct guest;

struct viewer {
	struct viewer *next;
	struct guest *guest;
	struct loop_source source;
	uint32_t at;			/* number of the next byte that it gets */
};

/* Have @v, which is zeroed, read and write @fd, beginning with what is kept. */
int viewer_open(struct viewer *v, struct guest *g, int fd) MUST_CHECK;
/* A connection at @fd, which is taken over, wants what is kept from number *@from on, or all of it if @from is NULL: it
 * is told which by a welcome. On failure @fd is left to the caller: -EBUSY: too many; another: it is gone. */
int viewer_connect(struct guest *g, int fd, const uint32_t *from) MUST_CHECK;
/* Give what is new to the pty and all connections. Those that have gone, or are too slow, are closed. */
void viewers_serve(struct guest *g);
/* Close the connections. */
void viewers_close(struct guest *g);
