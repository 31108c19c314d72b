/* The PV console ring, which nobody may be reading: it is waited for, but not without end. */
#include "examples/pv/console.h"

#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"
#include "protocol/event_channel.h"
#include "protocol/io/console.h"
#include "protocol/sched.h"

enum { PATIENCE = 20000 };

static volatile struct xencons_interface *ring;
static int ring_stuck;

void console_open(void)
{
	if (start_info->flags & SIF_INITDOMAIN || !start_info->console.domU.mfn ||
	    !start_info->console.domU.evtchn)
		return;
	ring = mfn_to_va(start_info->console.domU.mfn);
}

static void ring_notify(void)
{
	struct evtchn_send send = { .port = start_info->console.domU.evtchn };

	event_channel_op(EVTCHNOP_send, &send);
}

static void put(char c)
{
	for (unsigned tries = 0; ring->out_prod - ring->out_cons >= sizeof(ring->out) && !ring_stuck; tries++) {
		if (tries == 0)
			ring_notify();
		ring_stuck = tries == PATIENCE;
		sched_op(SCHEDOP_yield, 0);
	}
	if (ring_stuck)
		return;
	ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = c;
	__atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
}

void console_write(const char *text, unsigned bytes)
{
	if (!ring)
		return;
	for (unsigned i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
	ring_notify();
}

void console_flush(void)
{
	for (unsigned i = 0; ring && !ring_stuck && i < PATIENCE; i++) {
		if (ring->out_cons == ring->out_prod)
			return;
		sched_op(SCHEDOP_yield, 0);
	}
}
