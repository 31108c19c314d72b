/* con_ring.c: both ends over one page, against two queues of bytes; notifications never lost, and few; hostile indices. */
#include "pvdrivers/con_ring.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

static union {
	struct xencons_interface ring;
	uint8_t bytes[PV_PAGE];
} shared;
static struct con_ring front, back;

/* A fresh ring whose indices all stand at @at, and ends that have told so. */
static void open_at(XENCONS_RING_IDX at)
{
	memset(&shared, 0, sizeof shared);
	shared.ring.in_cons = shared.ring.in_prod = shared.ring.out_cons = shared.ring.out_prod = at;
	con_ring_open(&front, &shared.ring, CON_FRONT);
	con_ring_open(&back, &shared.ring, CON_BACK);
	HOLDS(con_ring_push(&front) && con_ring_push(&back));	/* made up for, whatever it was */
}

/* ---- two ends that sleep ---- */

#define TOTAL 20000u

/* One end, which sends bytes that count and expects such. */
struct side {
	struct con_ring *r;
	uint32_t sent, got;
	bool looked, full;		/* nothing to read, no room, since the last push with nothing moved after it */
	bool asleep, woken;
	uint32_t notifies;
};

static uint8_t number(uint32_t n)
{
	return (uint8_t)(n * 7 + n / 251);
}

static void push(struct side *s, struct side *other)
{
	s->looked = s->full = false;
	if (con_ring_push(s->r)) {
		other->woken = true;
		s->notifies++;
	}
}

static void receive(struct side *s, bool *pushed)
{
	char buf[4000];
	int n = con_ring_read(s->r, buf, 1 + (uint32_t)rand() % 3000);

	HOLDS(n >= 0);
	for (int i = 0; i < n; i++)
		HOLDS((uint8_t)buf[i] == number(s->got++));
	s->looked = n == 0 && *pushed;
	*pushed &= n == 0;
}

static void send(struct side *s, bool *pushed)
{
	uint32_t want = 1 + (uint32_t)rand() % 3000;
	char buf[3000];
	int n;

	want = want < TOTAL - s->sent ? want : TOTAL - s->sent;
	for (uint32_t i = 0; i < want; i++)
		buf[i] = (char)number(s->sent + i);
	n = con_ring_write(s->r, buf, want);
	HOLDS(n >= 0);
	s->sent += (uint32_t)n;
	s->full = s->sent == TOTAL || (n == 0 && *pushed);
	*pushed &= n == 0;
}

/* One step of an end, which sleeps when it may: only the other's notification wakes it. */
static void step(struct side *s, struct side *other, bool *pushed)
{
	/* An event that comes while it is awake makes it look again, too. */
	if (s->woken)
		s->woken = s->asleep = s->looked = s->full = false;
	if (s->asleep)
		return;
	switch (rand() % 4) {
	case 0: receive(s, pushed); break;
	case 1: send(s, pushed); break;
	case 2: push(s, other); *pushed = true; break;
	default: s->asleep = s->looked && s->full && *pushed; break;
	}
}

static void exchange(XENCONS_RING_IDX at)
{
	struct side f = { .r = &front }, b = { .r = &back };
	bool pushed[2] = { true, true };

	open_at(at);
	while (f.got < TOTAL || b.got < TOTAL) {
		HOLDS(!f.asleep || f.woken || !b.asleep || b.woken);
		if (rand() & 1)
			step(&f, &b, &pushed[0]);
		else
			step(&b, &f, &pushed[1]);
	}
	HOLDS(f.sent == TOTAL && b.sent == TOTAL);
}

/* A wake-up that is needed and not given lets both sleep for ever, which is seen. */
START_TEST(no_wakeup_is_lost)
{
	srand(1);
	for (int i = 0; i < 100; i++)
		exchange((XENCONS_RING_IDX)rand());
}
END_TEST

START_TEST(indices_wrap)
{
	srand(2);
	for (XENCONS_RING_IDX at = 0xfffff000; at >= 0xfffff000; at += 0x155)
		exchange(at);
}
END_TEST

/* ---- who is notified of what ---- */

static bool prints(struct con_ring *r, uint32_t n)
{
	char buf[CON_OUT_BYTES] = { 0 };

	HOLDS(con_ring_write(r, buf, n) == (int)n);
	return con_ring_push(r);
}

static bool takes(struct con_ring *r, uint32_t n)
{
	char buf[CON_OUT_BYTES];

	HOLDS(con_ring_read(r, buf, n) == (int)n);
	return con_ring_push(r);
}

START_TEST(notifications_are_few)
{
	open_at(77);
	/* A reader that waits is told of the first byte, one that is behind comes to the others by itself. */
	ck_assert(prints(&front, 1));
	for (int i = 0; i < 1000; i++)
		ck_assert(!prints(&front, 1));
	/* It may have been at the end of what there was: then it is told. */
	ck_assert(!takes(&back, 1001));
	ck_assert(prints(&front, 5));
	/* A writer is told of room only if it can have found none. */
	ck_assert(!takes(&back, 2));
	ck_assert(!prints(&front, CON_OUT_BYTES - 3));
	ck_assert(takes(&back, 1));
	ck_assert(!takes(&back, 1));
	/* The same of input. */
	ck_assert(prints(&back, CON_IN_BYTES));
	ck_assert(takes(&front, 1));
	ck_assert(!takes(&front, CON_IN_BYTES - 1));
	/* Nothing is worth nothing. */
	ck_assert(!con_ring_push(&front) && !con_ring_push(&back));
}
END_TEST

/* What was moved is the other end's only when it is published. */
START_TEST(nothing_moves_before_the_push)
{
	char buf[8] = "abc";

	open_at(0xfffffffe);
	ck_assert_int_eq(con_ring_write(&front, buf, 3), 3);
	ck_assert_int_eq(con_ring_read(&back, buf, 8), 0);
	ck_assert(con_ring_push(&front));
	ck_assert_int_eq(con_ring_read(&back, buf, 2), 2);
	ck_assert_uint_eq(shared.ring.out_cons, 0xfffffffe);
	con_ring_open(&back, &shared.ring, CON_BACK);
	ck_assert_int_eq(con_ring_read(&back, buf, 8), 3);
	ck_assert(con_ring_push(&back));
	ck_assert_uint_eq(shared.ring.out_cons, 1);
}
END_TEST

/* ---- hostile ends ---- */

/* @r broke: it stays so, whatever the page says then, and nothing of the page is written. */
static void stays_broken(struct con_ring *r, XENCONS_RING_IDX at)
{
	uint8_t before[PV_PAGE];
	char buf[64];

	shared.ring.in_cons = shared.ring.in_prod = shared.ring.out_cons = shared.ring.out_prod = at;
	memcpy(before, shared.bytes, PV_PAGE);
	HOLDS(con_ring_read(r, buf, 64) == -XEN_EBADMSG && con_ring_room(r) == -XEN_EBADMSG);
	HOLDS(con_ring_write(r, buf, 64) == -XEN_EBADMSG && !con_ring_push(r));
	HOLDS(memcmp(before, shared.bytes, PV_PAGE) == 0);
}

/* Any distance of the other end's index: what can be is served, the rest breaks the ring. */
static void impossible(bool is_back, XENCONS_RING_IDX at, int64_t far)
{
	struct con_ring *r = is_back ? &back : &front;
	int readable = is_back ? (int)CON_OUT_BYTES : (int)CON_IN_BYTES, writable = 3072 - readable;
	char *buf = malloc((size_t)readable);

	open_at(at);
	*(is_back ? &shared.ring.out_prod : &shared.ring.in_prod) = at + (uint32_t)far;
	HOLDS(con_ring_read(r, buf, (uint32_t)readable) == (far >= 0 && far <= readable ? (int)far : -XEN_EBADMSG));
	if (far < 0 || far > readable)
		stays_broken(r, at);
	open_at(at);
	*(is_back ? &shared.ring.in_cons : &shared.ring.out_cons) = at - (uint32_t)far;
	HOLDS(con_ring_room(r) == (far >= 0 && far <= writable ? writable - (int)far : -XEN_EBADMSG));
	if (far < 0 || far > writable)
		stays_broken(r, at);
	free(buf);
}

START_TEST(impossible_indices)
{
	for (XENCONS_RING_IDX at = 0xfffff000, i = 0; i < 3; at += 0x1000, i++)
		for (int64_t far = -3000; far <= 5000; far += 1 + rand() % 3) {
			impossible(true, at, far);
			impossible(false, at, far);
		}
	impossible(true, 5, 0x80000000);
	impossible(false, 5, 0x80000000);
}
END_TEST

/* The other end rewrites indices and bytes between any two steps: no byte outside of the own stream and indices is written,
 * and what is read is a copy of the stream. */
START_TEST(rewritten_while_served)
{
	srand(3);
	for (int i = 0; i < 20000; i++) {
		bool is_back = rand() & 1;
		struct con_ring *r = is_back ? &back : &front;
		struct xencons_interface *p = &shared.ring;
		char buf[3000];
		uint8_t before[PV_PAGE];

		if (i % 20 == 0)
			open_at((XENCONS_RING_IDX)rand());
		*(is_back ? &p->out_prod : &p->in_prod) += (uint32_t)(rand() % 5 ? rand() % 500 : rand());
		*(is_back ? &p->in_cons : &p->out_cons) += (uint32_t)(rand() % 5 ? rand() % 20 : rand());
		memset(buf, rand(), sizeof buf);
		memcpy(before, shared.bytes, PV_PAGE);
		HOLDS(con_ring_read(r, buf, (uint32_t)rand() % 3000) <= 2048);
		HOLDS(memcmp(before, shared.bytes, PV_PAGE) == 0);
		HOLDS(con_ring_write(r, buf, (uint32_t)rand() % 3000) <= 2048);
		(void)!con_ring_push(r);
		/* Its own stream, its own two indices. */
		memcpy(is_back ? before : before + CON_IN_BYTES, is_back ? shared.ring.in : shared.ring.out,
			is_back ? CON_IN_BYTES : CON_OUT_BYTES);
		memcpy(before + (is_back ? 3076 : 3072), shared.bytes + (is_back ? 3076 : 3072), 4);
		memcpy(before + (is_back ? 3080 : 3084), shared.bytes + (is_back ? 3080 : 3084), 4);
		HOLDS(memcmp(before, shared.bytes, PV_PAGE) == 0);
	}
}
END_TEST

/* Indices that are impossible when it is opened are found at the first look. */
START_TEST(opened_broken)
{
	char c;

	open_at(0);
	shared.ring.out_cons = 1;
	con_ring_open(&back, &shared.ring, CON_BACK);
	ck_assert_int_eq(con_ring_read(&back, &c, 1), -XEN_EBADMSG);
	open_at(0);
	shared.ring.in_prod = CON_IN_BYTES + 1;
	con_ring_open(&back, &shared.ring, CON_BACK);
	ck_assert_int_eq(con_ring_write(&back, "x", 1), -XEN_EBADMSG);
}
END_TEST

CHECK_MAIN("con_ring", NULL, NULL, no_wakeup_is_lost, indices_wrap, notifications_are_few, nothing_moves_before_the_push,
	impossible_indices, rewritten_while_served, opened_broken)
