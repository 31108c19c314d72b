/* Typed domain control operations. Each is one hypercall unless it says otherwise.
 *
 * Common errors: -ESRCH no such domain; -EPERM not the control domain; -ENOSYS or -EOPNOTSUPP the
 * hypervisor has no such operation; -EACCES interface version differs. Spec: domctl.h (0x15). */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"
#include "protocol/domctl.h"
#include "protocol/xen.h"

/* Create a paused domain. *@domid: the id wanted, or 0 for any; the id given on success.
 * -EEXIST: id in use; -EINVAL: a field the hypervisor refuses; -ENOMEM. */
int domctl_create(struct privcmd *p, uint16_t *domid,
		  const struct xen_domctl_createdomain *args) MUST_CHECK;
/* Start or continue destruction. 0: memory is gone (the id stays while others map its frames).
 * -EAGAIN or -ERESTART: call again. */
int domctl_destroy(struct privcmd *p, uint16_t domid) MUST_CHECK;
/* Call domctl_destroy() until it is done, at most @tries times. -EBUSY: still not done. */
int domctl_destroy_wait(struct privcmd *p, uint16_t domid, unsigned int tries) MUST_CHECK;
int domctl_pause(struct privcmd *p, uint16_t domid) MUST_CHECK;
int domctl_unpause(struct privcmd *p, uint16_t domid) MUST_CHECK;

/* Describe exactly @domid (never its successor). -ESRCH: gone. */
int domctl_info(struct privcmd *p, uint16_t domid,
		struct xen_domctl_getdomaininfo *info) MUST_CHECK;

int domctl_max_vcpus(struct privcmd *p, uint16_t domid, uint32_t max) MUST_CHECK;
int domctl_max_mem(struct privcmd *p, uint16_t domid, uint64_t max_kib) MUST_CHECK;
/* @width: 64 (or 32, which this hypervisor refuses). */
int domctl_set_address_size(struct privcmd *p, uint16_t domid, uint32_t width) MUST_CHECK;
/* @mode: XEN_CPUID_TSC_MODE_*: 0 default, 1 always emulate, 2 native. */
int domctl_settscinfo(struct privcmd *p, uint16_t domid, uint32_t mode) MUST_CHECK;
/* *@age_ns: how long ago it was first unpaused; 0: it was not. */
int domctl_age(struct privcmd *p, uint16_t domid, uint64_t *age_ns) MUST_CHECK;
int domctl_setdomainhandle(struct privcmd *p, uint16_t domid, const uint8_t handle[16]) MUST_CHECK;

int domctl_setvcpucontext(struct privcmd *p, uint16_t domid, uint32_t vcpu,
			  const struct vcpu_guest_context *ctxt) MUST_CHECK;
int domctl_getvcpucontext(struct privcmd *p, uint16_t domid, uint32_t vcpu,
			  struct vcpu_guest_context *ctxt) MUST_CHECK;
int domctl_getvcpuinfo(struct privcmd *p, uint16_t domid, uint32_t vcpu,
		       struct xen_domctl_getvcpuinfo *info) MUST_CHECK;

/* Raise a non-maskable interrupt on @vcpu. */
int domctl_send_nmi(struct privcmd *p, uint16_t domid, uint32_t vcpu) MUST_CHECK;

/* Affinity masks are little-endian bitmaps of @bits physical CPUs, (@bits + 7) / 8 bytes each.
 * A NULL map is left as it is (set) or not asked for (get). */
int domctl_setvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, const uint8_t *hard,
			   const uint8_t *soft, uint32_t bits) MUST_CHECK;
int domctl_getvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, uint8_t *hard,
			   uint8_t *soft, uint32_t bits) MUST_CHECK;

/* Credit scheduler share: weight 1..65535 (256 default), cap in percent of one CPU (0: none). */
int domctl_sched_set(struct privcmd *p, uint16_t domid, uint16_t weight, uint16_t cap) MUST_CHECK;
int domctl_sched_get(struct privcmd *p, uint16_t domid, uint16_t *weight, uint16_t *cap) MUST_CHECK;
