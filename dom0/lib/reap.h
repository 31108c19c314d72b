/* Remove what a dead, dying or half-made domain leaves: the one place that knows. domaind calls it
 * for every death, the toolstack to undo a creation and where no domaind runs. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"
#include "dom0/lib/store_client.h"

/* For a caller whose root directory is another: look for the kernel's back ends in the directory @fd,
 * which is /sys/devices, from now on. */
void domain_reap_sysfs(int fd);

/* Destroy @domid in the hypervisor and remove its devices, home, /vm entry, error nodes and
 * /bothy/domain/@domid from the store; wait a few seconds for each of its back ends, the kernel's and
 * backendd's, to let go of its memory and its disk. May be called again, by several at once, and for a
 * domain of which nothing is left: then it does nothing. Returns 0 when nothing is left but, perhaps,
 * frames that others still map; -EPERM: domain 0; -EBUSY: destruction did not finish; else the first
 * error of the store. */
int domain_reap(struct privcmd *p, struct store *s, uint16_t domid) MUST_CHECK;

/* Remove one device of domain @domid's, as that does: @kind of dom0/lib/backends.h, @type as vbd. Returns 0; -EBUSY: its
 * back end has not let go of it in a few seconds; else the first error of the store. */
int device_reap(struct store *s, uint16_t domid, const char *kind, const char *type, uint32_t number) MUST_CHECK;
