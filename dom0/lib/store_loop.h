/* The store's connection as a source of an event loop. */
#pragma once
#include "dom0/lib/loop.h"
#include "dom0/lib/store_client.h"

struct store_loop {
	struct loop_source source;
	unsigned int connections;	/* store_connections() of the one that is watched; 0: none is */
};

/* Have @l call @ready when the store has something to say, on the connection that there is now: to be called before each
 * wait, after the events that came with replies were taken. Failure ends the process. */
void store_loop_follow(struct store_loop *f, struct loop *l, struct store *s,
		       void (*ready)(struct loop_source *src, uint32_t events));
