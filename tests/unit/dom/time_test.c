/* Guest time: clock records, wall clock, the areas by virtual address, timers. */
#include "tests/unit/domain_machine.h"

static struct domain *d;
static struct vcpu *v;
static struct space s;
static unsigned ticks;

static void count_tick(struct vcpu *to, unsigned virq)
{
	if (to == v && virq == VIRQ_TIMER)
		ticks++;
}

static void world(void)
{
	machine_boot(2, 512);
	host_time_advance(MS); /* a machine takes that long until it starts a domain */
	vcpu_raise_virq = count_tick;
	ticks = 0;
	d = domain_start(1, 1);
	v = d->vcpu[0];
	s = space_make(d, 4);
	vcpu_run_on(v, 0);
}

/* Guest time of a record at @tsc, as a guest computes it. */
static uint64_t guest_ns(const struct vcpu_time_info *t, uint64_t tsc)
{
	uint64_t delta = tsc - t->tsc_timestamp;
	delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
	return t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
}

START_TEST(record_is_valid_from_the_start)
{
	machine_boot(1, 512);
	d = domain_make(1, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct vcpu_time_info *t = &d->shared->vcpu_info[i].time;
		ck_assert_uint_eq(t->version % 2, 0);
		ck_assert_uint_ne(t->tsc_to_system_mul, 0);
		ck_assert(t->flags & XEN_PVCLOCK_TSC_STABLE_BIT);
		ck_assert_uint_eq(guest_ns(t, 123456789), 123456789);
		ck_assert_uint_eq(d->shared->vcpu_info[i].evtchn_upcall_mask, 1);
	}
}
END_TEST

START_TEST(record_survives_a_scribbled_version)
{
	world();
	for (uint32_t version = 0xfffffffd; version != 3; version++) {
		v->info->time.version = version;
		time_update_vcpu(v);
		ck_assert_uint_eq(v->info->time.version % 2, 0);
		ck_assert_uint_ne(v->info->time.version, version);
	}
}
END_TEST

/* A guest that was paused finds the time gone by at once, and is told so: in its own record, once, until it
 * has seen it, and not in the copy that its processes read. */
START_TEST(a_pause_is_told)
{
	world();
	const struct vcpu_time_info *copy = (void *)((char *)host_frame(space_page(s, 1)) + 64);
	ck_assert_int_eq(time_area_register(v, gva(PAGE_SIZE + 64)), 0);
	ck_assert_uint_eq(v->info->time.flags, XEN_PVCLOCK_TSC_STABLE_BIT); /* its start was no pause */
	host_cpu_select(1);
	ck_assert_int_eq(domain_control_unpause(d), -EINVAL);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(v->info->time.flags, XEN_PVCLOCK_TSC_STABLE_BIT);

	host_cpu_select(1);
	domain_control_pause(d);
	ck_assert_int_eq(domain_control_unpause(d), 0);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(v->info->time.flags, XEN_PVCLOCK_TSC_STABLE_BIT | XEN_PVCLOCK_GUEST_STOPPED);
	ck_assert_uint_eq(v->info->time.version % 2, 0);
	ck_assert_uint_eq(copy->flags, XEN_PVCLOCK_TSC_STABLE_BIT);
	time_update_vcpu(v);
	ck_assert_uint_eq(v->info->time.flags, XEN_PVCLOCK_TSC_STABLE_BIT | XEN_PVCLOCK_GUEST_STOPPED);
	v->info->time.flags &= (uint8_t)~XEN_PVCLOCK_GUEST_STOPPED; /* as a kernel that has seen it */
	time_update_vcpu(v);
	ck_assert_uint_eq(v->info->time.flags, XEN_PVCLOCK_TSC_STABLE_BIT);
	AUDIT();
}
END_TEST

START_TEST(wall_clock)
{
	world();
	uint64_t now = d->shared->wc_sec + ((uint64_t)d->shared->wc_sec_hi << 32);
	ck_assert_uint_eq(now, host_wallclock_base_ns / 1000000000);
	uint32_t version = d->shared->wc_version;
	host_time_advance(500 * MS);
	time_set_wallclock(5000000000ull, 7, cpu_time_ns());
	now = d->shared->wc_sec + ((uint64_t)d->shared->wc_sec_hi << 32);
	ck_assert_uint_eq(
		now * 1000000000 + d->shared->wc_nsec + cpu_time_ns(), 5000000000000000007ull);
	ck_assert_uint_eq(d->shared->wc_version % 2, 0);
	ck_assert_uint_ne(d->shared->wc_version, version);
	/* Nonsense changes nothing. */
	time_set_wallclock(~0ull, 0, 0);
	time_set_wallclock(0, 0, 1);
	ck_assert_uint_eq(d->shared->wc_sec + ((uint64_t)d->shared->wc_sec_hi << 32), now);
}
END_TEST

START_TEST(time_area)
{
	world();
	const uint64_t at = PAGE_SIZE + 64;
	const struct vcpu_time_info *t = (void *)((char *)host_frame(space_page(s, 1)) + 64);
	ck_assert_int_eq(time_area_register(v, gva(9 * PAGE_SIZE)), -EFAULT);
	ck_assert_int_eq(time_area_register(v, gva(HV_VIRT_START)), -EFAULT);
	ck_assert_int_eq(time_area_register(v, gva(1ull << 50)), -EFAULT);
	ck_assert_uint_eq(v->time_area.a, 0);
	ck_assert_int_eq(time_area_register(v, gva(at)), 0);
	AUDIT();
	ck_assert(t->flags & XEN_PVCLOCK_TSC_STABLE_BIT);
	ck_assert_uint_eq(t->version % 2, 0);
	uint32_t version = t->version;
	time_update_vcpu(v);
	ck_assert_uint_gt(t->version, version);
	ck_assert_int_eq(time_area_register(v, gva(0)), 0);
	version = t->version;
	time_update_vcpu(v);
	ck_assert_uint_eq(t->version, version);
	AUDIT();
}
END_TEST

static void runstate_read(uint64_t va, struct vcpu_runstate_info *out)
{
	for (uint64_t i = 0; i < sizeof *out; i++)
		((char *)out)[i] = ((char *)host_frame(
			space_page(s, (unsigned)((va + i) / PAGE_SIZE))))[(va + i) % PAGE_SIZE];
}

START_TEST(runstate_area_also_across_pages_and_in_user_mode)
{
	struct vcpu_runstate_info r;
	for (uint64_t va = 2 * PAGE_SIZE - 56; va <= 2 * PAGE_SIZE; va += 8) {
		world();
		d->vm_assist = va % 16 ? 1u << VMASST_TYPE_runstate_update_flag : 0;
		ck_assert_int_eq(runstate_area_register(v, gva(va)), 0);
		runstate_read(va, &r);
		ck_assert_int_eq(r.state, RUNSTATE_running);
		ck_assert_uint_eq(r.state_entry_time, v->runstate_entry_ns);
		v->ctx.kernel_mode = false; /* its user tables map nothing */
		host_time_advance(7 * MS);
		host_cpu_select(0);
		v->info->evtchn_upcall_mask = 0;
		vcpu_block(v);
		ck_assert_ptr_null(cpu_step(0));
		runstate_read(va, &r);
		ck_assert_int_eq(r.state, RUNSTATE_blocked);
		ck_assert_uint_eq(r.state_entry_time, cpu_time_ns());
		ck_assert_uint_eq(r.time[RUNSTATE_running], v->runstate_ns[RUNSTATE_running]);
		ck_assert_uint_ge(r.time[RUNSTATE_running], 7 * MS);
		AUDIT();
	}
}
END_TEST

/* The area's address is hostile at every use: a table, a read-only page, another's frame,
 * nothing. */
START_TEST(runstate_area_gone_bad)
{
	world();
	struct domain *other = domain_make(2, 1);
	mfn_t foreign = frame_make(other), l1 = s.l1;
	const uint64_t bad[] = {0, pte_make(l1, PTE_PRESENT | PTE_USER),
		pte_make(space_page(s, 2), PTE_PRESENT | PTE_USER)};
	const uint64_t va = PAGE_SIZE;
	ck_assert_int_eq(runstate_area_register(v, gva(va)), 0);
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		host_cpu_select(0);
		ck_assert_int_eq(table_entry_update(&d->mem, &d->mem, maddr(mfn_to_maddr(l1).a + 8),
					 bad[i], false),
			0);
		AUDIT();
		uint64_t before = frame_audit_digest();
		runstate_update_area(v);
		ck_assert_uint_eq(frame_audit_digest(), before);
		AUDIT();
	}
	(void)foreign;
	v->ctx.kernel_l4 = mfn(0);
	runstate_update_area(v);
	ck_assert_int_eq(runstate_area_register(v, gva(~0ull)), 0);
	AUDIT();
}
END_TEST

START_TEST(singleshot)
{
	world();
	ck_assert_int_eq(vcpu_singleshot_set(v, cpu_time_ns() + 3 * MS, true), 0);
	host_time_advance(2 * MS);
	machine_settle();
	ck_assert_uint_eq(ticks, 0);
	host_time_advance(2 * MS);
	machine_settle();
	ck_assert_uint_eq(ticks, 1);
	/* The past fires at once, unless the guest asks to be told. */
	ck_assert_int_eq(vcpu_singleshot_set(v, cpu_time_ns() - 1, true), -ETIME);
	ck_assert_int_eq(vcpu_singleshot_set(v, 1, false), 0);
	machine_settle();
	ck_assert_uint_eq(ticks, 2);
	ck_assert_int_eq(vcpu_singleshot_set(v, cpu_time_ns() + MS, false), 0);
	vcpu_singleshot_stop(v);
	host_time_advance(10 * MS);
	machine_settle();
	ck_assert_uint_eq(ticks, 2);
}
END_TEST

START_TEST(periodic)
{
	world();
	ck_assert_int_eq(vcpu_periodic_set(v, MS - 1), -EINVAL);
	ck_assert_int_eq(vcpu_periodic_set(v, ~0ull), -EINVAL);
	ck_assert_int_eq(vcpu_periodic_set(v, 10 * MS), 0);
	for (unsigned i = 0; i < 100; i++) {
		host_time_advance(MS);
		machine_settle();
	}
	ck_assert_uint_eq(ticks, 10);
	/* Missed ticks are not made up for. */
	host_time_set(cpu_time_ns() + 1000 * MS);
	host_time_advance(1);
	machine_settle();
	ck_assert_uint_le(ticks, 12);
	ck_assert_int_eq(vcpu_periodic_set(v, 0), 0);
	unsigned before = ticks;
	host_time_advance(100 * MS);
	machine_settle();
	ck_assert_uint_eq(ticks, before);
}
END_TEST

START_TEST(timers_follow_the_vcpu)
{
	world();
	ck_assert_int_eq(vcpu_singleshot_set(v, cpu_time_ns() + 50 * MS, false), 0);
	ck_assert_uint_eq(v->singleshot.cpu, 0);
	vcpu_run_on(v, 1);
	ck_assert_uint_eq(v->singleshot.cpu, 1);
	host_time_advance(60 * MS);
	machine_settle();
	ck_assert_uint_eq(ticks, 1);
}
END_TEST

static unsigned fired;
static void count_fired(void *arg)
{
	(void)arg;
	fired++;
}

/* Guests decide how many timers are set: there is no number that is too many. */
START_TEST(timers_without_limit)
{
	static struct timer t[5000];
	world();
	fired = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(t); i++) {
		timer_init(&t[i], count_fired, NULL, 0);
		timer_set(&t[i], cpu_time_ns() + (i * 7919ull) % 5000 * 1000);
	}
	host_time_advance(6 * MS);
	machine_settle();
	ck_assert_uint_eq(fired, ARRAY_COUNT(t));
}
END_TEST

CHECK_MAIN("time", NULL, NULL, record_is_valid_from_the_start, record_survives_a_scribbled_version, a_pause_is_told,
	   wall_clock, time_area, runstate_area_also_across_pages_and_in_user_mode,
	   runstate_area_gone_bad, singleshot, periodic, timers_follow_the_vcpu,
	   timers_without_limit)
