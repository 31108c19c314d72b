/* Network interfaces of dom0: put a back end's interface onto a bridge. */
#pragma once
#include "toolstack/why.h"

/* Rename @ifname to @wanted (if not empty), give it the address that makes a bridge ignore it, add it to
 * @bridge and bring it up. Returns 0; -ENODEV: no such interface or bridge; -Exxx. */
int bridge_attach(const char *bridge, const char *ifname, const char *wanted, struct why *why);

/* Is there a bridge of that name? 0, or -ENODEV with @why. */
int bridge_check(const char *bridge, struct why *why);
