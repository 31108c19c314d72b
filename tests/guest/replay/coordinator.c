/* The coordinator: finds the players' boxes, then plays the list that dom0's initrd is.
 * A player tells where its box is in shared_info, in the field that is for such a list of the guest's own. */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/print.h"
#include "protocol/sched.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/replay/coordinator.h"

#define BORN_FRAMES	11u		/* of a hosted domain: its pool and its first table */
#define PATIENCE_NS	10000000000ul

void trace_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t control_time_ns(void);

void trace_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_args(format, args);
	va_end(args);
}

uint64_t control_time_ns(void)
{
	return clock_ns();
}

/* The frame of another domain's box, when it has one. */
static uint64_t box_frame(unsigned domid)
{
	static void *page;
	uint64_t m, until = clock_ns() + PATIENCE_NS, shared = control_info(domid).shared_info;

	page = page ? page : va_alloc();
	if (!control_map(page, domid, shared, false))
		test_error("cannot map domain %u's shared_info", domid);
	do {
		sched_op(SCHEDOP_yield, 0);
		m = ((volatile struct shared_info *)page)->arch.pfn_to_mfn_frame_list_list;
	} while (!m && clock_ns() < until);
	control_map(page, 0, NO_FRAME, false);
	if (!m)
		test_error("domain %u does not answer", domid);
	return m;
}

static struct box *box_open(unsigned domid)
{
	uint64_t first = box_frame(domid);
	uint8_t *at = va_alloc();
	struct box *b = (struct box *)at;

	if (!control_map(at, domid, first, true) || b->ready != BOX_READY)
		test_error("domain %u has no box", domid);
	for (unsigned i = 1; i < BOX_PAGES; i++)
		if (va_alloc() != at + i * PAGE_SIZE || !control_map(at + i * PAGE_SIZE, domid, b->page[i], true))
			test_error("cannot map domain %u's box", domid);
	return b;
}

static void slot_open(unsigned slot)
{
	struct birth b = { .domid = (uint16_t)slot, .box = slot ? 0 : &box };
	struct control_info info;

	while (slot == 0 && __atomic_load_n(&box.ready, __ATOMIC_ACQUIRE) != BOX_READY)
		sched_op(SCHEDOP_yield, 0);
	if (slot)
		b.box = box_open(slot);
	for (unsigned v = 0; v < VCPUS; v++)
		while (!b.box->serving[v])
			sched_op(SCHEDOP_yield, 0);
	info = control_info(slot);
	b.shared_info = info.shared_info;
	b.overhead = info.frames - BORN_FRAMES;
	view_birth(slot, &b);
}

void coordinator_run(void)
{
	const struct replay_list *l = (const struct replay_list *)start_info->mod_start;

	if (start_info->mod_len < sizeof *l || memcmp(l->magic, REPLAY_MAGIC, sizeof l->magic) ||
	    start_info->mod_len < sizeof *l + l->count * sizeof l->op[0] || l->slots < 2 || l->slots > SLOTS)
		test_error("the initrd is no list");
	/* A domain that is no slot's: its frames are as foreign to all as the hypervisor's own. */
	view_start(l, control_info(l->slots).shared_info);
	for (unsigned s = 0; s < l->slots; s++)
		slot_open(s);
	for (unsigned i = 0; i < l->count; i++)
		view_play(i, &l->op[i], i == l->dump_at);
	control_end(0);
}
