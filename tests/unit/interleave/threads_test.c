/* The operations of the pairs at random, with a thread for each of the two CPUs: what an explicit interleaving stops only at
 * points runs freely here, and a sanitizer that watches threads sees every access. What it finds does not replay
 * exactly. Each round ends with the audit. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "hv/core/panic.h"
#include "hv/cpu/host/host.h"
#include "hv/mem/frame.h"
#include "protocol/sched.h"
#include "protocol/xen.h"
#include "tests/unit/interleave/acts.h"

#define SECONDS 5		/* unless an argument says otherwise */
#define ACTS_PER_ROUND 40u

static const struct choice {
	act_fn *fn;
	unsigned x, y;
	unsigned who;			/* mask of those who may */
} choices[] = {
#define ALL 7u
#define GUEST 6u
	{ act_pin, S1, 1, ALL }, { act_pin, S2, 2, ALL }, { act_pin, S4, 4, ALL }, { act_pin, FREE1, 1, ALL },
	{ act_unpin, S1, 0, ALL }, { act_unpin, S2, 0, ALL }, { act_unpin, S4, 0, ALL }, { act_unpin, FREE1, 0, ALL },
	{ act_update, AT(S1, 2), RW(DATA3), ALL }, { act_update, AT(L1, SLOT_MORE), RW(S1), ALL },
	{ act_update, AT(L1, SLOT_MORE), RO(FREE1), ALL }, { act_update, AT(L1, SLOT_MORE), 0, ALL },
	{ act_update_keep, AT(L1, SLOT_MORE), RW(FREE1), ALL }, { act_emulate, AT(L1, SLOT_MORE), RW(FREE2), ALL },
	{ act_update_va, SLOT_MORE, RW(DATA1), ALL }, { act_update_va, SLOT_MORE, 0, ALL },
	{ act_update, AT(L2, 1), RW(S1), ALL }, { act_update, AT(L2, 1), 0, ALL },
	{ act_user_base, S4, 0, ALL }, { act_user_base, FRAMES, 0, ALL },
	{ act_store, SLOT_MORE, 7, ALL }, { act_store, 1, 7, ALL }, { act_store, SLOT_MAPS, 7, ALL },
	{ act_clear, FREE2, 0, ALL }, { act_gdt, FREE2, 0, ALL }, { act_gdt, FRAMES, 0, ALL },
	{ act_populate, 20, 0, ALL }, { act_machphys, FREE1, 5, ALL },
	{ act_grant, 1, OF(BOB, FREE1 << 1), 1 << ALICE }, { act_grant_end, 1, 0, 1 << ALICE },
	{ act_grant, 1, OF(ALICE, FREE1 << 1 | 1), 1 << BOB }, { act_grant_end, 1, 0, 1 << BOB },
	{ act_map, OF(ALICE, 1), SLOT_MAPS << 4, 1 << BOB }, { act_map, OF(BOB, 1), SLOT_MAPS << 4 | MAP_RO, 1 << ALICE },
	{ act_unmap, 0, SLOT_MAPS, GUEST }, { act_unmap, 1, SLOT_MAPS, GUEST }, { act_unmap, 0, SLOT_MAPS, GUEST },
	{ act_copy, OF(ALICE, 1), DATA1 << 1, 1 << BOB }, { act_copy, OF(BOB, 1), DATA1 << 1, 1 << ALICE },
	{ act_setup, 2, 0, ALL },
	{ act_alloc, BOB, 0, 1 << ALICE }, { act_alloc, ALICE, 0, 1 << BOB }, { act_bind, ALICE, 1, 1 << BOB },
	{ act_bind, BOB, 1, 1 << ALICE }, { act_send, 1, 0, ALL }, { act_send, 2, 0, ALL }, { act_close, 1, 0, ALL },
	{ act_close, 2, 0, ALL }, { act_unmask, 1, 0, ALL }, { act_port_mask, 1, 0, ALL }, { act_port_vcpu, 1, 1, ALL },
	{ act_virq, VIRQ_TIMER, 1, ALL }, { act_ipi, 0, 0, ALL }, { act_reset, 0, 0, ALL },
	{ act_info, 0, FREE2, GUEST }, { act_info, 1, FREE1, GUEST }, { act_nmi, 0, 0, GUEST }, { act_nmi, 1, 0, GUEST },
	{ act_assist, 0, 0, ALL }, { act_assist, VMASST_TYPE_runstate_update_flag, 0, ALL },
	{ act_runstate_area, 0, 1, ALL }, { act_runstate_area, 1, 2, ALL }, { act_time_area, 0, 3, ALL }, { act_time_area, 1, 3, ALL },
	{ act_timer, 30, 0, ALL }, { act_period, 2000, 0, ALL }, { act_block, 0, 0, GUEST }, { act_poll, 1, 0, GUEST },
	{ act_recycle, 0, 0, GUEST }, { act_decrease, FREE2, 0, ALL },
	{ act_pause, ALICE, 0, 1 << DOM0 }, { act_unpause, ALICE, 0, 1 << DOM0 }, { act_resume, ALICE, 0, 1 << DOM0 },
	{ act_max_mem, ALICE, FRAMES + 1, 1 << DOM0 }, { act_fill, ALICE, FREE1, 1 << DOM0 },
	{ act_foreign, SLOT_MORE, OF(ALICE, RW(FREE1)), 1 << DOM0 }, { act_exchange, FREE2, 0, 1 << DOM0 },
	{ act_shut, ALICE, SHUTDOWN_suspend, 1 << DOM0 }, { act_affinity, ALICE, 1, 1 << DOM0 },
	{ act_kill, ALICE, 0, 1 << DOM0 },
};
#define CHOICES (sizeof choices / sizeof choices[0])

static struct worker {
	unsigned cpu;
	enum who who;
	uint64_t rng, done;
	bool ended;			/* atomic */
} worker[2];

static unsigned below(struct worker *w, unsigned n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (unsigned)((w->rng >> 11) % n);
}

static void *work(void *arg)
{
	struct worker *w = arg, *other = &worker[w->cpu ^ 1];
	host_cpu_select(w->cpu);
	for (unsigned i = 0; i < ACTS_PER_ROUND; i++) {
		const struct choice *c = &choices[below(w, CHOICES)];
		host_time_set(cpu_time_ns() + 20000);
		host_interrupts();
		(void)come_by();
		if (!(c->who >> w->who & 1) || !vcpu_current()->domain)
			continue;
		(void)c->fn(c->x, c->y);
		w->done++;
	}
	__atomic_store_n(&w->ended, true, __ATOMIC_RELEASE);
	/* Slowly: what a thread does while it waits pushes what it did before out of the sanitizer's memory,
	 * and an access of which it no longer knows the function is not covered by a suppression. */
	while (!__atomic_load_n(&other->ended, __ATOMIC_ACQUIRE))
		if (!come_by())
			(void)usleep(50);
	return NULL;
}

static void relax(void)
{
	(void)sched_yield();
}

/* Who is on which CPU: both vCPUs of one, or of two. */
static uint64_t round_run(uint64_t seed)
{
	static const enum who pairs[][2] = { { ALICE, BOB }, { ALICE, ALICE }, { DOM0, ALICE }, { BOB, ALICE }, { BOB, DOM0 } };
	const enum who *who = pairs[seed % 5];
	const struct act a = { who[0], NULL, 0, 0 }, b = { who[1], NULL, 0, 0 };
	pthread_t thread[2];
	world_build(&a, &b);
	host_hook_relax = relax;
	for (unsigned i = 0; i < 2; i++)
		worker[i] = (struct worker){ .cpu = i, .who = who[i], .rng = seed * 77 + i * 5 + 1 };
	for (unsigned i = 0; i < 2; i++) {
		if (pthread_create(&thread[i], NULL, work, &worker[i]))
			panic("no thread");
	}
	for (unsigned i = 0; i < 2; i++)
		(void)pthread_join(thread[i], NULL);
	world_settle();
	const char *broken = world_judge();
	if (broken)
		panic("round %llu: %s", (unsigned long long)seed, broken);
	return worker[0].done + worker[1].done;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : SECONDS);
	uint64_t seed = 1, done = 0;
	for (; time(NULL) < end; seed++)
		done += round_run(seed);
	printf("%llu rounds, %llu operations\n", (unsigned long long)seed - 1, (unsigned long long)done);
	return done == 0;
}
