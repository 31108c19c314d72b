/* How the two ends of a split device connect and part: a pure function of what the store says.
 *
 * A driver looks whenever either end's state may have changed, does the action that
 * xenbus_step() names, then writes the state that it names, if that is another. It repeats until
 * there is nothing to do. Nothing is remembered between two steps, so that a driver can end and a
 * successor go on. The other end's state is hostile: whatever it says, and in whatever order, leads to
 * this device's close at worst. Spec: io/xenbus.h; what Linux's front ends do. */
#pragma once
#include <stdbool.h>
#include "protocol/io/xenbus.h"

/* One more than the last state; what the store has beyond it is taken as Unknown. */
#define XENBUS_STATES	(XenbusStateReconfigured + 1)

enum xenbus_end {
	XENBUS_FRONT,
	XENBUS_BACK,
	XENBUS_NET_FRONT,	/* says Connected as soon as it has published: network back ends wait for that */
};

/* Every action may be done again, by a successor that does not know that it was done. One that cannot be done yet
 * leaves the state as it is, and is tried again. */
enum xenbus_action {
	XENBUS_WAIT,		/* nothing to do before a state changes */
	XENBUS_NEXT,		/* nothing but the state */
	XENBUS_ADVERTISE,	/* back: write what it can do */
	XENBUS_PUBLISH,		/* front: make rings, write where they are and what it can do */
	XENBUS_CONNECT,		/* back: open the rings, write the device's properties; front: read those */
	XENBUS_REFRESH,		/* front: read the device's properties again, they may have changed */
	XENBUS_RECONFIGURE,	/* read again what the other end wrote of itself */
	XENBUS_DRAIN,		/* take nothing new, wait for what is under way, then as DISCONNECT */
	XENBUS_DISCONNECT,	/* let go of rings at once, whatever is under way */
	XENBUS_REMOVE,		/* as DISCONNECT; then the device is gone, and the driver with it */
	XENBUS_RESUME,		/* back, of no step: open the rings where a predecessor left them */
};

struct xenbus_move {
	enum xenbus_action action;
	enum xenbus_state next;		/* to write after the action; as before if nothing is to be written */
};

/* Say what @end does whose own state is @mine, as the other end's is @theirs. A state is Unknown that
 * is not there, or no number. @online says whether the back end should offer the device again once it
 * is closed; the front end's is always true. */
struct xenbus_move xenbus_step(enum xenbus_end end, enum xenbus_state mine, enum xenbus_state theirs,
			       bool online);
/* Say whether a back end that has just started finds its device connected by a predecessor: it then does RESUME,
 * without any change of state, and goes on by xenbus_step(). */
bool xenbus_takes_over(enum xenbus_state mine, enum xenbus_state theirs);
/* Say in which state @end asks the other to part: what it writes if its user or an error says so.
 * @mine: nothing is to be asked any more. */
enum xenbus_state xenbus_ask_close(enum xenbus_state mine);
/* The state that the store's @value names; Unknown if it is none. */
enum xenbus_state xenbus_parse(const char *value);
