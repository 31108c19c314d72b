/* What the audit asks of a vCPU, statement I17: whatever its guest said, the state that the machine will load from
 * it neither faults in the hypervisor's name nor gives the guest a right. Recomputed from the values that are stored;
 * shares no constant and no function with the code that filters them.
 *
 * The registers themselves may hold anything but privileges: an address or a selector that does not load faults in
 * the guest's name (iret.c). Neighbours: vcpu_state.c, iret.c, bounce.c, callback.c, debug.c, segment.c. */
#include "hv/base/string.h"
#include "hv/pv/state.h"

#define OURS_FIRST	0xffff800000000000ull	/* L4 slots 256 to 271 */
#define OURS_LAST	0xffff87ffffffffffull

static bool is_address(uint64_t a)
{
	return a >> 47 == 0 || a >> 47 == 0x1ffff;
}

/* Interrupts on; IOPL, VM, VIF and VIP off; ring 3. */
static const char *check_registers(const struct cpu_regs *r)
{
	if ((r->rflags & 0x1a3200) != 0x200)
		return "I17: a guest's flags hold a privilege, or interrupts are off";
	return (r->cs & 3) == 3 && (r->ss & 3) == 3 ? NULL : "I17: a guest's segments are not of ring 3";
}

static const char *check_bases(struct cpu_context *c)
{
	for (unsigned i = BASE_FS; i <= BASE_GS_USER; i++)
		if (!is_address(cpu_base_read(c, (enum cpu_base)i)))
			return "I17: a segment base is not canonical";
	return NULL;
}

/* No breakpoint of ours, none on I/O, no general detect (bit 13). */
static const char *check_debug(const struct cpu_context *c)
{
	if (c->dr7 >> 32 || (c->dr7 & 0x2000))
		return "I17: DR7 holds general detect or bits that do not exist";
	for (unsigned i = 0; i < 4; i++) {
		if (!is_address(c->dr[i]) || (c->dr[i] >= OURS_FIRST && c->dr[i] <= OURS_LAST))
			return "I17: a breakpoint lies in the hypervisor's range";
		if ((c->dr7 >> 2 * i & 3) && (c->dr7 >> (16 + 4 * i) & 3) == 2)
			return "I17: a breakpoint on I/O is enabled";
	}
	return NULL;
}

static const char *check_fpu(const struct cpu_context *c)
{
	uint32_t mxcsr, allowed = cpu_features.mxcsr_mask ? cpu_features.mxcsr_mask : 0xffbf;
	if (!c->fpu)
		return NULL;
	memcpy(&mxcsr, (const char *)c->fpu + 24, sizeof mxcsr);
	return mxcsr & ~allowed ? "I17: reserved bits of MXCSR are set" : NULL;
}

/* The trap table only of the vCPU that may just have changed it: it is long. */
static const char *check_entries(const struct pv_vcpu *pv, bool all_traps)
{
	const struct pv_callback *const callback[] = { &pv->event, &pv->failsafe, &pv->syscall, &pv->syscall32 };
	for (unsigned i = 0; i < ARRAY_COUNT(callback); i++)
		if (!is_address(callback[i]->address))
			return "I17: a callback is not canonical";
	for (unsigned i = 0; i < (all_traps ? 256u : 4u); i++)
		if (!is_address(pv->trap[i].address))
			return "I17: a trap handler is not canonical";
	return pv->iopl > 3 ? "I17: an I/O privilege level beyond 3" : NULL;
}

static const char *check_vcpu(struct vcpu *v)
{
	if (!v->is_initialised || !v->pv)
		return NULL;
	const char *broken = check_registers(&v->ctx.regs);
	if (!broken)
		broken = check_bases(&v->ctx);
	if (!broken)
		broken = check_debug(&v->ctx);
	if (!broken)
		broken = check_fpu(&v->ctx);
	if (!broken && !v->ctx.kernel_mode && !v->ctx.user_l4.n)
		broken = "I17: user mode without a page table";
	return broken ? broken : check_entries(v->pv, v == vcpu_current());
}

const char *pv_check(void)
{
	const char *broken = NULL;
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		for (unsigned i = 0; !broken && i < d->max_vcpus; i++)
			if (d->vcpu[i])
				broken = check_vcpu(d->vcpu[i]);
	}
	return broken;
}
