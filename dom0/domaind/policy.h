/* What is to be done with a domain that ended. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

enum domain_action {
	DOMAIN_LEAVE,		/* it lives, or somebody else cares */
	DOMAIN_REAP,		/* remove what is left */
	DOMAIN_RESTART,		/* reap, then create again from its configuration */
	DOMAIN_PRESERVE,	/* keep it as it is, for a look */
	DOMAIN_RENAME_RESTART,	/* keep it under another name, create it again */
};

struct policy {
	enum domain_action on_poweroff, on_reboot, on_crash;
	bool young;		/* it was started moments ago: a crash would be followed by the next */
};

/* The action an on_* value names ("destroy", "restart", "preserve", "rename-restart", with
 * "coredump-destroy" and "coredump-restart" as those without a dump); DOMAIN_REAP for any other. */
enum domain_action action_parse(const char *name) MUST_CHECK;
const char *action_name(enum domain_action action) MUST_CHECK;

/* How a domain in state @flags (0: it is gone) ended, in a word. */
const char *ending_name(uint32_t flags) MUST_CHECK;

/* What to do with a domain in state @flags (XEN_DOMINF_*, the reason included). */
enum domain_action action_for(uint32_t flags, const struct policy *policy) MUST_CHECK;
