/* Two CPUs: what one finds that the other has just done, and what only a second one makes different. */
#define WORLD_CPUS 2u
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/unit/guest_world.h"
#include "tests/unit/race.h"

#define TEXT_VA va(200, 0)
#define LINE 128u				/* as much as is printed at a time */
#define LINE_COST_NS ((LINE + 10) * 100000ull)	/* a mark before each line, one for the call */

static struct guest a;
static char text[512 * LINE];

static void setup(void)
{
	world_start();
	world_guest(&a, 1, false, 2);
	world_run(&a);
	a.d->may_print = true;
	memset(text, 'x', sizeof text);
	for (unsigned i = LINE - 1; i < sizeof text; i += LINE)
		text[i] = '\n';
	host_window(0, TEXT_VA, text, sizeof text);
	host_window(1, TEXT_VA, text, sizeof text);
}

/* By the vCPU that stands for this CPU. */
static void print(uint64_t bytes)
{
	struct call c = { .vcpu = a.d->vcpu[cpu_id()], .nr = __HYPERVISOR_console_io,
			  .arg = { CONSOLEIO_write, bytes, TEXT_VA } };
	int64_t rc;
	while ((rc = call_run(&c)) == -ERESTART)
		work_run();
	ck_assert_int_eq(rc, 0);
}

static void print_line(void)
{
	print(LINE);
}

static unsigned lines_in_log(void)
{
	static char log[4 * LINE];
	uint64_t pos = 0;
	size_t size = sizeof log;
	unsigned lines = 0;
	log_read(&pos, log, &size);
	for (size_t i = 0; i < size; i++)
		lines += log[i] == '\n';
	return lines;
}

static void one_line_left(void)
{
	print(sizeof text);
	log_clear();
	print_line();
	ck_assert_uint_eq(lines_in_log(), 0);		/* nothing left, ... */
	host_time_advance(LINE_COST_NS);		/* ... but for this */
}

/* Both vCPUs of a domain print, and its budget is good for one of them. */
START_TEST(one_budget)
{
	RACE(one_line_left(), print_line, print_line, ck_assert_uint_eq(lines_in_log(), 1));
	ck_assert_uint_gt(race_at, 3);
}
END_TEST

/* Where a vCPU runs is told only if that cannot change. */
START_TEST(place_of_a_vcpu)
{
	struct vcpu_get_physid *p = at(&a, 1, 0);
	static const struct { cpumask_t hard; int rc; } rows[] = {
		{ 1, 0 }, { 2, 0 }, { 3, -EINVAL }, { ~0ull, -EINVAL }, { 4, -EINVAL }, { 6, 0 },
	};
	a.d->is_control = true;
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		p->phys_id = 77;
		a.d->vcpu[1]->hard_affinity = rows[i].hard;
		ck_assert_int_eq(call(a.v, __HYPERVISOR_vcpu_op, VCPUOP_get_physid, 1, va(1, 0)), rows[i].rc);
		unsigned cpu = rows[i].hard & 2 ? 1 : 0;
		ck_assert_uint_eq(p->phys_id, rows[i].rc ? 77 : (uint64_t)cpu << 32 | cpu_apic_id(cpu));
	}
	a.d->is_control = false;
}
END_TEST

CHECK_MAIN("races of calls", setup, NULL, one_budget, place_of_a_vcpu)
