/* Lost wake-ups: a sender and one who goes to sleep look past each other.
 *
 * He who sleeps says so, then looks once more whether something has come; she who sends makes it visible, then
 * looks whether he sleeps. In any order of these four steps one of them sees the other, as long as both look
 * after they have written. A processor does not promise that: a store waits in its buffer while the load
 * behind it is served from memory, on x86 too, where it is the one order that is not kept. Without a full barrier
 * on each side both may look first, and he sleeps with work before him until something else wakes him: most often
 * a timer, so that the fault shows as a pause that nobody can explain, once in a million times, and never under an
 * interleaving of whole steps. So our engine of interleavings could not see that the NMI which one virtual CPU
 * sends to another was a plain store in front of vcpu_kick(); this test met it within some ten thousand turns.
 *
 * Invariants V1 and V2 (hv/dom/vcpu.c) say where the barriers are: a locked operation sets each hold bit and each
 * pending bit. Here two threads meet once in each turn, as closely as they can, and whoever sleeps afterwards must
 * have nothing before him. Seen to fail with WRITE_ONCE() in vcpu_nmi(). */
#include <pthread.h>
#include <sched.h>
#include "tests/unit/domain_machine.h"

#define TURNS 50000u

static struct domain *d;
static struct vcpu *v;
static uint32_t port;

static void wait_in_block(void) { vcpu_block(v); }
static void wait_in_poll(void) { ck_assert_int_eq(vcpu_poll(v, &port, 1, 0), 0); }
static void send_nmi(void) { vcpu_nmi(v); }
static void send_event(void) { ck_assert_int_eq(evtchn_send(d, port), 0); }

static const struct meeting {
	const char *name;
	void (*wait)(void), (*send)(void);
} meetings[] = {
	{"block and NMI", wait_in_block, send_nmi},
	{"block and event", wait_in_block, send_event},
	{"poll and NMI", wait_in_poll, send_nmi},
	{"poll and event", wait_in_poll, send_event},
};

static void breathe(void)
{
	sched_yield(); /* the other one has a thread of its own */
}

static uint32_t turn; /* atomic: n: the sender may go for the nth time; 0: it has */

static void turn_await(uint32_t n)
{
	for (unsigned spins = 0; LOAD_ACQUIRE(&turn) != n; spins++)
		if (spins % 1024 == 1023)
			breathe();
}

static void *sender(void *arg)
{
	const struct meeting *m = arg;
	host_cpu_select(1);
	for (uint32_t n = 1; n <= TURNS; n++) {
		turn_await(n);
		m->send();
		STORE_RELEASE(&turn, 0u);
	}
	return NULL;
}

static void nothing_came(void)
{
	v->nmi_pending = false;
	v->hold = 0;
	d->pollers = 0;
	d->shared->evtchn_pending[0] = v->info->evtchn_pending_sel = 0;
	v->info->evtchn_upcall_pending = 0;
}

static bool something_came(void)
{
	return v->nmi_pending || d->shared->evtchn_pending[0];
}

START_TEST(they_do_not_miss_each_other)
{
	const struct meeting *m = &meetings[_i];
	pthread_t thread;
	machine_boot(2, 512);
	host_hook_relax = breathe;
	d = domain_start(1, 1);
	v = d->vcpu[0];
	vcpu_run_on(v, 0);
	ck_assert_int_eq(evtchn_bind_ipi(d, 0, &port), 0);
	pthread_create(&thread, NULL, sender, (void *)m);
	for (uint32_t n = 1; n <= TURNS; n++) {
		nothing_came();
		STORE_RELEASE(&turn, n);
		for (volatile unsigned i = n % 64; i; i--)
			; /* the other has to hear of its turn first */
		m->wait();
		turn_await(0);
		if (v->hold && something_came())
			ck_abort_msg("%s, turn %u: it sleeps, and something has come", m->name, n);
	}
	pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, NULL);
	tcase_add_loop_test(c, they_do_not_miss_each_other, 0, ARRAY_COUNT(meetings));
	return check_run("lost_wakeups", c);
}
