/* The contract is in store_loop.h. */
#include "dom0/lib/store_loop.h"

#include "dom0/lib/daemon.h"

void store_loop_follow(struct store_loop *f, struct loop *l, struct store *s,
		       void (*ready)(struct loop_source *src, uint32_t events))
{
	int err;

	if (f->connections == store_connections(s))
		return;
	if (f->connections)
		loop_remove(l, &f->source);
	f->connections = store_connections(s);
	f->source = (struct loop_source){ .fd = store_fd(s), .events = EPOLLIN, .ready = ready };
	err = loop_add(l, &f->source);
	if (err)
		daemon_fail("the store's connection", err);
}
