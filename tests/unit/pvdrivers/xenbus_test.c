/* xenbus.c: the whole table, pair by pair; both ends against each other from every start; hostile ends. */
#include "pvdrivers/xenbus.h"

#include <stdlib.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define ALL(s)		for (enum xenbus_state s = 0; s < XENBUS_STATES; s++)
#define BOTH(end)	for (enum xenbus_end end = XENBUS_FRONT; end <= XENBUS_BACK; end++)
/* Two ends are numbered 0 and 1, whatever kind of front end the first is: one after the other in tests of both. */
#define FRONTS		for (front_kind = XENBUS_FRONT; front_kind <= XENBUS_NET_FRONT; front_kind += 2)
#define S(name)		XenbusState##name

static unsigned int front_kind;

static struct xenbus_move step(enum xenbus_end end, enum xenbus_state mine, enum xenbus_state theirs, bool online)
{
	return xenbus_step(end == XENBUS_FRONT ? (enum xenbus_end)front_kind : end, mine, theirs, online);
}

static bool in(enum xenbus_state s, unsigned int set)
{
	return set >> s & 1;
}
#define B(name)		(1u << S(name))
#define RUNNING		(B(Connected) | B(Reconfiguring) | B(Reconfigured))

/* Which states may follow which, for either end; a state may always stay. */
static const unsigned int legal[2][XENBUS_STATES] = {
	[XENBUS_FRONT] = {
		[S(Unknown)] = 0,
		/* Connected: a network front end's. */
		[S(Initialising)] = B(Initialised) | B(Connected),
		[S(InitWait)] = B(Initialised) | B(Connected),
		[S(Initialised)] = B(Connected) | B(Closed),
		[S(Connected)] = B(Reconfigured) | B(Closed),
		[S(Closing)] = B(Closed),
		[S(Closed)] = 0,
		[S(Reconfiguring)] = B(Connected) | B(Reconfigured) | B(Closed),
		[S(Reconfigured)] = B(Connected) | B(Closed),
	},
	[XENBUS_BACK] = {
		[S(Unknown)] = 0,
		[S(Initialising)] = B(InitWait),
		[S(InitWait)] = B(Connected) | B(Closing) | B(Closed),
		[S(Initialised)] = B(Connected) | B(Closing) | B(Closed),
		[S(Connected)] = B(Reconfigured) | B(Closing) | B(Closed),
		[S(Closing)] = B(Closed),
		[S(Closed)] = B(InitWait),
		[S(Reconfiguring)] = B(Connected) | B(Reconfigured) | B(Closing) | B(Closed),
		[S(Reconfigured)] = B(Connected) | B(Closing) | B(Closed),
	},
};

/* What an action may do to the state. */
static void action_fits(enum xenbus_end end, enum xenbus_state mine, struct xenbus_move m)
{
	switch (m.action) {
	case XENBUS_WAIT:
	case XENBUS_REFRESH:
		ck_assert_int_eq(m.next, mine);
		break;
	case XENBUS_NEXT:
		ck_assert_int_ne(m.next, mine);
		break;
	case XENBUS_ADVERTISE:
		ck_assert(end == XENBUS_BACK && m.next == S(InitWait));
		break;
	case XENBUS_PUBLISH:
		ck_assert(end == XENBUS_FRONT &&
			m.next == (front_kind == XENBUS_NET_FRONT ? S(Connected) : S(Initialised)));
		break;
	case XENBUS_CONNECT:
		ck_assert_int_eq(m.next, S(Connected));
		break;
	case XENBUS_RECONFIGURE:
		ck_assert(in(mine, RUNNING) && m.next == S(Reconfigured));
		break;
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
		ck_assert_int_eq(m.next, S(Closed));
		break;
	case XENBUS_REMOVE:
		ck_assert(m.next == mine && (mine == S(Unknown) || mine == S(Closed)));
		break;
	case XENBUS_RESUME:
		ck_abort_msg("a step names what only a start does");
	}
}

START_TEST(every_pair_of_states)
{
	FRONTS BOTH(end)
		for (int online = 0; online < 2; online++)
			ALL(mine) ALL(theirs) {
				struct xenbus_move m = step(end, mine, theirs, online);

				ck_assert_msg(m.next == mine || in(m.next, legal[end][mine]),
					"end %d: %d with %d goes to %d", end, mine, theirs, m.next);
				action_fits(end, mine, m);
				/* From every state that is neither running nor closed something can be done... */
				if (m.next == mine && m.action == XENBUS_WAIT)
					continue;
				/* ...and what was done leads elsewhere, or is to be done once for each change. */
				ck_assert(m.next != mine || m.action == XENBUS_REFRESH || m.action == XENBUS_REMOVE);
			}
}
END_TEST

START_TEST(states_beyond_the_last)
{
	const enum xenbus_state odd[] = { XENBUS_STATES, 100, (enum xenbus_state)-1 };

	for (unsigned int i = 0; i < 3; i++)
		FRONTS ALL(s) BOTH(end) {
			struct xenbus_move m = step(end, s, odd[i], true), n = step(end, s, 0, true);

			ck_assert(m.action == n.action && m.next == n.next);
			ck_assert_int_eq(step(end, odd[i], s, true).action, XENBUS_REMOVE);
		}
}
END_TEST

/* Two ends in one store; each may be at any point of its life. */
struct pair {
	enum xenbus_state state[2];
	bool online, open[2];	/* open: whether rings are shared, by the actions that were done */
	bool removed;
};

static bool end_steps(struct pair *p, enum xenbus_end end)
{
	struct xenbus_move m = step(end, p->state[end], p->state[!end], end == XENBUS_FRONT || p->online);

	switch (m.action) {
	case XENBUS_PUBLISH:
		p->open[end] = true;
		break;
	case XENBUS_CONNECT:
		/* A back end connects to what a front end has published. */
		HOLDS(end == XENBUS_FRONT || in(p->state[XENBUS_FRONT], B(Initialised) | B(Connected)));
		p->open[end] = true;
		break;
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		p->open[end] = false;
		p->removed |= m.action == XENBUS_REMOVE;
		break;
	default:
		break;
	}
	bool changes = m.next != p->state[end];
	p->state[end] = m.next;
	return changes;
}

/* Run both ends, in one of the orders that the bits of @order say, until neither moves. */
static void settle(struct pair *p, unsigned int order)
{
	for (int i = 0, quiet = 0; quiet < 4; i++) {
		HOLDS(i < 64);
		quiet = end_steps(p, order >> i % 8 & 1) ? 0 : quiet + 1;
		if (quiet == 3 && (end_steps(p, XENBUS_FRONT) || end_steps(p, XENBUS_BACK)))
			quiet = 0;
	}
}

static bool is(const struct pair *p, enum xenbus_state front, enum xenbus_state back)
{
	return p->state[XENBUS_FRONT] == front && p->state[XENBUS_BACK] == back;
}

START_TEST(a_new_device_connects)
{
	FRONTS for (unsigned int order = 0; order < 256; order++) {
		struct pair p = { .state = { S(Initialising), S(Initialising) }, .online = true };

		settle(&p, order);
		HOLDS(is(&p, S(Connected), S(Connected)) && p.open[0] && p.open[1]);
	}
}
END_TEST

/* A front end that starts anew connects whatever the back end's state was. */
START_TEST(a_front_that_restarts_connects)
{
	FRONTS ALL(back) for (unsigned int order = 0; order < 256; order++) {
		struct pair p = { .state = { S(Initialising), back }, .online = true };

		settle(&p, order);
		if (back == S(Unknown))
			HOLDS(p.removed);
		else
			HOLDS(is(&p, S(Connected), S(Connected)));
	}
}
END_TEST

/* From every pair of states both come to rest: connected or reconfiguring together, or closed, with nothing shared. */
START_TEST(every_start_comes_to_rest)
{
	FRONTS ALL(front) ALL(back) for (unsigned int order = 0; order < 256; order++) {
		struct pair p = { .state = { front, back }, .online = true, .open = { true, true } };

		settle(&p, order);
		if (is(&p, S(Connected), S(Connected)))
			continue;
		BOTH(end)
			if (p.open[end] && !in(p.state[end], B(Initialising) | B(InitWait) | B(Closed)) &&
			    !(in(p.state[end], B(Reconfiguring)) && in(p.state[!end], B(Connected))))
				ck_abort_msg("%d with %d: end %d stays open in %d with %d", front, back, end,
					p.state[end], p.state[!end]);
	}
}
END_TEST

/* The toolstack closes: online=0, the back end's state Closing. Both are closed at the end, wherever they were. */
START_TEST(every_start_can_be_closed)
{
	FRONTS ALL(front) ALL(back) for (unsigned int order = 0; order < 256; order++) {
		struct pair p = { .state = { front, back }, .open = { true, true } };

		p.state[XENBUS_BACK] = xenbus_ask_close(back);
		settle(&p, order);
		if (back == S(Unknown) || front == S(Unknown)) {
			HOLDS(p.removed);
			continue;
		}
		HOLDS(p.state[XENBUS_BACK] == S(Closed) && p.removed && !p.open[XENBUS_BACK]);
		HOLDS(in(p.state[XENBUS_FRONT], B(Closed) | B(Initialising) | B(InitWait)));
	}
}
END_TEST

/* A network back end of Linux's takes what is published when its front end says Connected, not before; the front end then
 * waits for it, and looks at the device when it is connected, too. */
START_TEST(a_network_front_connects_first)
{
	struct xenbus_move m = xenbus_step(XENBUS_NET_FRONT, S(Initialising), S(InitWait), true);

	ck_assert(m.action == XENBUS_PUBLISH && m.next == S(Connected));
	m = xenbus_step(XENBUS_NET_FRONT, S(Connected), S(InitWait), true);
	ck_assert(m.action == XENBUS_WAIT && m.next == S(Connected));
	ck_assert_int_eq(xenbus_step(XENBUS_NET_FRONT, S(Connected), S(Connected), true).action, XENBUS_REFRESH);
}
END_TEST

START_TEST(a_front_closes_and_opens_again)
{
	struct pair p = { .state = { S(Connected), S(Connected) }, .online = true, .open = { true, true } };

	p.state[XENBUS_FRONT] = xenbus_ask_close(S(Connected));
	settle(&p, 0xaa);
	ck_assert(is(&p, S(Closed), S(Closed)) && !p.open[0] && !p.open[1] && !p.removed);
	p.state[XENBUS_FRONT] = S(Initialising);
	settle(&p, 0xaa);
	ck_assert(is(&p, S(Connected), S(Connected)));
}
END_TEST

START_TEST(reconfiguring_either_end)
{
	FRONTS BOTH(end)
		for (unsigned int order = 0; order < 256; order++) {
			struct pair p = { .state = { S(Connected), S(Connected) }, .online = true };

			p.state[end] = S(Reconfiguring);
			settle(&p, order);
			ck_assert(is(&p, S(Connected), S(Connected)));
		}
}
END_TEST

/* The back end writes Connected again when the device has changed: the front end looks, and neither state moves. */
START_TEST(a_changed_device_is_read_again)
{
	struct xenbus_move m = xenbus_step(XENBUS_FRONT, S(Connected), S(Connected), true);

	ck_assert(m.action == XENBUS_REFRESH && m.next == S(Connected));
	ck_assert_int_eq(xenbus_step(XENBUS_BACK, S(Connected), S(Connected), true).action, XENBUS_WAIT);
}
END_TEST

/* The other end jumps at random: the state follows the rules, it never crashes, rings are shared only in states that
 * share them, and once the other end says it starts or is gone the device lets go of them. */
START_TEST(a_hostile_end_gets_no_more_than_a_close)
{
	srand(5);
	FRONTS BOTH(end)
		for (int run = 0; run < 20000; run++) {
			struct pair p = { .state = { S(Initialising), S(Initialising) }, .online = rand() & 1 };

			for (int i = 0; i < 30 && !p.removed; i++) {
				p.state[!end] = (enum xenbus_state)(rand() % XENBUS_STATES);
				end_steps(&p, end);
				HOLDS(p.state[end] != S(Unknown));
				HOLDS(!p.open[end] ||
					in(p.state[end], RUNNING | B(Initialised) | B(Closing)));
				if (in(p.state[!end], B(Unknown) | B(Closed)) && p.state[end] != S(Initialised))
					HOLDS(!p.open[end]);
			}
		}
}
END_TEST

/* A successor takes over just what shares rings, and its first step changes no state that its predecessor had settled. */
START_TEST(a_successor_takes_over)
{
	ALL(front) ALL(back) {
		bool over = xenbus_takes_over(back, front);
		struct xenbus_move m = xenbus_step(XENBUS_BACK, back, front, true);

		if (over)
			ck_assert(m.action != XENBUS_CONNECT && m.action != XENBUS_DISCONNECT);
		else if (in(back, RUNNING | B(Closing)))
			ck_assert(m.action == XENBUS_DISCONNECT);
	}
	ck_assert(xenbus_takes_over(S(Connected), S(Connected)));
	ck_assert(xenbus_takes_over(S(Connected), S(Initialised)));
	ck_assert_int_eq(xenbus_step(XENBUS_BACK, S(Connected), S(Connected), true).action, XENBUS_WAIT);
	ck_assert_int_eq(xenbus_step(XENBUS_BACK, S(Connected), S(Initialised), true).action, XENBUS_WAIT);
	/* One that died before it said Connected is followed by one that connects. */
	ck_assert(!xenbus_takes_over(S(InitWait), S(Initialised)));
	ck_assert_int_eq(xenbus_step(XENBUS_BACK, S(InitWait), S(Initialised), true).action, XENBUS_CONNECT);
}
END_TEST

START_TEST(states_are_one_digit)
{
	const char *const none[] = { "", "0", "9", "44", " 4", "4 ", "-1", "x", "04", ":" };

	for (unsigned int i = 0; i < sizeof none / sizeof none[0]; i++)
		ck_assert_int_eq(xenbus_parse(none[i]), S(Unknown));
	ck_assert_int_eq(xenbus_parse("1"), S(Initialising));
	ck_assert_int_eq(xenbus_parse("8"), S(Reconfigured));
}
END_TEST

CHECK_MAIN("xenbus", NULL, NULL, every_pair_of_states, states_beyond_the_last, a_new_device_connects,
	a_front_that_restarts_connects, every_start_comes_to_rest, every_start_can_be_closed, a_network_front_connects_first,
	a_front_closes_and_opens_again, reconfiguring_either_end,
	a_changed_device_is_read_again, a_hostile_end_gets_no_more_than_a_close,
	a_successor_takes_over, states_are_one_digit)
