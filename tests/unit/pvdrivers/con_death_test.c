/* con_back.c: its death before every store to the guest's page, and what its successor makes of that.
 *
 * What the guest prints is noted, as by a log, between being read and being published: each byte at least once, and twice
 * only what the dead one had noted last. What it is given is what was typed last for the place where it stands. A guest that
 * waits, for room or for input, is woken by the successor at the latest. */
#include "pvdrivers/con_back.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/cut.h"
#include "tests/unit/pvdrivers/holds.h"

#define TURN 700u			/* bytes that the back end reads at once */

static struct xencons_interface *page;
static struct con_ring guest;
static struct con_back back;
static bool woken;			/* the guest's event is pending */

static XENCONS_RING_IDX begin;
/* By number, which is an index less @begin. */
static char printed[1u << 18], typed[1u << 16];
static uint32_t noted;			/* numbers below this, and at most so often again: */
static uint32_t repeated;
static uint32_t deaths;

static void note(const char *bytes, int n)
{
	uint32_t first = back.ring.reads.at - (uint32_t)n - begin;

	HOLDS(first <= noted && noted - first <= TURN);
	HOLDS(memcmp(bytes, printed + first, (size_t)n) == 0);
	repeated += noted - first;
	noted = first + (uint32_t)n;
	cut_point();
}

static void back_push(void)
{
	if (con_ring_push(&back.ring)) {
		cut_point();
		woken = true;
	}
}

/* What dies at the cut: a start, reads in turns, and some typing. */
static void life(void)
{
	char buf[TURN];
	uint32_t at;
	int n;

	con_back_open(&back, page, (struct con_limits){ 1u << 30, 1 }, 0);
	back_push();
	while ((n = con_back_read(&back, 0, buf, TURN)) > 0) {
		note(buf, n);
		back_push();
	}
	HOLDS(n == 0);
	for (uint32_t i = 0; i < 300; i++)
		buf[i] = (char)rand();
	at = back.ring.writes.at - begin;
	n = con_ring_room(&back.ring);
	HOLDS(n >= 0);
	n = n < 300 ? n : 300;
	memcpy(typed + at, buf, (size_t)n);
	HOLDS(con_ring_write(&back.ring, buf, 300) == n);
	back_push();
}

static bool live(uint64_t nth)
{
	bool whole = cut_run(life, nth);

	deaths += !whole;
	return whole;
}

/* The guest prints as much as it can, and takes what it finds. */
static void guest_runs(uint32_t print)
{
	uint32_t at = guest.writes.at - begin, from = guest.reads.at - begin;
	char buf[CON_OUT_BYTES];
	int n;

	for (uint32_t i = 0; i < print; i++)
		printed[at + i] = buf[i] = (char)rand();
	HOLDS(con_ring_write(&guest, buf, print) >= 0);
	n = con_ring_read(&guest, buf, sizeof buf);
	HOLDS(n >= 0 && memcmp(buf, typed + from, (size_t)n) == 0);
	(void)!con_ring_push(&guest);
}

static void start(XENCONS_RING_IDX at)
{
	page = mmap(NULL, PV_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(page != MAP_FAILED);
	page->in_cons = page->in_prod = page->out_cons = page->out_prod = begin = at;
	con_ring_open(&guest, page, CON_FRONT);
	(void)!con_ring_push(&guest);
	noted = repeated = deaths = 0;
	woken = false;
	cut_forget();
	cut_watch(page, PV_PAGE);
}

/* A successor finds all that is left, wakes a guest that waits for it, and serves it. */
static void finish(void)
{
	bool waits = page->out_prod - page->out_cons == CON_OUT_BYTES || page->in_prod != page->in_cons;

	HOLDS(live(UINT64_MAX));
	HOLDS(woken || !waits);
	HOLDS(noted == guest.writes.at - begin && repeated <= deaths * TURN);
	guest_runs(100);
	HOLDS(guest.reads.at != begin && live(UINT64_MAX) && noted == guest.writes.at - begin);
	munmap(page, PV_PAGE);
}

START_TEST(before_every_store)
{
	static const uint32_t prints[] = { 0, 1, 1000, CON_OUT_BYTES };

	for (int i = 0; i < 8; i++) {
		bool whole = false;
		uint64_t n;

		for (n = 1; !whole; n++) {
			start(i & 1 ? (XENCONS_RING_IDX)-300 : 0);
			guest_runs(prints[i / 2]);
			whole = live(n);
			if (n & 1)
				guest_runs(CON_OUT_BYTES);
			finish();
		}
		/* Typed bytes, the two indices at each push, and what was noted. */
		ck_assert_uint_gt(n, 300 / 64 + 2 * 2);
	}
}
END_TEST

START_TEST(again_and_again)
{
	srand(1);
	for (int round = 0; round < 100; round++) {
		start((XENCONS_RING_IDX)rand());
		for (int i = 0; i < 100; i++) {
			guest_runs((uint32_t)rand() % CON_OUT_BYTES);
			(void)live(1 + (uint64_t)rand() % 40);
		}
		finish();
	}
}
END_TEST

CHECK_MAIN("con_death", NULL, NULL, before_every_store, again_and_again)
