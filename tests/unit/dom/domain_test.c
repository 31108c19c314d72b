/* Domains: numbers, references, pausing, shutting down, crashing, dying, zombies and husks. */
#include "protocol/grant_table.h"
#include "protocol/sched.h"
#include "tests/unit/domain_machine.h"

static unsigned changes;

static void count_change(void)
{
	changes++;
}

START_TEST(numbers_are_reused_late)
{
	machine_boot(1, 512);
	struct domain_config c = {.max_vcpus = 1};
	struct domain *d;
	for (domid_t want = 1; want < 6; want++) {
		ck_assert_int_eq(domain_create(DOMID_CHOOSE, &c, &d), 0);
		ck_assert_uint_eq(d->id, want);
		domain_end(d);
		AUDIT();
	}
	ck_assert_int_eq(domain_create(7, &c, &d), 0);
	ck_assert_int_eq(domain_create(7, &c, &d), -EEXIST);
	ck_assert_int_eq(domain_create(DOMID_FIRST_RESERVED, &c, &d), -EINVAL);
	c.max_vcpus = 0;
	ck_assert_int_eq(domain_create(8, &c, &d), -EINVAL);
	c.max_vcpus = MAX_VCPUS + 1;
	ck_assert_int_eq(domain_create(8, &c, &d), -EINVAL);
	AUDIT();
}
END_TEST

START_TEST(table_is_sorted_and_counts_references)
{
	machine_boot(1, 512);
	struct domain *b = domain_make(9, 1), *a = domain_make(3, 1);
	struct domain *d = domain_next(0);
	ck_assert_ptr_eq(d, a);
	domain_put(d);
	d = domain_next(4);
	ck_assert_ptr_eq(d, b);
	domain_put(d);
	ck_assert_ptr_null(domain_next(10));
	ck_assert_ptr_null(domain_find(4));
	d = domain_find(9);
	ck_assert_ptr_eq(d, b);
	ck_assert_uint_eq(d->refs, 2);
	domain_put(d);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
	machine_boot(1, 64);
	struct domain_config c = {.max_vcpus = 1};
	struct domain *d = domain_make(1, 1);
	mfn_t m;
	while (frame_alloc(&d->mem, 0, 0, pfn(M2P_INVALID), &m) == 0)
		;
	for (unsigned left = 0; left < 12; left++) {
		struct domain *e;
		struct vcpu *v;
		uint64_t free_before = frame_free_count();
		if (domain_create(2, &c, &e) == 0) {
			(void)!vcpu_create(e, 0, &v);
			AUDIT();
			domain_end(e);
		}
		AUDIT();
		ck_assert_uint_ge(
			frame_free_count() + 4, free_before); /* the heap may keep pages */
		ck_assert_ptr_null(domain_find(2));
		ck_assert_int_eq(frame_release(&d->mem, mfn(d->mem.first)), 0);
	}
	domain_end(d);
	AUDIT();
}
END_TEST

START_TEST(free_frames_return)
{
	machine_boot(2, 1024);
	domain_start(0, 1);
	uint64_t before = 0;
	for (unsigned round = 0; round < 20; round++) {
		struct domain *d = domain_start(DOMID_CHOOSE, 3);
		space_make(d, 20);
		ck_assert_int_eq(grant_setup_table(d, 3), GNTST_okay);
		uint32_t port;
		for (unsigned i = 0; i < 300; i++)
			ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), 0);
		machine_settle();
		AUDIT();
		domain_end(d);
		AUDIT();
		if (round == 1) /* the heap has its pages by now */
			before = frame_free_count();
		ck_assert(round < 1 || frame_free_count() == before);
	}
}
END_TEST

START_TEST(control_pauses_count_once)
{
	machine_boot(1, 512);
	struct domain *d = domain_start(1, 1);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), d->vcpu[0]);
	domain_control_pause(d);
	domain_control_pause(d);
	ck_assert(d->paused_by_control);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	domain_pause(d);
	ck_assert_int_eq(domain_control_unpause(d), 0);
	ck_assert_int_eq(domain_control_unpause(d), -EINVAL);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	domain_unpause(d);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), d->vcpu[0]);
}
END_TEST

START_TEST(shutdown_holds_and_tells_once)
{
	machine_boot(1, 512);
	domain_start(0, 1);
	struct domain *d = domain_start(1, 2);
	changes = 0;
	domain_state_changed = count_change;
	domain_shutdown(d, SHUTDOWN_reboot);
	domain_shutdown(d, SHUTDOWN_reboot);
	ck_assert_uint_eq(changes, 1);
	ck_assert(d->is_shut_down);
	ck_assert_uint_eq(d->shutdown_code, SHUTDOWN_reboot);
	ck_assert(!vcpu_is_runnable(d->vcpu[0]) && !vcpu_is_runnable(d->vcpu[1]));
	domain_resume(d);
	ck_assert(vcpu_is_runnable(d->vcpu[0]) && vcpu_is_runnable(d->vcpu[1]));
	/* The machine goes with dom0. */
	domain_shutdown(dom0, SHUTDOWN_poweroff);
	ck_assert_uint_eq(machine_stops, 1);
	ck_assert_uint_eq(machine_stop_code, SHUTDOWN_poweroff);
}
END_TEST

/* Hostile guests are noticed under other locks: crashing must take none of a lower rank. */
START_TEST(crash_under_locks)
{
	machine_boot(2, 512);
	domain_start(0, 1);
	struct domain *d = domain_start(1, 2);
	machine_settle();
	lock(&d->mem.lock);
	domain_crash(d, "test of %s", "crashing");
	unlock(&d->mem.lock);
	ck_assert_uint_eq(d->shutdown_code, SHUTDOWN_crash);
	machine_settle();
	ck_assert(!d->vcpu[0]->is_running && !d->vcpu[1]->is_running);
}
END_TEST

START_TEST(kill_needs_a_victim_elsewhere)
{
	machine_boot(1, 512);
	struct domain *control = domain_start(0, 1), *d = domain_start(1, 1);
	ck_assert_int_eq(domain_kill(control), -EINVAL);
	vcpu_run_on(d->vcpu[0], 0);
	ck_assert_int_eq(domain_kill(d), -EINVAL);
}
END_TEST

START_TEST(dying_gains_nothing)
{
	machine_boot(1, 512);
	domain_start(0, 1);
	struct domain *d = domain_start(1, 1);
	struct vcpu *v;
	uint32_t port;
	mfn_t m;
	domain_get(d);
	machine_settle();
	vcpu_run_on(dom0->vcpu[0], 0);
	ck_assert_int_eq(domain_kill(d), 0);
	ck_assert(domain_is_dying(d));
	ck_assert_int_eq(frame_alloc(&d->mem, 0, 0, pfn(M2P_INVALID), &m), -ENOMEM);
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), -ESRCH);
	ck_assert_int_eq(grant_setup_table(d, 2), GNTST_general_error);
	ck_assert_int_eq(vcpu_create(d, 0, &v), -EEXIST);
	/* Referenced: it can be found and asked, then goes with the last reference. */
	machine_settle();
	struct domain *found = domain_find(1);
	ck_assert_ptr_eq(found, d);
	domain_put(found);
	AUDIT();
	domain_put(d);
	machine_settle();
	ck_assert_ptr_null(domain_find(1));
	AUDIT();
}
END_TEST

/* A frame that a control domain maps keeps the zombie; nobody tells us when it goes. */
START_TEST(zombie_waits_for_a_privileged_mapping)
{
	machine_boot(1, 512);
	domain_start(0, 1);
	struct domain *d = domain_start(1, 1);
	struct frame *f;
	mfn_t m = frame_make(d);
	vcpu_run_on(dom0->vcpu[0], 0);
	ck_assert_int_eq(frame_get(&d->mem, m, &f), 0);
	changes = 0;
	domain_state_changed = count_change;
	domain_end(d);
	d = domain_find(1);
	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(d->dying, DOMAIN_DEAD);
	domain_put(d);
	machine_settle();
	ck_assert_uint_eq(changes, 0);
	frame_put(f);
	host_time_advance(200 * MS);
	machine_settle();
	ck_assert_ptr_null(domain_find(1));
	ck_assert_uint_eq(changes, 1);
	AUDIT();
}
END_TEST

/* A mapped grant-table frame keeps the number, not the domain. */
START_TEST(husk_keeps_the_number)
{
	machine_boot(1, 512);
	domain_start(0, 1);
	struct domain *d = domain_start(1, 1);
	struct frame *f;
	ck_assert_int_eq(frame_get(&d->mem, grant_frame(d, 0), &f), 0);
	vcpu_run_on(dom0->vcpu[0], 0);
	domain_end(d);
	ck_assert_ptr_null(domain_find(1));
	struct domain_config c = {.max_vcpus = 1};
	ck_assert_int_eq(domain_create(1, &c, &d), -EEXIST);
	frame_put(f);
	host_time_advance(200 * MS);
	machine_settle();
	AUDIT();
	ck_assert_int_eq(domain_create(1, &c, &d), 0);
}
END_TEST

static unsigned kills_left, created, destroyed;
static int op_create(struct domain *d, const struct domain_config *config)
{
	(void)d;
	created++;
	return config->max_ports == 13 ? -ENOMEM : 0;
}
static int op_kill(struct domain *d)
{
	(void)d;
	return kills_left-- > 0 ? -ERESTART : 0;
}
static void op_destroy(struct domain *d)
{
	(void)d;
	destroyed++;
}

START_TEST(layers_above_are_run_and_resumed)
{
	static const struct domain_ops ops = {
		.name = "test",
		.create = op_create,
		.kill = op_kill,
		.destroy = op_destroy,
	};
	machine_boot(1, 512);
	domain_register_ops(&ops);
	created = destroyed = 0;
	kills_left = 3;
	struct domain *d = domain_make(1, 1);
	domain_get(d);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(domain_kill(d), -ERESTART);
	ck_assert_int_eq(domain_kill(d), 0);
	domain_put(d);
	machine_settle();
	ck_assert_uint_eq(created, 1);
	ck_assert_uint_eq(destroyed, 1);
	struct domain_config bad = {.max_vcpus = 1, .max_ports = 13};
	ck_assert_int_eq(domain_create(2, &bad, &d), -ENOMEM);
	ck_assert_uint_eq(destroyed, 1);
	AUDIT();
}
END_TEST

CHECK_MAIN("domain", NULL, NULL, numbers_are_reused_late, table_is_sorted_and_counts_references,
	   no_memory_leaves_nothing, free_frames_return, control_pauses_count_once,
	   shutdown_holds_and_tells_once, crash_under_locks, kill_needs_a_victim_elsewhere,
	   dying_gains_nothing, zombie_waits_for_a_privileged_mapping, husk_keeps_the_number,
	   layers_above_are_run_and_resumed)
