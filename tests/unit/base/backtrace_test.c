/* Backtraces: names and frames from a table, a chain of calls whole and with holes, and random stacks and
 * tables, over which ASan watches that nothing else is read. */
#include <stdlib.h>
#include <string.h>
#include "hv/base/backtrace.h"
#include "hv/cpu/x86_64/stack.h"
#include "tests/unit/check_main.h"

#define BASE	0xffff810000100000ull
#define ROOM	20

/* outer at 0x10: its frame is of 1 word, then 4; inner at 0x100: 1, then 130; stub at 0x200: not known; last, cold. */
static const uint8_t table[] =
	"\x10\0\0\0outer\0\2\0\1\4\4"
	"\0\1\0\0inner\0\2\0\1\2\x82\1"
	"\0\2\0\0stub\0\0"
	"\0\3\0\0inner.cold\0\1\0\x82\1";
static const struct code_map code = { BASE, 0x1000, table, sizeof table - 1 };
static struct backtrace_entry out[ROOM];

static void entry_is(unsigned i, uint64_t at, const char *name, uint64_t offset, bool is_guess)
{
	ck_assert_uint_eq(out[i].at, BASE + at);
	ck_assert_str_eq(out[i].place.name, name);
	ck_assert_uint_eq(out[i].place.offset, offset);
	ck_assert(out[i].is_guess == is_guess);
}

static void place_is(uint64_t at, const char *name, uint64_t offset, uint64_t words)
{
	struct code_place p = code_find(&code, at);
	ck_assert_str_eq(p.name, name);
	ck_assert_uint_eq(p.offset, offset);
	ck_assert_uint_eq(p.frame_words, words);
}

START_TEST(places)
{
	place_is(BASE - 1, "?", 0, 0);
	place_is(BASE + 0xf, "?", 0, 0);
	place_is(BASE + 0x10, "outer", 0, 1);
	place_is(BASE + 0x13, "outer", 3, 1);
	place_is(BASE + 0x14, "outer", 4, 4);
	place_is(BASE + 0xff, "outer", 0xef, 4);
	place_is(BASE + 0x102, "inner", 2, 130);
	place_is(BASE + 0x200, "stub", 0, 0);
	place_is(BASE + 0xfff, "inner.cold", 0xcff, 130);
	place_is(BASE + 0x1000, "?", 0, 0);
	place_is(0, "?", 0, 0);
	place_is(~0ull, "?", 0, 0);
}
END_TEST

START_TEST(chain)
{
	uint64_t stack[140] = { 0 };
	memset(stack, 0x55, sizeof stack);
	stack[3] = BASE + 0x150;		/* left over: inside inner's frame, not to be found */
	stack[129] = BASE + 0x100;		/* the last byte of outer returns behind it */
	stack[133] = BASE + 0x210;
	unsigned n = backtrace_walk(&code, BASE + 0x305, stack, stack + 140, out, ROOM);
	ck_assert_uint_eq(n, 3);
	entry_is(0, 0x305, "inner.cold", 5, false);
	entry_is(1, 0x100, "outer", 0xf0, false);
	entry_is(2, 0x210, "stub", 0x10, false);
	/* No more than there is room for. */
	ck_assert_uint_eq(backtrace_walk(&code, BASE + 0x305, stack, stack + 140, out, 2), 2);
	ck_assert_uint_eq(backtrace_walk(&code, BASE + 0x305, stack, stack, out, ROOM), 1);
}
END_TEST

START_TEST(guesses)
{
	/* From the stub: the next word that lies in a function whose frame is known, then exact again. */
	uint64_t stack[] = { 1, BASE + 0x208, BASE + 0x20, 2, 3, 4, BASE + 0x30, 5, 6 };
	ck_assert_uint_eq(backtrace_walk(&code, BASE + 0x204, stack, stack + 9, out, ROOM), 3);
	entry_is(0, 0x204, "stub", 4, false);
	entry_is(1, 0x20, "outer", 0x10, true);
	entry_is(2, 0x30, "outer", 0x20, false);
	/* A jump to nowhere, and a frame whose return address was overwritten. */
	stack[6] = 0xdead;
	stack[7] = BASE + 0x40;
	ck_assert_uint_eq(backtrace_walk(&code, 0, stack, stack + 9, out, ROOM), 3);
	ck_assert_str_eq(out[0].place.name, "?");
	entry_is(1, 0x20, "outer", 0x10, true);
	entry_is(2, 0x40, "outer", 0x30, true);
}
END_TEST

START_TEST(nonsense)
{
	srand((unsigned)_i);
	for (unsigned round = 0; round < 2000; round++) {
		size_t words = (size_t)rand() % 64, size = (size_t)rand() % sizeof table;
		uint64_t *stack = malloc(words * 8 + 1);
		uint8_t *bytes = malloc(size + 1);
		memcpy(bytes, table, size);
		for (unsigned i = 0; size && i < (unsigned)rand() % 8; i++)
			bytes[(size_t)rand() % size] = (uint8_t)rand();
		for (size_t i = 0; i < words; i++)
			stack[i] = rand() % 4 ? BASE + (uint64_t)rand() % 0x1100 : (uint64_t)rand() << 32;
		struct code_map c = { BASE, 0x1000, bytes, size };
		unsigned n = backtrace_walk(&c, BASE + (uint64_t)rand() % 0x400, stack, stack + words, out, ROOM);
		ck_assert(n >= 1 && n <= ROOM && n <= words + 1);
		for (unsigned i = 0; i < n; i++)
			ck_assert_uint_le(strlen(out[i].place.name), size + 1);
		free(stack);
		free(bytes);
	}
}
END_TEST

static void bounds_are(uint64_t rsp, uint64_t from, uint64_t to)
{
	uint64_t area = PERCPU_VIRT + (3ull << PERCPU_SHIFT), f, t;
	stack_bounds(area, area + rsp, &f, &t);
	ck_assert_uint_eq(f - area, from);
	ck_assert_uint_eq(t - area, to);
}

START_TEST(stacks)
{
	bounds_are(0xfff0, 0, 0);			/* struct percpu */
	bounds_are(0xffb1, 0xffb8, 0xffc0);
	bounds_are(0x8000, 0x8000, 0xffc0);
	bounds_are(0x7ff8, 0x8000, 0xffc0);		/* run off into the guard region */
	bounds_are(IST_DB, 0x8000, 0xffc0);
	bounds_are(IST_DF - 8, 0xff8, 0x1000);
	bounds_are(IST_DF, 0x1000, 0x2000);
	bounds_are(IST_DB - 1, 0x8000, 0xffc0);		/* rounded up */
	bounds_are(0, 0, 0x1000);
	bounds_are(0x10000, 0, 0);
	bounds_are(~0ull, 0, 0x1000);			/* rounded up, onto the first stack */
	bounds_are(~0ull << 32, 0, 0);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, places, chain, guesses, stacks);
	tcase_add_loop_test(c, nonsense, 0, 8);
	return check_run("backtrace", c);
}
