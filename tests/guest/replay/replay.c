/* replay: a list of the fuzzer's operations as real hypercalls and accesses, on the real machine.
 *
 * What is tested: that the hypervisor on the machine answers as the hosted build does. tests/fuzz/replay.c runs a list
 * hosted and writes it with what it expects; guest/replay.py boots it here and compares line by line.
 *
 * How it works: this kernel is every domain of the machine. vCPUs 0 and 1 of each are players, in the place of the
 * modelled world's vCPUs: a player waits for its turn and does the one hypercall or access it is told, with its
 * own page tables, pool frames, grants and ports. vCPU 2 of dom0 is the coordinator: it looks operands up and fills
 * arguments in with the hosted world's own code (world.c), gives the turns, and prints outcome and state after each.
 * Where the pool frames are mapped, and that nothing else is, is as in the hosted world: frames 0..9 of the domain,
 * mapped nowhere. The kernel itself lives in L4 slot 511, which lists for this kernel leave alone, and which a player
 * puts into each table that becomes a base, and takes out of the one before.
 *
 * Command line: stranger: not a player, only a domain that others have nothing to do with. */
#include "examples/pv/hypercall.h"
#include "protocol/sched.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/replay/replay.h"

const char test_name[] = "replay";

/* An L4 with the kernel's slot alone, so that the coordinator holds nothing of what slot 0 plays with. */
static uint64_t apart_l4(void)
{
	uint64_t *l4 = page_alloc();

	l4[511] = ((volatile uint64_t *)start_info->pt_base)[511];
	if (page_protect(l4, 0))
		test_error("cannot make a page table");
	return va_to_mfn(l4);
}

void test_main(void)
{
	long rc;

	if (option_given("stranger"))
		for (;;)
			sched_op(SCHEDOP_block, 0);
	if (start_info->flags & SIF_INITDOMAIN) {
		(void)va_alloc();	/* makes the window, while the first table is mapped */
		rc = vcpu_start_on(2, coordinator_run, apart_l4());
		if (rc)
			test_error("vCPU 2 does not start: %ld", rc);
	}
	player_prepare();
	rc = vcpu_start(1, player_serve);
	if (rc)
		test_error("vCPU 1 does not start: %ld", rc);
	player_serve();
}
