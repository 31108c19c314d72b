/* Lists, bits, checked arithmetic. */
#include "hv/base/atomic.h"
#include "hv/base/list.h"
#include "hv/base/math.h"
#include "tests/unit/check_main.h"

struct item { int n; struct list link; };

START_TEST(list_keeps_order)
{
	struct list head;
	struct item a = { 1, { 0, 0 } }, b = { 2, { 0, 0 } }, c = { 3, { 0, 0 } };
	list_init(&head);
	ck_assert(list_is_empty(&head));
	list_add_tail(&b.link, &head);
	list_add_tail(&c.link, &head);
	list_add_head(&a.link, &head);
	int want = 1;
	list_for_each(p, &head)
		ck_assert_int_eq(list_entry(p, struct item, link)->n, want++);
	ck_assert_int_eq(want, 4);
	list_remove(&b.link);
	list_remove(&b.link);		/* harmless */
	ck_assert_ptr_eq(a.link.next, &c.link);
	list_for_each_safe(p, next, &head)
		list_remove(p);
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(bits_in_words)
{
	uint64_t map[2] = { 0, 0 };
	ck_assert(!bit_test_and_set(map, 64));
	ck_assert(bit_test_and_set(map, 64));
	ck_assert(bit_test(map, 64) && !bit_test(map, 0));
	ck_assert_uint_eq(map[1], 1);
	ck_assert(bit_test_and_clear(map, 64));
	ck_assert(!bit_test_and_clear(map, 64));
}
END_TEST

START_TEST(arithmetic_tells_overflow)
{
	uint64_t x;
	ck_assert(add_overflows(~0ull, 1, &x));
	ck_assert(!add_overflows(~0ull - 1, 1, &x));
	ck_assert_uint_eq(x, ~0ull);
	ck_assert(mul_overflows(1ull << 32, 1ull << 32, &x));
	ck_assert(!mul_overflows(1ull << 31, 1ull << 32, &x));
	ck_assert_uint_eq(x, 1ull << 63);
}
END_TEST

START_TEST(mul_div_is_exact)
{
	const uint64_t v[] = { 1, 2, 3, 1000, 999999937, 1ull << 32, (1ull << 63) + 5, ~0ull };
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned j = 0; j < 8; j++) {
			for (unsigned k = 0; k < 8; k++) {
				unsigned __int128 p = (unsigned __int128)v[i] * v[j];
				if (p / v[k] > ~0ull)
					continue;
				ck_assert_uint_eq(mul_div(v[i], v[j], v[k]), (uint64_t)(p / v[k]));
			}
		}
	}
}
END_TEST

START_TEST(nospec_index_clamps)
{
	for (uint64_t limit = 1; limit < 70; limit++)
		for (uint64_t i = 0; i < 140; i++)
			ck_assert_uint_eq(index_nospec(i, limit), i < limit ? i : 0);
	ck_assert_uint_eq(index_nospec(~0ull, 10), 0);
	ck_assert_uint_eq(index_nospec(1ull << 63, 10), 0);
}
END_TEST

CHECK_MAIN("base", NULL, NULL, list_keeps_order, bits_in_words, arithmetic_tells_overflow,
	   mul_div_is_exact, nospec_index_clamps)
