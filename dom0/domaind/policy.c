/* What is to be done with a domain that ended: names of actions and reasons, and the choice. */
#include "dom0/domaind/policy.h"

#include <stddef.h>
#include <string.h>
#include "protocol/domctl.h"
#include "protocol/sched.h"

static const struct {
	const char *name;
	enum domain_action action;
} actions[] = {
	{ "destroy", DOMAIN_REAP },
	{ "restart", DOMAIN_RESTART },
	{ "preserve", DOMAIN_PRESERVE },
	{ "rename-restart", DOMAIN_RENAME_RESTART },
	{ "coredump-destroy", DOMAIN_REAP },
	{ "coredump-restart", DOMAIN_RESTART },
};

enum domain_action action_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return actions[i].action;
	return DOMAIN_REAP;
}

const char *action_name(enum domain_action action)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (actions[i].action == action)
			return actions[i].name;
	return "leave";
}

const char *ending_name(uint32_t flags)
{
	static const char *const reasons[] = {
		[SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
		[SHUTDOWN_suspend] = "suspend",	  [SHUTDOWN_crash] = "crash",
		[SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft_reset",
	};
	uint32_t reason = (flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;

	if (flags & XEN_DOMINF_dying || !(flags & XEN_DOMINF_shutdown))
		return "destroyed";
	return reason < ARRAY_LEN(reasons) ? reasons[reason] : "unknown reason";
}

static enum domain_action without_restart(enum domain_action action)
{
	switch (action) {
	case DOMAIN_RESTART:
		return DOMAIN_REAP;
	case DOMAIN_RENAME_RESTART:
		return DOMAIN_PRESERVE;
	default:
		return action;
	}
}

enum domain_action action_for(uint32_t flags, const struct policy *policy)
{
	uint32_t reason = (flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;

	if (flags & XEN_DOMINF_dying)
		return DOMAIN_REAP;
	if (!(flags & XEN_DOMINF_shutdown))
		return DOMAIN_LEAVE;
	switch (reason) {
	case SHUTDOWN_poweroff:
		return policy->on_poweroff;
	case SHUTDOWN_reboot:
		return policy->on_reboot;
	case SHUTDOWN_suspend:
		return DOMAIN_LEAVE;	/* who asked for it waits for it */
	default:	/* crash, watchdog, and what no guest should ask for */
		return policy->young ? without_restart(policy->on_crash) : policy->on_crash;
	}
}
