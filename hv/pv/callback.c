/* Where a guest kernel is entered: trap gates and callbacks, and delivery of events.
 *
 * INVARIANT B2: only canonical addresses are stored, so that returning to them cannot fault in
 * the hypervisor's name. Spec: public headers callback.h, arch-x86/xen.h (trap_info). */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/work.h"
#include "hv/cpu/x86_vectors.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"
#include "protocol/callback.h"

int pv_set_trap_table(struct vcpu *v, gva_t table)
{
	struct trap_info t;
	preempt_count(256);
	if (table.a == 0) {
		memset(v->pv->trap, 0, 256 * sizeof t);
		return 0;
	}
	for (unsigned i = 0; i < 256; i++, table = gva_add(table, sizeof t)) {
		if (guest_read(&t, table, sizeof t))
			return -EFAULT;
		if (t.address == 0)
			break;
		if (!gva_is_canonical(t.address))
			return -EINVAL;
		v->pv->trap[t.vector] = t;
	}
	return 0;
}

static struct pv_callback *callback_of(struct vcpu *v, unsigned type)
{
	switch (type) {
	case CALLBACKTYPE_event: return &v->pv->event;
	case CALLBACKTYPE_failsafe: return &v->pv->failsafe;
	case CALLBACKTYPE_syscall: return &v->pv->syscall;
	case CALLBACKTYPE_syscall32: return &v->pv->syscall32;
	default: return NULL;
	}
}

static int callback_set(struct vcpu *v, unsigned type, uint64_t address, unsigned flags)
{
	struct pv_callback *c = callback_of(v, type);
	if (!gva_is_canonical(address))
		return -EINVAL;
	if (c) {
		*c = (struct pv_callback){ address, flags & CALLBACKF_mask_events };
		return 0;
	}
	if (type != CALLBACKTYPE_nmi)
		return -ENOSYS;		/* SYSENTER faults here: the guest uses other ways */
	v->pv->trap[TRAP_NMI] = (struct trap_info){ TRAP_NMI, 4, FLAT_CS64, address };
	return 0;
}

int pv_callback_op(struct vcpu *v, unsigned cmd, gva_t arg)
{
	struct callback_register reg;
	struct callback_unregister unreg;
	switch (cmd) {
	case CALLBACKOP_register:
		if (guest_read(&reg, arg, sizeof reg))
			return -EFAULT;
		return callback_set(v, reg.type, reg.address, reg.flags);
	case CALLBACKOP_unregister:
		if (guest_read(&unreg, arg, sizeof unreg))
			return -EFAULT;
		return callback_set(v, unreg.type, 0, 0);
	default:
		return -ENOSYS;
	}
}

/* The hook behind upcall_return(): one thing at a time, most urgent first. */
static void deliver(struct vcpu *v)
{
	if (v->ctx.bad_selector) {
		v->ctx.bad_selector = false;
		pv_bounce_failsafe(v);
	} else if (READ_ONCE(v->nmi_pending) && !v->nmi_masked) {
		WRITE_ONCE(v->nmi_pending, false);
		v->nmi_masked = true;
		pv_inject(v, TRAP_NMI, 0);
	} else if (v->pv->event.address) {
		pv_bounce_callback(v, &v->pv->event);
		WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
	} else {
		domain_crash(v->domain, "vcpu %u: event without an event callback", v->id);
	}
}

void pv_callback_init(void)
{
	vcpu_deliver_event = deliver;
}
