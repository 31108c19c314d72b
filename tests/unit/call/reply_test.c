/* What goes back to a guest is what was asked and nothing else: before each call the stack below is filled with a
 * pattern, and the reply must not hold a piece of it. Padding and the unused arm of a union count. */
#include "hv/base/string.h"
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/physdev.h"
#include "protocol/sysctl.h"
#include "protocol/vcpu.h"
#include "protocol/version.h"
#include "tests/unit/guest_world.h"

#define POISON 0xa5
#define PAGE 1u			/* arguments */

static struct guest dom0_, guest_;

static void setup(void)
{
	world_start();
	world_guest(&dom0_, 0, true, 1);
	world_guest(&guest_, 1, false, 2);
	world_run(&guest_);
}

static __attribute__((noinline)) void stack_poison(void)
{
	volatile uint8_t area[48 * 1024];
	for (unsigned i = 0; i < sizeof area; i++)
		area[i] = POISON;
}

static bool is_poisoned(const struct guest *g)
{
	const uint8_t *p = host_frame(g->page[PAGE]);
	for (unsigned i = 0; i + 1 < PAGE_SIZE; i++)
		if (p[i] == POISON && p[i + 1] == POISON)
			return true;
	return false;
}

/* The call @nr with @a0 and its argument, @n bytes of @arg, in PAGE; @reply: which argument names it. */
static int64_t ask(struct guest *g, unsigned nr, uint64_t a0, uint64_t a1, const void *arg, size_t n)
{
	memset(at(g, PAGE, 0), 0, PAGE_SIZE);
	if (n)
		memcpy(at(g, PAGE, 0), arg, n);
	uint64_t a[6] = { a0, a1, va(PAGE, 0) };
	if (a1 == va(PAGE, 0))
		a[2] = 1;			/* count of a batch */
	stack_poison();
	int64_t rc = call6(g->v, nr, a);
	ck_assert_msg(!is_poisoned(g), "hypercall %u, %lu", nr, (unsigned long)a0);
	return rc;
}

static void zero_between(struct guest *g, size_t from, size_t to)
{
	const uint8_t *p = at(g, PAGE, 0);
	for (size_t i = from; i < to; i++)
		ck_assert_uint_eq(p[i], 0);
}

START_TEST(runstate)
{
	ck_assert_int_eq(ask(&guest_, __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, NULL, 0), 0);
	zero_between(&guest_, 4, 8);
	zero_between(&guest_, sizeof(struct vcpu_runstate_info), PAGE_SIZE);
}
END_TEST

START_TEST(event_status)
{
	uint32_t port;
	ck_assert_int_eq(evtchn_bind_ipi(guest_.d, 0, &port), 0);
	for (uint32_t i = 1; i <= port + 1; i++) {
		struct evtchn_status s = { .dom = DOMID_SELF, .port = i };
		ck_assert_int_eq(ask(&guest_, __HYPERVISOR_event_channel_op, EVTCHNOP_status, va(PAGE, 0), &s, sizeof s), 0);
		zero_between(&guest_, offsetof(struct evtchn_status, u), PAGE_SIZE);
	}
}
END_TEST

/* Every sub-operation of every family that answers in memory, by number: also those nobody thought of here. */
START_TEST(everything_that_answers)
{
	static const unsigned by_address[] = { __HYPERVISOR_memory_op, __HYPERVISOR_xen_version,
		__HYPERVISOR_event_channel_op, __HYPERVISOR_grant_table_op, __HYPERVISOR_physdev_op };
	struct guest *const who[] = { &guest_, &dom0_ };
	uint64_t self[64] = { DOMID_SELF };
	for (unsigned w = 0; w < 2; w++) {
		world_run(who[w]);
		for (unsigned i = 0; i < ARRAY_COUNT(by_address); i++)
			for (unsigned cmd = 0; cmd < 48; cmd++)
				(void)ask(who[w], by_address[i], cmd, va(PAGE, 0), self, sizeof self);
		for (unsigned cmd = 0; cmd < 16; cmd++)
			if (cmd != VCPUOP_down && cmd != VCPUOP_register_vcpu_info)
				(void)ask(who[w], __HYPERVISOR_vcpu_op, cmd, 0, NULL, 0);
	}
}
END_TEST

START_TEST(control)
{
	world_run(&dom0_);
	for (uint32_t cmd = 1; cmd < 90; cmd++) {
		struct xen_domctl op = { .cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = 1 };
		if (cmd == XEN_DOMCTL_destroydomain || cmd == XEN_DOMCTL_createdomain)
			continue;
		memset(at(&dom0_, PAGE, 0), 0, PAGE_SIZE);
		memcpy(at(&dom0_, PAGE, 0), &op, sizeof op);
		stack_poison();
		(void)call(dom0_.v, __HYPERVISOR_domctl, va(PAGE, 0));
		ck_assert_msg(!is_poisoned(&dom0_), "domctl %u", cmd);
	}
	for (uint32_t cmd = 1; cmd < 32; cmd++) {
		struct xen_sysctl op = { .cmd = cmd, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
		memset(at(&dom0_, PAGE, 0), 0, PAGE_SIZE);
		memcpy(at(&dom0_, PAGE, 0), &op, sizeof op);
		stack_poison();
		(void)call(dom0_.v, __HYPERVISOR_sysctl, va(PAGE, 0));
		ck_assert_msg(!is_poisoned(&dom0_), "sysctl %u", cmd);
	}
}
END_TEST

/* Our own objects are given out clean, whatever their last use left in them. */
START_TEST(objects_are_cleared)
{
	for (size_t size = 1; size <= PAGE_SIZE; size += 61) {
		uint8_t *p = heap_alloc(size), *q = heap_alloc(size);
		ck_assert(p && q);
		memset(q, POISON, size);
		heap_free(q);
		uint8_t *again = heap_alloc(size);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(again[i], 0);
		heap_free(again);
		heap_free(p);
	}
}
END_TEST

CHECK_MAIN("reply", setup, NULL, runstate, event_status, everything_that_answers, control,
	   objects_are_cleared)
