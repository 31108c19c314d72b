/* The same machine under real concurrency: threads, each a CPU, run random operations on the same
 * domains; when all have stopped, the audit must find every count right. Shows races of
 * compare-and-swap paths that an explicit interleaving does not reach; what it finds does not replay
 * exactly. The guests do not run here: the TLB model is for one thread. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include "hv/base/string.h"
#include "tests/unit/mem/world.h"

#define THREADS 3u
#define FRAMES 40u
#define SLOTS 6u
#define OPERATIONS 4000u

struct worker { unsigned cpu; uint64_t rng; unsigned done; };

static uint64_t rnd(struct worker *w, uint64_t n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng * 0x2545f4914f6cdd1dull % n;
}

static mfn_t any_frame(struct worker *w)
{
	return mfn(1 + rnd(w, FRAMES - 1));
}

static mfn_t own_frame(struct worker *w, const struct owner *o)
{
	mfn_t m = any_frame(w);
	for (unsigned i = 0; i < 10 && frame_owner(frame_of(m)) != o->domid; i++)
		m = any_frame(w);
	return m;
}

static uint64_t any_entry(struct worker *w, const struct owner *o)
{
	uint64_t flags[] = { 0, RO, RW, RW, RW | PTE_DIRTY, RO | PTE_NX };
	return entry(own_frame(w, o), flags[rnd(w, ARRAY_COUNT(flags))]);
}

/* A plain frame gets a likely content, by the checked way, which holds it writable meanwhile. */
static int wire(struct worker *w, struct owner *o)
{
	int rc = 0;
	mfn_t m = own_frame(w, o);
	for (unsigned i = 0; i < SLOTS && rc == 0; i++)
		rc = table_entry_update(o, o, slot(m, i), rnd(w, 2) ? any_entry(w, o) : 0, false);
	return rc;
}

static int operate(struct worker *w, struct owner *o)
{
	struct owner *fo = o->is_control && rnd(w, 2) ? &domain[rnd(w, DOMAINS)] : o;
	struct frame *f;
	uint64_t expected = 0;
	mfn_t m;
	switch (rnd(w, 12)) {
	case 0:
		return frame_alloc(o, 0, 0, pfn(M2P_INVALID), &m);
	case 1:
		return rnd(w, 3) ? 0 : frame_release(o, own_frame(w, o));
	case 2: case 3:
		return frame_pin(o, own_frame(w, o), (enum frame_type)(FT_L1 + rnd(w, 4)));
	case 4:
		return frame_unpin(o, own_frame(w, o));
	case 5:
		return owner_run_pending(o);
	case 6: case 7: case 8:
		return table_entry_update(o, fo, slot(own_frame(w, o), (unsigned)rnd(w, SLOTS)), any_entry(w, fo),
					  rnd(w, 2));
	case 9:
		return table_entry_cas(o, slot(own_frame(w, o), (unsigned)rnd(w, SLOTS)), &expected, any_entry(w, o));
	case 10:
		if (frame_get_with_type(fo, own_frame(w, fo), rnd(w, 2) ? FT_WRITABLE : FT_SEGDESC, &f) == 0)
			frame_put_with_type(f);
		return 0;
	default:
		return wire(w, o);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	host_cpu_select(w->cpu);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		w->done += operate(w, &domain[rnd(w, DOMAINS)]) == 0;
		work_run();
	}
	return NULL;
}

static void relax(void)
{
	(void)sched_yield();	/* the holder may be waiting for this processor */
}

static void round_run(uint64_t seed)
{
	static struct worker workers[THREADS];
	pthread_t thread[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .cpu = i, .rng = seed * 1000 + i + 1 };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
		ck_assert_uint_gt(workers[i].done, OPERATIONS / 20);
	}
	world_check();
}

START_TEST(concurrent_operations)
{
	time_t end = time(NULL) + 6;
	unsigned rounds = 0;
	for (uint64_t seed = 1; time(NULL) < end; seed++, rounds++) {
		world_start(THREADS, FRAMES);
		table_entries = 8;
		host_geometry(8);
		host_hook_relax = relax;
		table_slice = seed % 3 ? 512 : 5;
		for (unsigned d = 0; d < DOMAINS; d++)
			domain[d].frame_max = 16;
		for (unsigned i = 0; i < 5; i++)
			round_run(seed * 5 + i);
		for (unsigned d = 0; d < DOMAINS; d++) {
			domain[d].is_dying = true;
			ck_assert_int_eq(UNTIL_DONE(owner_relinquish(&domain[d])), 0);
		}
		for (unsigned d = 0; d < DOMAINS; d++)
			ck_assert_msg(owner_is_empty(&domain[d]), "I12: domain %u is dead and has frames", d);
		world_check();
	}
	printf("%u rounds\n", rounds);
}
END_TEST

CHECK_MAIN("threads", NULL, NULL, concurrent_operations)
