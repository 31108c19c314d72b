/* What is done with a domain that ended, and what may be handed to the executor. */
#include <errno.h>
#include "dom0/domaind/executor.h"
#include "dom0/domaind/policy.h"
#include "protocol/domctl.h"
#include "protocol/sched.h"
#include "tests/unit/check_main.h"

static uint32_t ended(uint32_t reason)
{
	return XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
}

START_TEST(reasons)
{
	struct policy p = { .on_poweroff = DOMAIN_REAP, .on_reboot = DOMAIN_RESTART,
			    .on_crash = DOMAIN_PRESERVE };

	ck_assert_int_eq(action_for(XEN_DOMINF_running, &p), DOMAIN_LEAVE);
	ck_assert_int_eq(action_for(XEN_DOMINF_paused, &p), DOMAIN_LEAVE);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_poweroff), &p), DOMAIN_REAP);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_reboot), &p), DOMAIN_RESTART);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_suspend), &p), DOMAIN_LEAVE);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_crash), &p), DOMAIN_PRESERVE);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_watchdog), &p), DOMAIN_PRESERVE);
	ck_assert_int_eq(action_for(ended(255), &p), DOMAIN_PRESERVE);
	ck_assert_msg(action_for(ended(SHUTDOWN_crash) | XEN_DOMINF_dying, &p) == DOMAIN_REAP,
		      "who is being destroyed is not preserved");
	ck_assert_int_eq(action_for(XEN_DOMINF_dying, &p), DOMAIN_REAP);
}
END_TEST

START_TEST(crash_at_once)
{
	struct policy p = { .on_poweroff = DOMAIN_RESTART, .on_reboot = DOMAIN_RESTART,
			    .on_crash = DOMAIN_RESTART, .young = true };

	ck_assert_int_eq(action_for(ended(SHUTDOWN_crash), &p), DOMAIN_REAP);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_watchdog), &p), DOMAIN_REAP);
	p.on_crash = DOMAIN_RENAME_RESTART;
	ck_assert_int_eq(action_for(ended(SHUTDOWN_crash), &p), DOMAIN_PRESERVE);
	p.on_crash = DOMAIN_PRESERVE;
	ck_assert_int_eq(action_for(ended(SHUTDOWN_crash), &p), DOMAIN_PRESERVE);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_reboot), &p), DOMAIN_RESTART);
	ck_assert_int_eq(action_for(ended(SHUTDOWN_poweroff), &p), DOMAIN_RESTART);
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(action_parse("destroy"), DOMAIN_REAP);
	ck_assert_int_eq(action_parse("restart"), DOMAIN_RESTART);
	ck_assert_int_eq(action_parse("preserve"), DOMAIN_PRESERVE);
	ck_assert_int_eq(action_parse("rename-restart"), DOMAIN_RENAME_RESTART);
	ck_assert_int_eq(action_parse("coredump-restart"), DOMAIN_RESTART);
	ck_assert_int_eq(action_parse("coredump-destroy"), DOMAIN_REAP);
	ck_assert_int_eq(action_parse(""), DOMAIN_REAP);
	ck_assert_str_eq(action_name(DOMAIN_RENAME_RESTART), "rename-restart");
	ck_assert_str_eq(action_name(DOMAIN_LEAVE), "leave");
}
END_TEST

START_TEST(endings)
{
	ck_assert_str_eq(ending_name(ended(SHUTDOWN_poweroff)), "poweroff");
	ck_assert_str_eq(ending_name(ended(SHUTDOWN_reboot)), "reboot");
	ck_assert_str_eq(ending_name(ended(SHUTDOWN_crash)), "crash");
	ck_assert_str_eq(ending_name(ended(SHUTDOWN_watchdog)), "watchdog");
	ck_assert_str_eq(ending_name(ended(255)), "unknown reason");
	ck_assert_str_eq(ending_name(ended(SHUTDOWN_crash) | XEN_DOMINF_dying), "destroyed");
	ck_assert_str_eq(ending_name(0), "destroyed");
}
END_TEST

START_TEST(executor_paths)
{
	ck_assert_int_eq(executor_path_check("/run/bothy/guests/1234.cfg"), 0);
	ck_assert_int_eq(executor_path_check("run/x.cfg"), -EINVAL);
	ck_assert_int_eq(executor_path_check("/run/../etc/x.cfg"), -EINVAL);
	ck_assert_int_eq(executor_path_check("/run/x.cfg "), -EINVAL);
	ck_assert_int_eq(executor_path_check("/run/x y.cfg"), -EINVAL);
	ck_assert_int_eq(executor_path_check("/etc/passwd"), -EINVAL);
	ck_assert_int_eq(executor_path_check(""), -EINVAL);
	ck_assert_int_eq(executor_path_check("--help"), -EINVAL);
}
END_TEST

CHECK_MAIN("policy", NULL, NULL, reasons, crash_at_once, names, endings, executor_paths)
