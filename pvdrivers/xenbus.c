/* The connection machine: a table for each end, rows by its own state, columns by the other's.
 *
 * Rules of the tables, which the unit test enumerates:
 *   - An end advances by one state at a time, and goes from Connected only to a reconfiguring or a closing one.
 *   - What is no answer to the own state closes the device: what was shared is let go, the state says Closed.
 *   - Only the back end leaves Closed, for a front end that starts anew; only if it is online.
 *   - The own node gone means that the device is: nothing is written any more, for that would make it again.
 * A front end that closes is served until it says Closed, since it may have requests under way. */
#include "pvdrivers/xenbus.h"

#define S(state)	XenbusState##state
#define MOVE(what, state) { XENBUS_##what, S(state) }
/* Short names for cells that many rows share. */
#define gone		MOVE(REMOVE, Unknown)
#define shut		MOVE(DISCONNECT, Closed)
#define stay(state)	MOVE(WAIT, state)

/* By the other end's state, in the order of its numbers: Unknown, Initialising, InitWait, Initialised, Connected,
 * Closing, Closed, Reconfiguring, Reconfigured. */
typedef struct xenbus_move row[XENBUS_STATES];

/* The front end starts (and so does one that a reboot left half-way): wait for an offer. A back end that is
 * still closing, or connected to who was here before, comes to it by itself. */
#define FRONT_STARTS(state) { \
	stay(state), stay(state), MOVE(PUBLISH, Initialised), MOVE(PUBLISH, Initialised), stay(state), \
	stay(state), stay(state), stay(state), stay(state) }
/* Up to three cells differ between the states of a connected end: what it does on Connected, Reconfiguring and
 * Reconfigured. */
#define FRONT_RUNS(on_connected, on_reconfiguring, on_reconfigured) { \
	shut, shut, shut, shut, on_connected, \
	MOVE(DRAIN, Closed), shut, on_reconfiguring, on_reconfigured }

static const row front[XENBUS_STATES] = {
	[S(Unknown)] = { gone, gone, gone, gone, gone, gone, gone, gone, gone },
	[S(Initialising)] = FRONT_STARTS(Initialising),
	[S(InitWait)] = FRONT_STARTS(InitWait),
	/* A back end that starts again before it connected finds what was published. */
	[S(Initialised)] = {
		shut, stay(Initialised), stay(Initialised), stay(Initialised), MOVE(CONNECT, Connected),
		shut, shut, shut, shut },
	[S(Connected)] = FRONT_RUNS(MOVE(REFRESH, Connected), MOVE(RECONFIGURE, Reconfigured), stay(Connected)),
	[S(Closing)] = {
		shut, shut, shut, shut, MOVE(DRAIN, Closed),
		MOVE(DRAIN, Closed), shut, MOVE(DRAIN, Closed), MOVE(DRAIN, Closed) },
	[S(Closed)] = {
		stay(Closed), stay(Closed), stay(Closed), stay(Closed), stay(Closed),
		stay(Closed), stay(Closed), stay(Closed), stay(Closed) },
	[S(Reconfiguring)] = FRONT_RUNS(stay(Reconfiguring), MOVE(RECONFIGURE, Reconfigured), MOVE(NEXT, Connected)),
	[S(Reconfigured)] = FRONT_RUNS(MOVE(NEXT, Connected), stay(Reconfigured), MOVE(NEXT, Connected)),
};

/* The back end is offered: some front ends say Connected at once, without Initialised. */
#define BACK_OFFERS(state) { \
	shut, stay(state), stay(state), MOVE(CONNECT, Connected), MOVE(CONNECT, Connected), \
	MOVE(NEXT, Closing), shut, shut, shut }
#define BACK_RUNS(on_connected, on_reconfiguring, on_reconfigured) { \
	shut, shut, shut, on_connected, on_connected, \
	MOVE(NEXT, Closing), shut, on_reconfiguring, on_reconfigured }

static const row back[XENBUS_STATES] = {
	[S(Unknown)] = { gone, gone, gone, gone, gone, gone, gone, gone, gone },
	[S(Initialising)] = {
		MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait),
		MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait),
		MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait), MOVE(ADVERTISE, InitWait) },
	[S(InitWait)] = BACK_OFFERS(InitWait),
	[S(Initialised)] = BACK_OFFERS(Initialised),
	[S(Connected)] = BACK_RUNS(stay(Connected), MOVE(RECONFIGURE, Reconfigured), stay(Connected)),
	/* The front end sees Closing and goes on to Closed; one that starts or is not there has nothing to end. */
	[S(Closing)] = {
		shut, shut, shut, stay(Closing), stay(Closing),
		stay(Closing), shut, stay(Closing), stay(Closing) },
	[S(Closed)] = {
		stay(Closed), MOVE(ADVERTISE, InitWait), stay(Closed), stay(Closed), stay(Closed),
		stay(Closed), stay(Closed), stay(Closed), stay(Closed) },
	[S(Reconfiguring)] = BACK_RUNS(stay(Reconfiguring), MOVE(RECONFIGURE, Reconfigured), MOVE(NEXT, Connected)),
	[S(Reconfigured)] = BACK_RUNS(MOVE(NEXT, Connected), stay(Reconfigured), MOVE(NEXT, Connected)),
};

static enum xenbus_state known(enum xenbus_state s)
{
	return (unsigned int)s < XENBUS_STATES ? s : S(Unknown);
}

/* Where a network front end differs: from Connected on it is the back end's Connected that it waits for. */
static struct xenbus_move net_front(enum xenbus_state mine, enum xenbus_state theirs)
{
	struct xenbus_move move = front[mine][theirs];

	if (move.action == XENBUS_PUBLISH)
		move.next = S(Connected);
	if (mine == S(Connected) && (theirs == S(InitWait) || theirs == S(Initialised)))
		move = (struct xenbus_move)stay(Connected);
	return move;
}

struct xenbus_move xenbus_step(enum xenbus_end end, enum xenbus_state mine, enum xenbus_state theirs, bool online)
{
	mine = known(mine);
	theirs = known(theirs);
	if (end == XENBUS_BACK && mine == S(Closed) && !online)
		return (struct xenbus_move)MOVE(REMOVE, Closed);
	if (end == XENBUS_NET_FRONT)
		return net_front(mine, theirs);
	return (end == XENBUS_BACK ? back : front)[mine][theirs];
}

static bool shares_rings(enum xenbus_state s)
{
	return s == S(Connected) || s == S(Closing) || s == S(Reconfiguring) || s == S(Reconfigured);
}

bool xenbus_takes_over(enum xenbus_state mine, enum xenbus_state theirs)
{
	return shares_rings(mine) && (shares_rings(theirs) || theirs == S(Initialised));
}

enum xenbus_state xenbus_ask_close(enum xenbus_state mine)
{
	switch (known(mine)) {
	case S(Unknown):
	case S(Closing):
	case S(Closed):
		return mine;
	default:
		return S(Closing);
	}
}

enum xenbus_state xenbus_parse(const char *value)
{
	if (value[0] < '1' || value[0] >= '0' + XENBUS_STATES || value[1] != '\0')
		return S(Unknown);
	return (enum xenbus_state)(value[0] - '0');
}
