/* A world in which dom0 makes control operations: its page 1 holds a domctl, and 1024 bytes behind it what else a
 * test wants. */
#pragma once
#include "protocol/domctl.h"
#include "tests/unit/guest_world.h"

static struct guest dom0_;
static struct xen_domctl *op;

static inline void control_start(void)
{
	world_start();
	world_guest(&dom0_, 0, true, 1);
	world_run(&dom0_);
	op = at(&dom0_, 1, 0);
}

static inline int64_t domctl(uint32_t cmd, domid_t domain)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = domain;
	return call(dom0_.v, __HYPERVISOR_domctl, va(1, 0));
}
