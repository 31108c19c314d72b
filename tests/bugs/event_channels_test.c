/* The table of event channels: XSA-107, XSA-188, XSA-317, XSA-338, XSA-340, XSA-343.
 *
 * An event channel joins a port of one domain to a port of another: two records that name each
 * other, in two tables, under two locks, and each domain may close its end at any moment. XSA-343
 * was a handful of races between closing all ports at once and using one of them: the other end's
 * record was used when it was free, or somebody else's. In XSA-188 the control block of a closed
 * channel was used once more; in XSA-107 it had not been there in the first place. The size of the
 * table could change under its users, so that a port that had been valid was not any more
 * (XSA-338); an allocation that failed half way left a port neither free nor used (XSA-317); a port
 * could be looked up before what it pointed to was written (XSA-340).
 *
 * Here the table's size is fixed when the domain is made and never shrinks; a port's states and the
 * ways between them stand in a table at the top of hv/event/evtchn.c; operations check under the
 * lock or the two locks, then commit steps that cannot fail. Closing needs both tables: when ours
 * must be the second lock, it is let go and what was seen is looked at again (lock_both() in
 * hv/event/close.c). A domain that dies closes its ports first, so no port names a domain that is
 * gone.
 *
 * Alice and Bob fight over one channel, in sequence and then on two CPUs, with the second one let
 * in at every point of the first. Statement I10 of the audit looks at both tables: a pair that is
 * not mutual is found at once.
 * Catches: event-bound-by-anyone, event-close-not-rechecked, event-far-end-forgotten,
 * event-far-end-unlocked, event-global-virq-anywhere, event-ipi-moves, event-joined-twice,
 * event-pending-outlives-port, event-sent-unlocked, event-virq-stays-bound, blind/40 to 43. */
#include "hv/event/evtchn.h"
#include "protocol/xen.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/duel.h"

#define PORT 1u			/* the first of each */

static int64_t rc[2];

static void joined(void)
{
	prepare(ALICE, act_alloc, BOB, 0);
	prepare(BOB, act_bind, ALICE, PORT);
}

static bool pending(enum who who, unsigned port)
{
	return evtchn_port_is_pending(guest[who].d, port);
}

/* A port that waits for one domain is joined by another, or by two. */
START_TEST(bound_by_the_wrong_one)
{
	duel(ALICE, DOM0);
	ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), PORT);
	ck_assert_int_eq(ON(1, act_bind(ALICE, PORT)), -EINVAL);	/* not even dom0 */
	ck_assert_int_eq(ON(0, act_bind(ALICE, PORT)), -EINVAL);
	duel(ALICE, BOB);
	joined();
	ck_assert_int_eq(ON(1, act_bind(ALICE, PORT)), -EINVAL);
	for (unsigned port = 0; port < 70; port++)
		if (port != PORT)
			ck_assert_int_lt(ON(1, act_bind(ALICE, port)), 0);
	ck_assert_int_lt(ON(1, act_bind(ALICE, 0x80000001)), 0);
}
END_TEST

/* XSA-107, XSA-188: what is left of a channel when an end is closed: a port that waits, and no event of before. */
START_TEST(one_end_closed)
{
	duel(ALICE, BOB);
	joined();
	ck_assert_int_eq(ON(0, act_send(PORT, 0)), 0);
	ck_assert(pending(BOB, PORT));
	ck_assert_int_eq(ON(1, act_close(PORT, 0)), 0);
	ck_assert(!pending(BOB, PORT));
	ck_assert_int_eq(ON(0, act_send(PORT, 0)), 0);		/* there is nobody */
	ck_assert_int_eq(ON(1, act_close(PORT, 0)), -EINVAL);
	ck_assert_int_eq(ON(1, act_ipi(0, 0)), PORT);		/* the same number, another port */
	ck_assert(!pending(BOB, PORT));
	ck_assert_int_eq(ON(0, act_send(PORT, 0)), 0);
	ck_assert(!pending(BOB, PORT));
	ck_assert_int_eq(ON(0, act_close(PORT, 0)), 0);
}
END_TEST

/* The far end's domain dies. */
START_TEST(far_end_dies)
{
	duel(ALICE, DOM0);
	joined();
	ck_assert_int_eq(ON(1, act_kill(BOB, 0)), 0);
	world_settle();
	judged();
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(ON(0, act_send(PORT, 0)), 0);
	ck_assert_int_eq(ON(0, act_close(PORT, 0)), 0);
}
END_TEST

/* XSA-317, XSA-338: the table is full, and what fails then leaves all ports as they were. */
START_TEST(table_is_full)
{
	duel(ALICE, BOB);
	for (unsigned port = 1; port < 8; port++)
		ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), port);
	for (unsigned round = 0; round < 3; round++) {
		ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), -ENOSPC);
		ck_assert_int_eq(ON(0, act_ipi(0, 0)), -ENOSPC);
		ck_assert_int_eq(ON(0, act_virq(VIRQ_TIMER, 0)), -ENOSPC);
		ck_assert_int_eq(ON(1, act_alloc(ALICE, 0)), 1 + round);
		ck_assert_int_eq(ON(0, act_bind(BOB, 1 + round)), -ENOSPC);
		/* Every port is good still, and one that goes is there for the next. */
		ck_assert_int_eq(ON(0, act_send(7, 0)), 0);
		ck_assert_int_eq(ON(0, act_close(3, 0)), 0);
		ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), 3);
	}
	/* All at once, twice: the second time from the beginning again. */
	for (unsigned round = 0; round < 2; round++) {
		ck_assert_int_eq(ON(0, act_reset(0, 0)), 0);
		ck_assert_int_eq(ON(0, act_send(7, 0)), -EINVAL);
		ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), 1);
		ck_assert_int_eq(ON(0, act_alloc(BOB, 0)), 2);
	}
}
END_TEST

/* Sources of the machine belong to the first vCPU, those of a vCPU to that one, and each to one port. */
START_TEST(sources)
{
	duel(ALICE, BOB);
	ck_assert_int_lt(ON(0, act_virq(VIRQ_CONSOLE, 1)), 0);
	ck_assert_int_lt(ON(0, act_virq(VIRQ_DOM_EXC, 1)), 0);
	ck_assert_int_lt(ON(0, act_virq(NR_VIRQS, 0)), 0);
	ck_assert_int_lt(ON(0, act_virq(VIRQ_TIMER, 77)), 0);
	ck_assert_int_eq(ON(0, act_virq(VIRQ_TIMER, 1)), 1);
	ck_assert_int_lt(ON(0, act_virq(VIRQ_TIMER, 1)), 0);
	ck_assert_int_eq(ON(0, act_ipi(1, 0)), 2);
	ck_assert_int_lt(ON(0, act_port_vcpu(1, 0)), 0);
	ck_assert_int_lt(ON(0, act_port_vcpu(2, 0)), 0);
	ck_assert_int_eq(ON(0, act_virq(VIRQ_CONSOLE, 0)), 3);
	ck_assert_int_eq(ON(0, act_port_vcpu(3, 1)), 0);	/* this one may be told where one likes */
	for (unsigned port = 1; port < 4; port++)
		ck_assert_int_eq(ON(0, act_close(port, 0)), 0);
	ck_assert_int_eq(ON(0, act_virq(VIRQ_TIMER, 1)), 1);
	ck_assert_int_eq(ON(0, act_virq(VIRQ_CONSOLE, 0)), 2);
}
END_TEST

/* --- XSA-343: two CPUs --- */

static void alice_closes(void) { rc[0] = act_close(PORT, 0); }
static void alice_sends(void) { rc[0] = act_send(PORT, 0); }
static void alice_resets(void) { rc[0] = act_reset(0, 0); }
static void bob_closes(void) { rc[1] = act_close(PORT, 0); }
static void bob_resets(void) { rc[1] = act_reset(0, 0); }
static void bob_binds(void) { rc[1] = act_bind(ALICE, PORT); }
/* Closes the port and has another by its number, which waits for dom0. */
static void bob_closes_and_opens(void)
{
	rc[1] = act_close(PORT, 0);
	(void)act_alloc(DOM0, 0);
}

START_TEST(both_ends_closed_at_once)
{
	RACE(({ duel(ALICE, BOB); joined(); }), alice_closes, bob_closes, {
		judged();
		ck_assert_int_eq(rc[0], 0);
		ck_assert_int_eq(rc[1], 0);
	});
	/* The other way round: it matters whose number is the smaller. */
	RACE(({ duel(BOB, ALICE); joined(); }), alice_closes, bob_closes, judged());
	RACE(({ duel(ALICE, BOB); joined(); }), alice_closes, bob_closes_and_opens, judged());
	RACE(({ duel(BOB, ALICE); joined(); }), alice_closes, bob_closes_and_opens, judged());
}
END_TEST

START_TEST(reset_beside_everything)
{
	RACE(({ duel(ALICE, BOB); joined(); }), alice_resets, bob_resets, judged());
	RACE(({ duel(ALICE, BOB); joined(); }), alice_resets, bob_closes_and_opens, judged());
	RACE(({ duel(ALICE, BOB); prepare(ALICE, act_alloc, BOB, 0); }), alice_resets, bob_binds, judged());
	RACE(({ duel(ALICE, BOB); prepare(ALICE, act_alloc, BOB, 0); }), alice_closes, bob_binds, judged());
}
END_TEST

/* An event is for the port it was sent to, not for the next one of that number. */
START_TEST(sent_to_a_port_that_goes)
{
	RACE(({ duel(ALICE, BOB); joined(); }), alice_sends, bob_closes_and_opens, {
		judged();
		ck_assert(!pending(BOB, PORT));
	});
}
END_TEST

CHECK_MAIN("event_channels", NULL, NULL, bound_by_the_wrong_one, one_end_closed, far_end_dies,
	   table_is_full, sources, both_ends_closed_at_once, reset_beside_everything,
	   sent_to_a_port_that_goes)
