/* From the registers of a vCPU to a handler and back.
 *
 * The table is generated from hypercalls.def; a number outside it, or without an entry, answers
 * -ENOSYS. The right to call is checked here, before the handler sees an argument.
 * Continuation: a handler that was preempted rewrites its arguments and returns -ERESTART; the
 * guest then executes the same `syscall` again, after whatever was pending has run. Guests can
 * change those arguments in between, so they are checked again like any others.
 * INVARIANT I16: a handler advances between two -ERESTART.
 * Neighbours: hv/pv/syscall.c calls call_dispatch(), multicall.c calls call_run(). */
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/call/call.h"
#include "hv/call/memory.h"
#include "hv/core/work.h"
#include "hv/irq/irq.h"
#include "hv/pv/pv.h"
#include "protocol/hypercall.h"

#define SYSCALL_BYTES 2u	/* length of the instruction `syscall` */

struct call_entry {
	call_fn *fn;
	bool control_only;
};
#define ANY false
#define CTRL true
#define X(nr, name, args, who, spec) [nr] = { call_##name, who },
static const struct call_entry call_table[] = {
#include "hv/call/hypercalls.def"
};
#undef X
#undef ANY
#undef CTRL

int64_t call_run(struct call *c)
{
	if (c->nr >= ARRAY_COUNT(call_table))
		return -ENOSYS;
	const struct call_entry *e = &call_table[index_nospec(c->nr, ARRAY_COUNT(call_table))];
	if (!e->fn)
		return -ENOSYS;
	if (e->control_only && !c->vcpu->domain->is_control)
		return -EPERM;
	return e->fn(c);
}

void call_dispatch(struct vcpu *v)
{
	struct cpu_regs *r = &v->ctx.regs;
	struct call c = {
		.vcpu = v,
		.nr = r->rax,
		.arg = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
	};
	preempt_begin();
	int64_t rc = call_run(&c);
	if (c.nr == __HYPERVISOR_iret)
		return;		/* every register is the frame's, whatever rax says */
	if (rc != -ERESTART) {
		r->rax = (uint64_t)rc;
		return;
	}
	r->rdi = c.arg[0];
	r->rsi = c.arg[1];
	r->rdx = c.arg[2];
	r->r10 = c.arg[3];
	r->r8 = c.arg[4];
	r->r9 = c.arg[5];
	r->rip -= SYSCALL_BYTES;
}

domid_t call_domid(const struct vcpu *v, domid_t id)
{
	return id == DOMID_SELF ? v->domain->id : id;
}

int call_target(struct vcpu *v, domid_t id, struct domain **out)
{
	id = call_domid(v, id);
	if (id == v->domain->id) {
		domain_get(v->domain);
		*out = v->domain;
		return 0;
	}
	if (!v->domain->is_control)
		return -EPERM;
	struct domain *d = domain_find(id);
	if (!d)
		return -ESRCH;
	*out = d;
	return 0;
}

/* Unprivileged kernels probe the PIT before they know better, and read it fifty thousand times if
 * it answers all-ones; zero ends that at once. The rest is the interrupt layer's. */
#define PORT_PIT_CHANNEL2 0x42
static bool port_hook(struct vcpu *v, uint16_t port, unsigned size, bool write, uint32_t *value)
{
	if (!v->domain->is_control) {
		if (port != PORT_PIT_CHANNEL2 || write)
			return false;
		*value = 0;
		return true;
	}
	return irq_port_access(port, size, write, value);
}

static const struct domain_ops call_domain_ops = { .name = "call", .destroy = memory_map_free };

void call_init(void)
{
	domain_register_ops(&call_domain_ops);
	pv_hypercall = call_dispatch;
	pv_port_hook = port_hook;
	pv_port_reserve(0x20, 0x21);	/* interrupt controllers: irq_init() masked them */
	pv_port_reserve(0xa0, 0xa1);
	if (irq_owns_config_ports())
		pv_port_reserve(0xcf8, 0xcff);
}
