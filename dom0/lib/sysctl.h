/* Typed system control operations and xen_version. Spec: sysctl.h (0x15), version.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"
#include "lib/flaws/flaws.h"
#include "protocol/domctl.h"
#include "protocol/sysctl.h"

/* Describe up to @max domains with id >= @first, in order. *@count: how many were written.
 * One call sees at most 64; sysctl_domain_list() loops. */
int sysctl_info_list(struct privcmd *p, uint16_t first, uint32_t max,
		     struct xen_domctl_getdomaininfo *info, uint32_t *count) MUST_CHECK;
/* Describe all domains. *@list is malloc()ed (free() it), in ascending id. */
int sysctl_domain_list(struct privcmd *p, struct xen_domctl_getdomaininfo **list,
		       uint32_t *count) MUST_CHECK;

int sysctl_physinfo(struct privcmd *p, struct xen_sysctl_physinfo *info) MUST_CHECK;
/* FLAW_UNTOLD of all where the hypervisor is another or an older one. */
int sysctl_flaws(struct privcmd *p, struct flaws *flaws) MUST_CHECK;
/* @id: XEN_SCHEDULER_*. */
int sysctl_sched_id(struct privcmd *p, uint32_t *id) MUST_CHECK;
/* The credit scheduler's own parameters, of CPU pool 0. */
int sysctl_credit_get(struct privcmd *p, struct xen_sysctl_credit_schedule *s) MUST_CHECK;

/* Read the hypervisor's log into @buf. *@len: room in, bytes out (at most PRIVCMD_SCRATCH_SIZE / 2
 * a call). @incremental: only what came after *@index, which is advanced. @clear empties the ring.
 * */
int sysctl_readconsole(struct privcmd *p, char *buf, uint32_t *len, int clear, int incremental,
		       uint32_t *index) MUST_CHECK;

/* Version (major << 16 | minor) or -Exxx. */
int xen_version_number(struct privcmd *p) MUST_CHECK;
/* Text of XENVER_extraversion (1), XENVER_capabilities (3), XENVER_changeset (4) or
 * XENVER_commandline (9), NUL-terminated into @buf. */
int xen_version_text(struct privcmd *p, unsigned int op, char *buf, size_t size) MUST_CHECK;
/* Raw xen_version sub-operation with an @size-byte answer; returns its value. */
long xen_version_raw(struct privcmd *p, unsigned int op, void *out, size_t size) MUST_CHECK;
