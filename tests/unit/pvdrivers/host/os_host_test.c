/* The host port keeps the contract of os.h, and a domain that dies leaves nothing but what others hold. */
#include "pvdrivers/host/os_host.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"

static struct host_machine *machine;
static struct host_domain dom0, guest;
static struct pv_os *const back = &dom0.os, *const front = &guest.os;
static int calls;

static void called(void *arg)
{
	ck_assert_ptr_eq(arg, &calls);
	calls++;
}

static void set_up(void)
{
	machine = calloc(1, sizeof *machine);
	host_domain_init(&dom0, machine, 0);
	host_domain_init(&guest, machine, 7);
	calls = 0;
}

static void tear_down(void)
{
	host_domain_die(&guest);
	host_domain_die(&dom0);
	ck_assert_uint_eq(host_domain_holds(&dom0) + host_domain_holds(&guest), 0);
	free(machine);
}

START_TEST(memory)
{
	uint8_t *page = back->alloc(back, 3 * PV_PAGE), *few = back->alloc(back, 100);

	ck_assert_uint_eq((uintptr_t)page % PV_PAGE, 0);
	for (size_t i = 0; i < 3 * PV_PAGE; i++)
		ck_assert(!page[i]);
	back->free(back, few, 100);
	back->free(back, NULL, 100);
	ck_assert_uint_eq(host_domain_holds(&dom0), 1);
	dom0.fail_alloc = 2;
	back->free(back, back->alloc(back, 1), 1);
	ck_assert_ptr_null(back->alloc(back, 1));
	back->free(back, page, 3 * PV_PAGE);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
}
END_TEST

START_TEST(grants)
{
	uint8_t *pages = front->alloc(front, 3 * PV_PAGE);
	struct pv_map map[3] = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(front->grant(front, 0, pages + (size_t)i * PV_PAGE, i == 2, &map[i].ref), 0);
	/* All or nothing, whichever fails. */
	ck_assert_int_eq(back->map(back, 7, map, 3, PV_MAP_WRITABLE), -XEN_EACCES);
	ck_assert_int_eq(back->map(back, 8, map, 3, 0), -XEN_ENOENT);
	dom0.fail_map = 1;
	ck_assert_int_eq(back->map(back, 7, map, 3, 0), -XEN_ENOMEM);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
	ck_assert_int_eq(back->map(back, 7, map, 3, PV_MAP_TOGETHER), 0);
	ck_assert_ptr_eq((uint8_t *)map[0].addr + 2 * PV_PAGE, map[2].addr);
	ck_assert_int_eq(front->grant_end(front, map[1].ref), -XEN_EBUSY);
	back->unmap(back, map, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(front->grant_end(front, map[i].ref), 0);
	ck_assert_int_eq(back->map(back, 7, map, 1, 0), -XEN_ENOENT);
	map[0].ref = UINT32_MAX;
	ck_assert_int_eq(back->map(back, 7, map, 1, 0), -XEN_ENOENT);
}
END_TEST

START_TEST(pages_that_do_not_lie_together)
{
	uint8_t *pages = front->alloc(front, 3 * PV_PAGE);
	struct pv_map map[2] = { 0 };

	ck_assert_int_eq(front->grant(front, 0, pages, false, &map[0].ref), 0);
	ck_assert_int_eq(front->grant(front, 0, pages + 2 * PV_PAGE, false, &map[1].ref), 0);
	ck_assert_int_eq(back->map(back, 7, map, 2, PV_MAP_TOGETHER), -XEN_EINVAL);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
}
END_TEST

/* Each copy has its own result; nothing is written outside of the range, nor where it is not allowed. */
START_TEST(copies)
{
	uint8_t *pages = front->alloc(front, 2 * PV_PAGE), local[4] = { 1, 2, 3, 4 }, got[4] = { 0 };
	grant_ref_t ref, readonly;

	ck_assert_int_eq(front->grant(front, 0, pages, false, &ref), 0);
	ck_assert_int_eq(front->grant(front, 0, pages + PV_PAGE, true, &readonly), 0);
	struct pv_copy copy[] = {
		{ ref, PV_PAGE - 4, 4, true, local, 1 }, { ref, PV_PAGE - 3, 4, true, local, 1 },
		{ ref, UINT16_MAX, UINT16_MAX, true, local, 1 }, { readonly, 0, 4, true, local, 1 },
		{ 0, 0, 4, false, local, 1 }, { UINT32_MAX, 0, 4, false, local, 1 }, { 77, 0, 4, true, local, 1 },
		{ ref, PV_PAGE - 4, 4, false, got, 1 }, { ref, PV_PAGE - 3, 4, false, local, 1 },
		{ readonly, 0, 2, false, got, 1 }, { ref, PV_PAGE, 0, true, local, 1 },
	};
	static const int want[] = { 0, -XEN_EINVAL, -XEN_EINVAL, -XEN_EACCES, -XEN_ENOENT, -XEN_ENOENT, -XEN_ENOENT, 0,
		-XEN_EINVAL, 0, 0 };

	back->copy(back, 7, copy, 11);
	for (int i = 0; i < 11; i++)
		ck_assert_int_eq(copy[i].err, want[i]);
	ck_assert_int_eq(memcmp(got, (uint8_t[]){ 0, 0, 3, 4 }, 4), 0);
	ck_assert_int_eq(memcmp(pages + PV_PAGE - 4, (uint8_t[]){ 1, 2, 3, 4, 0, 0, 0, 0 }, 8), 0);
	ck_assert_int_eq(memcmp(local, (uint8_t[]){ 1, 2, 3, 4 }, 4), 0);
	back->copy(back, 8, copy, 1);
	ck_assert_int_eq(copy[0].err, -XEN_ENOENT);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
	ck_assert_int_eq(front->grant_end(front, ref), 0);
}
END_TEST

START_TEST(events)
{
	uint32_t open, bound, again;

	ck_assert_int_eq(front->event_open(front, 0, 0, called, &calls, &open), 0);
	ck_assert_int_eq(back->event_open(back, 8, open, called, &calls, &bound), -XEN_ENOENT);
	ck_assert_int_eq(back->event_open(back, 7, open, called, &calls, &bound), 0);
	ck_assert_int_eq(back->event_open(back, 7, open, called, &calls, &again), -XEN_ENOENT);
	host_run(machine);
	ck_assert_int_eq(calls, 1);
	/* Several notifications are one call; nothing comes from within. */
	for (int i = 0; i < 3; i++)
		back->event_notify(back, bound);
	ck_assert_int_eq(calls, 1);
	host_run(machine);
	ck_assert_int_eq(calls, 2);
	/* A successor binds the same port. */
	host_domain_die(&dom0);
	front->event_notify(front, open);
	ck_assert(!host_run_one(machine));
	ck_assert_int_eq(back->event_open(back, 7, open, called, &calls, &bound), 0);
	front->event_notify(front, open);
	front->event_close(front, open);
	host_run(machine);
	ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(store)
{
	char value[PV_VALUE_MAX];

	ck_assert_int_eq(back->store_read(back, "a/b", value, sizeof value), -XEN_ENOENT);
	ck_assert_int_eq(back->store_watch(back, "a", called, &calls), 0);
	host_run(machine);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(front->store_write(front, "a/b", "12"), 0);
	ck_assert_int_eq(front->store_write(front, "ab", "3"), 0);
	host_run(machine);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(back->store_read(back, "a/b", value, sizeof value), 0);
	ck_assert_str_eq(value, "12");
	ck_assert_int_eq(back->store_read(back, "a/b", value, 2), -XEN_E2BIG);
	host_store_remove(machine, "a");
	back->store_unwatch(back, "a", called, &calls);
	host_run(machine);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(back->store_read(back, "a/b", value, sizeof value), -XEN_ENOENT);
	ck_assert_int_eq(back->store_read(back, "ab", value, sizeof value), 0);
	back->log(back, "one line");
	ck_assert_str_eq(dom0.last_log, "one line");
}
END_TEST

START_TEST(death)
{
	struct pv_map map = { 0 };
	void *page = front->alloc(front, PV_PAGE);
	uint32_t port;

	ck_assert_int_eq(front->grant(front, 0, page, false, &map.ref), 0);
	ck_assert_int_eq(back->map(back, 7, &map, 1, 0), 0);
	ck_assert_int_eq(back->event_open(back, 7, 0, called, &calls, &port), 0);
	ck_assert_int_eq(back->store_watch(back, "a", called, &calls), 0);
	ck_assert_ptr_nonnull(back->alloc(back, 10));
	ck_assert_uint_eq(host_domain_holds(&dom0), 4);
	host_domain_die(&dom0);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
	host_run(machine);
	ck_assert_int_eq(calls, 0);
	ck_assert_int_eq(front->grant_end(front, map.ref), 0);
	front->free(front, page, PV_PAGE);
}
END_TEST

CHECK_MAIN("os_host", set_up, tear_down, memory, grants, copies, pages_that_do_not_lie_together, events, store, death)
