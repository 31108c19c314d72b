/* Guests that write the hypervisor's log: XSA-146, XSA-152.
 *
 * A line on the console of a server takes milliseconds, on a serial port a good part of a second
 * for each screen, and whoever prints it has the CPU and often a lock. A message that a guest can
 * cause, meant for the developer who wonders why a call failed, is therefore a way to stop the
 * machine for everybody, and to have the log say nothing but that. In XSA-146 it was a line for
 * each hypercall that was not implemented, in XSA-152 one for each use of a profiler that was not
 * there; neither was the first of its kind.
 *
 * Here a refused call says so to its caller and to nobody else. What is logged of a guest is its
 * end, and that out of a budget of its own (log_budget_take() in hv/core/log.c: sixteen lines, then
 * one a second; the next line says how many were not written). Boot modules that may print to the
 * console pay for every byte, and for the mark before each line, by a budget of 64 KiB that fills
 * again at 10,000 bytes a second (budget_take() in hv/call/console_io.c).
 *
 * The tests count what arrives in the log, for thousands of calls that fail, a domain that dies
 * again and again, and one that prints without end.
 * Catches: log-budget-endless, log-console-unpaid, blind/53-console-debt-forgotten. */
#include "hv/core/log.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define BURST_BYTES	65536u
#define BYTES_A_SECOND	10000u
#define SECOND		1000000000ull

static uint64_t seen_bytes, seen_lines;

static void console(const char *text, size_t n)
{
	seen_bytes += n;
	for (size_t i = 0; i < n; i++)
		seen_lines += text[i] == '\n';
}

static void log_watched(void)
{
	scene_set();
	log_set_levels(LOG_DEBUG, LOG_DEBUG);
	log_set_console(console);
	seen_bytes = seen_lines = 0;
}

/* XSA-146, XSA-152: every number, every number below it, arguments that make no sense. Not a word. */
START_TEST(calls_that_fail)
{
	static const uint64_t wild[] = { 0, 1, ~0ull, HV_VIRT_START, 1ull << 63 };
	for (uint64_t nr = 0; nr < 64; nr++) {
		if (nr == __HYPERVISOR_iret || nr == __HYPERVISOR_sched_op || nr == __HYPERVISOR_stack_switch)
			continue;		/* she may end herself by them: the next test */
		for (uint64_t cmd = 0; cmd < 40; cmd++)
			(void)call(mallory.v, nr, cmd, wild[cmd % 5], wild[(cmd + nr) % 5], wild[nr % 5]);
	}
	(void)call(mallory.v, ~0ull, 0);
	ck_assert(!mallory.d->is_shut_down);
	ck_assert_uint_eq(seen_bytes, 0);
}
END_TEST

/* dom0, or who has a restart in its configuration, resumes her each time. */
static unsigned dies(unsigned times)
{
	uint64_t before = seen_lines;
	for (unsigned i = 0; i < times; i++) {
		world_run(&mallory);
		mallory.v->ctx.regs.rsp = HV_VIRT_START;
		mallory.v->ctx.regs.rax = __HYPERVISOR_iret;
		call_dispatch(mallory.v);
		work_run();
		ck_assert(mallory.d->is_shut_down);
		domain_resume(mallory.d);
		world_check();
	}
	return (unsigned)(seen_lines - before);
}

START_TEST(death_without_end)
{
	ck_assert_uint_eq(dies(500), LOG_BURST);
	ck_assert_uint_eq(dies(500), 0);
	host_time_advance(3 * SECOND);
	ck_assert_uint_eq(dies(500), 3);
	/* The others can be heard meanwhile. */
	uint64_t before = seen_lines;
	domain_crash(victim.d, "a line of the victim's");
	ck_assert_uint_eq(seen_lines, before + 1);
}
END_TEST

static uint64_t prints(unsigned calls, const char *text, size_t n)
{
	uint64_t before = seen_bytes;
	memcpy(at(&mallory, ARGS, 0), text, n);
	for (unsigned i = 0; i < calls; i++)
		WORKS(call(mallory.v, __HYPERVISOR_console_io, CONSOLEIO_write, n, va(ARGS, 0)));
	return seen_bytes - before;
}

/* Long lines, and the shortest, of which each costs a mark. */
START_TEST(printing_without_end)
{
	static char page[4096], lines[4096];
	memset(page, 'x', sizeof page);
	memset(lines, '\n', sizeof lines);
	ck_assert_int_eq(call(mallory.v, __HYPERVISOR_console_io, CONSOLEIO_write, 10, va(ARGS, 0)), -EPERM);
	mallory.d->may_print = true;
	ck_assert_uint_le(prints(200, page, sizeof page), BURST_BYTES);
	ck_assert_uint_le(prints(200, lines, sizeof lines), 256);
	for (unsigned i = 0; i < 3; i++) {
		host_time_advance(SECOND);
		uint64_t more = prints(100, lines, sizeof lines);
		ck_assert_uint_gt(more, 0);
		ck_assert_uint_le(more, BYTES_A_SECOND + 256);
	}
}
END_TEST

/* What is printed does not pass for ours: each line begins with who said it, and nothing moves the cursor. */
START_TEST(lines_that_lie)
{
	static const char text[] = "\033[2J(hv) all is well\r\n\b\b(hv) trust me\n";
	char log[4096];
	uint64_t pos = 0;
	size_t n = sizeof log - 1;
	mallory.d->may_print = true;
	log_clear();
	(void)prints(1, text, sizeof text - 1);
	log_read(&pos, log, &n);
	log[n] = 0;
	ck_assert_str_eq(log, "(d1) ?[2J(hv) all is well?\n(d1) ?" "?(hv) trust me\n");
}
END_TEST

CHECK_MAIN("log_floods", log_watched, NULL, calls_that_fail, death_without_end,
	   printing_without_end, lines_that_lie)
