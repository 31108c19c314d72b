/* CPUs that wait for each other, or for nothing: XSA-73, XSA-114, XSA-356, XSA-411, XSA-458.
 *
 * Two locks taken in two orders are a deadlock that no test finds and a guest does: it has all day
 * and two CPUs. In XSA-73 the lock of the page allocator and that of a grant table were the two, in
 * XSA-411 the grant tables of two domains, which one chain of grants locked as it came along.
 * XSA-114 was an unfair lock: readers that kept coming kept the writer out. In XSA-458 an error
 * path gave up a lock that was not held, and in others it keeps one, which is the same a little
 * later. And there is the loop that waits for something that has no reason to happen: XSA-356
 * looked for free interrupt vectors among those that were being cleaned up, for ever.
 *
 * Here locks have ranks that must rise (enum lock_rank in hv/core/lock.h; hv/core/lock_debug.c
 * stops the machine at the first acquisition out of order, deadlock or not, in every test and debug
 * build); two of one rank are taken by lock_pair() alone, in the order of a key that everybody
 * agrees on. Locks are tickets: who came first is served first. Whoever waits answers flushes.
 * Timers of a guest have a shortest period (hv/dom/time.c), and who goes to sleep says so before
 * looking whether there is a reason to stay up (vcpu_block() in hv/dom/vcpu.c).
 *
 * The tests let two CPUs lock the same two tables from both sides, at every point; fibers_run()
 * tells a deadlock from an end. After each operation no lock may be held (statement I15).
 * Catches: lock-kept-on-error, lock-order, lock-rank, race-wakeup-lost, blind/54, 55. */
#include "hv/cpu/cpu.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/duel.h"

static int64_t rc[2];

/* XSA-411: Alice and Bob have something of each other, and both fetch it at once. */
static void alice_maps(void) { rc[0] = act_map(OF(BOB, 1), SLOT_MAPS << 4); }
static void bob_maps(void) { rc[1] = act_map(OF(ALICE, 1), SLOT_MAPS << 4); }
static void alice_copies(void) { rc[0] = act_copy(OF(BOB, 1), DATA1 << 1); }
static void bob_copies(void) { rc[1] = act_copy(OF(ALICE, 1), DATA1 << 1 | 1); }
static void alice_binds(void) { rc[0] = act_bind(BOB, 1); }
static void bob_binds(void) { rc[1] = act_bind(ALICE, 1); }
static void alice_closes(void) { rc[0] = act_close(1, 0); }
static void bob_closes(void) { rc[1] = act_close(1, 0); }

static void both_worked(void)
{
	judged();
	ck_assert_int_eq(rc[0] < 0 ? rc[0] : 0, 0);
	ck_assert_int_eq(rc[1] < 0 ? rc[1] : 0, 0);
}

static void both_granted(void)
{
	duel(ALICE, BOB);
	prepare(ALICE, act_grant, 1, OF(BOB, FREE1 << 1));
	prepare(BOB, act_grant, 1, OF(ALICE, FREE1 << 1));
}

static void both_offered(void)
{
	duel(ALICE, BOB);
	prepare(ALICE, act_alloc, BOB, 0);
	prepare(BOB, act_alloc, ALICE, 0);
}

START_TEST(grants_from_both_sides)
{
	RACE(both_granted(), alice_maps, bob_maps, both_worked());
	RACE(both_granted(), alice_copies, bob_copies, both_worked());
	RACE(both_granted(), alice_maps, bob_copies, both_worked());
}
END_TEST

START_TEST(channels_from_both_sides)
{
	RACE(both_offered(), alice_binds, bob_binds, both_worked());
	RACE(({
		duel(ALICE, BOB);
		prepare(ALICE, act_alloc, BOB, 0);
		prepare(BOB, act_bind, ALICE, 1);
	}), alice_closes, bob_closes, both_worked());
}
END_TEST

/* The caller and the domain it names are one: the pair is one lock. */
START_TEST(channel_and_grant_to_oneself)
{
	duel(ALICE, BOB);
	ck_assert_int_eq(ON(0, act_alloc(ALICE, 0)), 1);
	ck_assert_int_eq(ON(0, act_bind(ALICE, 1)), 2);
	ck_assert_int_eq(ON(0, act_send(1, 0)), 0);
	ck_assert_int_eq(ON(0, act_close(2, 0)), 0);
	ck_assert_int_eq(ON(0, act_grant(1, OF(ALICE, FREE1 << 1))), 0);
	ck_assert_int_eq(ON(0, act_map(OF(ALICE, 1), SLOT_MAPS << 4)), GNTST_okay);
	ck_assert_int_eq(ON(0, act_copy(OF(ALICE, 1), DATA1 << 1)), GNTST_okay);
	ck_assert_int_eq(ON(0, act_unmap(0, SLOT_MAPS)), GNTST_okay);
}
END_TEST

/* XSA-458: whatever fails has let go. ON() asks after each. */
START_TEST(errors_under_a_lock)
{
	duel(ALICE, BOB);
	ck_assert_int_eq(ON(0, act_virq(VIRQ_TIMER, 0)), 1);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_lt(ON(0, act_virq(VIRQ_TIMER, 0)), 0);
		ck_assert_int_lt(ON(0, act_bind(BOB, 3)), 0);
		ck_assert_int_lt(ON(0, act_close(5, 0)), 0);
		ck_assert_int_lt(ON(0, act_unmask(5, 0)), 0);
		ck_assert_int_lt(ON(0, act_map(OF(BOB, 1), SLOT_MAPS << 4)), 0);
		ck_assert_int_lt(ON(0, act_copy(OF(BOB, 1), DATA1 << 1)), 0);
		ck_assert_int_lt(ON(0, act_unmap(3, SLOT_MAPS)), 0);
		ck_assert_int_lt(ON(0, act_setup(99, 0)), 0);
		ck_assert_int_lt(ON(0, act_pin(L1, 2)), 0);
		ck_assert_int_lt(ON(0, act_update(AT(L2, 3), RW(DATA1))), 0);
	}
}
END_TEST

/* Killing takes the locks of a domain from the outermost in. */
START_TEST(killed_by_the_rules)
{
	duel(ALICE, DOM0);
	prepare(ALICE, act_alloc, BOB, 0);
	prepare(BOB, act_bind, ALICE, 1);
	ck_assert_int_eq(ON(1, act_kill(BOB, 0)), 0);
	ck_assert_int_eq(ON(0, act_close(1, 0)), 0);
}
END_TEST

static void alice_sleeps(void) { rc[0] = act_block(0, 0); }
static void bob_sends(void) { rc[1] = act_send(1, 0); }

/* An event comes while its vCPU falls asleep: it must not sleep on it. */
START_TEST(asleep_with_an_event)
{
	RACE(({
		duel(ALICE, BOB);
		prepare(ALICE, act_alloc, BOB, 0);
		prepare(BOB, act_bind, ALICE, 1);
		/* What joining them raised has been seen to. */
		struct shared_info *s = guest[ALICE].d->shared;
		s->evtchn_pending[0] = 0;
		guest[ALICE].d->vcpu[0]->info->evtchn_pending_sel = 0;
		guest[ALICE].d->vcpu[0]->info->evtchn_upcall_pending = 0;
	}), alice_sleeps, bob_sends, {
		world_settle();
		judged();
		ck_assert(!(guest[ALICE].d->vcpu[0]->hold & HOLD_BLOCKED));
	});
}
END_TEST

/* XSA-356, and XSA-20 before it: a timer that is due again before its handler is back. */
START_TEST(timer_without_pause)
{
	static const uint64_t bad[] = { 1, 1000, 999999, 1ull << 63, ~0ull };
	struct vcpu_set_periodic_timer *t;
	duel(ALICE, BOB);
	t = argument(0);
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		t->period_ns = bad[i];
		ck_assert_int_eq(ON(0, hyper(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, ARGUMENT_VA, 0)), -EINVAL);
	}
	/* The shortest there is, and a deadline in the past: both come once and let the CPU go. */
	t->period_ns = 1000000;
	ck_assert_int_eq(ON(0, hyper(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, ARGUMENT_VA, 0)), 0);
	host_time_advance(10000000);
	struct vcpu_set_singleshot_timer *s = argument(0);
	*s = (struct vcpu_set_singleshot_timer){ .timeout_abs_ns = 1 };
	ck_assert_int_eq(ON(0, hyper(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, ARGUMENT_VA, 0)), 0);
	s->timeout_abs_ns = ~0ull;
	(void)ON(0, hyper(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, ARGUMENT_VA, 0));
	host_time_advance(10000000);
	judged();
}
END_TEST

CHECK_MAIN("lockups", NULL, NULL, grants_from_both_sides, channels_from_both_sides,
	   channel_and_grant_to_oneself, errors_under_a_lock, killed_by_the_rules,
	   asleep_with_an_event, timer_without_pause)
