/* The state of a PV vCPU as a whole: made, loaded from a vcpu_guest_context, read back, dropped.
 *
 * Loading checks everything, takes references on the page tables and descriptor pages named by the
 * context, then commits; a failure gives back what was taken. Long validation of a page table is
 * preempted with -ERESTART: the tables keep their progress, the caller repeats the call.
 * INVARIANT S2: a nonzero kernel_l4 or user_l4 of a vCPU holds one reference and one FT_L4 count.
 * Neighbours: segment.c (descriptor pages), callback.c (entry points), mmu_ext.c (base pointers
 * of a running vCPU). Spec: public header arch-x86/xen.h, struct vcpu_guest_context. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/work.h"
#include "hv/mem/alloc.h"
#include "hv/mem/audit.h"
#include "hv/mem/frame.h"
#include "hv/pv/state.h"
#include "protocol/xen.h"

#define TRAPS 256
#define VCPU_FRAMES (2 + GDT_GUEST_PAGES + LDT_PAGES)

static int context_check(const struct vcpu_guest_context *c)
{
	const uint64_t entry[] = { c->event_callback_eip, c->failsafe_callback_eip, c->syscall_callback_eip,
				   c->fs_base, c->gs_base_kernel, c->gs_base_user, c->user_regs.rip };
	for (unsigned i = 0; i < ARRAY_COUNT(entry); i++)
		if (!gva_is_canonical(entry[i]))
			return -EINVAL;
	for (unsigned i = 0; i < TRAPS; i++)
		if (!gva_is_canonical(c->trap_ctxt[i].address))
			return -EINVAL;
	for (unsigned i = 0; i < 4; i++)
		if (!pv_debug_address_ok(c->debugreg[i]))
			return -EINVAL;
	if (c->gdt_ents > GDT_GUEST_ENTRIES || c->ldt_ents != 0)	/* an LDT is set by a running guest */
		return -EINVAL;
	if (!(c->flags & VGCF_in_kernel) && !(c->ctrlreg[1] >> PAGE_SHIFT))
		return -EINVAL;
	return 0;
}

static void l4_put(mfn_t m)
{
	if (m.n)
		frame_put_with_type(frame_of(m));
}

/* Both base tables or none. */
static int l4_take(struct vcpu *v, const struct vcpu_guest_context *c, mfn_t *kernel, mfn_t *user)
{
	struct frame *f;
	mfn_t k = mfn(c->ctrlreg[3] >> PAGE_SHIFT), u = mfn(c->ctrlreg[1] >> PAGE_SHIFT);
	int rc = frame_get_with_type(&v->domain->mem, k, FT_L4, &f);
	if (rc)
		return rc;
	if (u.n)
		rc = frame_get_with_type(&v->domain->mem, u, FT_L4, &f);
	if (rc) {
		l4_put(k);
		return rc;
	}
	*kernel = k;
	*user = u;
	return 0;
}

static void regs_load(struct vcpu *v, const struct cpu_user_regs *u)
{
	struct cpu_regs *r = &v->ctx.regs;
	static_assert(offsetof(struct cpu_user_regs, error_code) == offsetof(struct cpu_regs, error_code),
		      "general registers have the same layout");
	memcpy(r, u, offsetof(struct cpu_regs, error_code));
	r->error_code = 0;
	r->vector = 0;
	r->rip = u->rip;
	r->cs = u->cs | 3u;
	r->rflags = (u->rflags & 0xffffffffu & ~(uint64_t)(RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP)) |
		    RFLAGS_IF | RFLAGS_FIXED;
	r->rsp = u->rsp;
	r->ss = u->ss | 3u;
	v->ctx.ds = u->ds;
	v->ctx.es = u->es;
	v->ctx.fs = u->fs;
	v->ctx.gs = u->gs;
}

/* The legacy FXSAVE image, made safe to restore: reserved bits of MXCSR would fault. */
static void fpu_load(struct vcpu *v, const char *image)
{
	uint32_t mxcsr, mask = cpu_features.mxcsr_mask ? cpu_features.mxcsr_mask : 0xffbf;
	uint64_t components = 3;
	char *area = v->ctx.fpu;
	memcpy(area, image, 512);
	memcpy(&mxcsr, area + 24, sizeof mxcsr);
	mxcsr &= mask;
	memcpy(area + 24, &mxcsr, sizeof mxcsr);
	if (cpu_features.has_xsave)
		memcpy(area + 512, &components, sizeof components);
}

static void state_load(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct pv_vcpu *pv = v->pv;
	regs_load(v, &c->user_regs);
	v->ctx.kernel_mode = c->flags & VGCF_in_kernel;
	cpu_context_init(&v->ctx);
	if (c->flags & VGCF_i387_valid)
		fpu_load(v, c->fpu_ctxt.x);
	memset(pv->trap, 0, TRAPS * sizeof pv->trap[0]);
	for (unsigned i = 0; i < TRAPS; i++)
		if (c->trap_ctxt[i].address)
			pv->trap[c->trap_ctxt[i].vector] = c->trap_ctxt[i];
	pv->kernel_ss = (uint16_t)c->kernel_ss;
	pv->kernel_sp = c->kernel_sp;
	pv->event = (struct pv_callback){ c->event_callback_eip, true };
	pv->failsafe = (struct pv_callback){ c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events };
	pv->syscall = (struct pv_callback){ c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events };
	pv->iopl = (uint8_t)(c->user_regs.rflags >> 12 & 3);
	v->ctx.fs_base = c->fs_base;
	v->ctx.gs_base_kernel = c->gs_base_kernel;
	v->ctx.gs_base_user = c->gs_base_user;
	memcpy(v->ctx.dr, c->debugreg, sizeof v->ctx.dr);
	v->ctx.dr7 = pv_debug_dr7_fix(c->debugreg[7]);
	v->ctx.dr_active = v->ctx.dr7 & 0xff;
}

int pv_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	mfn_t kernel, user, gdt[GDT_GUEST_PAGES];
	int rc = context_check(c);
	/* One of two base tables may have been let go at the last preemption, complete. */
	if (!rc && owner_has_pending(&v->domain->mem))
		rc = owner_run_pending(&v->domain->mem);
	if (!rc)
		rc = pv_gdt_hold(v, c->gdt_frames, (unsigned)c->gdt_ents, gdt);
	if (rc)
		return rc;
	rc = l4_take(v, c, &kernel, &user);
	if (rc) {
		pv_gdt_put(gdt);
		return rc;
	}
	/* Commit: cannot fail. */
	cpu_context_evict(&v->ctx);
	mfn_t old_kernel = v->ctx.kernel_l4, old_user = v->ctx.user_l4;
	v->ctx.kernel_l4 = kernel;
	v->ctx.user_l4 = user;
	l4_put(old_kernel);
	l4_put(old_user);
	pv_gdt_replace(v, gdt, (unsigned)c->gdt_ents);
	state_load(v, c);
	v->is_initialised = true;
	return 0;
}

void pv_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	const struct pv_vcpu *pv = v->pv;
	memset(c, 0, sizeof *c);
	cpu_context_sync(&v->ctx);
	const struct cpu_regs *r = &v->ctx.regs;
	memcpy(&c->user_regs, r, offsetof(struct cpu_regs, error_code));
	c->user_regs.rip = r->rip;
	c->user_regs.cs = (uint16_t)(v->ctx.kernel_mode ? r->cs & ~3ull : r->cs);
	c->user_regs.rflags = (r->rflags & ~(uint64_t)RFLAGS_IOPL) | (uint64_t)pv->iopl << 12;
	c->user_regs.rsp = r->rsp;
	c->user_regs.ss = (uint16_t)r->ss;
	c->user_regs.ds = v->ctx.ds;
	c->user_regs.es = v->ctx.es;
	c->user_regs.fs = v->ctx.fs;
	c->user_regs.gs = v->ctx.gs;
	c->flags = VGCF_i387_valid | (v->ctx.kernel_mode ? VGCF_in_kernel : 0) |
		   ((v->hold & HOLD_DOWN) ? 0 : VGCF_online) |
		   (pv->failsafe.masks_events ? VGCF_failsafe_disables_events : 0) |
		   (pv->syscall.masks_events ? VGCF_syscall_disables_events : 0);
	memcpy(c->fpu_ctxt.x, v->ctx.fpu, sizeof c->fpu_ctxt.x);
	memcpy(c->trap_ctxt, pv->trap, sizeof c->trap_ctxt);
	for (unsigned i = 0; i < GDT_GUEST_PAGES; i++)
		c->gdt_frames[i] = v->ctx.gdt[i].n;
	c->gdt_ents = v->ctx.gdt_entries;
	c->kernel_ss = pv->kernel_ss;
	c->kernel_sp = pv->kernel_sp;
	c->ctrlreg[1] = v->ctx.user_l4.n << PAGE_SHIFT;
	c->ctrlreg[3] = v->ctx.kernel_l4.n << PAGE_SHIFT;
	memcpy(c->debugreg, v->ctx.dr, sizeof v->ctx.dr);
	c->debugreg[6] = v->ctx.dr6;
	c->debugreg[7] = v->ctx.dr7;
	c->event_callback_eip = pv->event.address;
	c->failsafe_callback_eip = pv->failsafe.address;
	c->syscall_callback_eip = pv->syscall.address;
	c->fs_base = v->ctx.fs_base;
	c->gs_base_kernel = v->ctx.gs_base_kernel;
	c->gs_base_user = v->ctx.gs_base_user;
}

void pv_vcpu_drop_tables(struct vcpu *v)
{
	cpu_context_evict(&v->ctx);
	mfn_t kernel = v->ctx.kernel_l4, user = v->ctx.user_l4;
	v->ctx.kernel_l4 = v->ctx.user_l4 = mfn(0);
	v->is_initialised = false;
	l4_put(kernel);
	l4_put(user);
	pv_gdt_drop(v);
	pv_ldt_drop(v);
}

int pv_set_iopl(struct vcpu *v, unsigned iopl)
{
	if (iopl > 3)
		return -EINVAL;
	v->pv->iopl = (uint8_t)iopl;
	return 0;
}

int pv_set_iobitmap(struct vcpu *v, gva_t bitmap, unsigned ports)
{
	if (ports > 65536 || (ports && !gva_range_is_guest(bitmap.a, ports / 8)))
		return -EINVAL;
	v->pv->iobitmap = bitmap;
	v->pv->iobitmap_ports = ports;
	return 0;
}

/* --- life, for hv/dom --- */

static void vcpu_state_destroy(struct vcpu *v)
{
	if (v->pv && v->pv->trap)
		page_free(v->pv->trap, 0);
	heap_free(v->pv);
	v->pv = NULL;
}

static int vcpu_state_create(struct vcpu *v)
{
	v->pv = heap_alloc(sizeof *v->pv);
	if (v->pv)
		v->pv->trap = page_alloc(0, 0);
	if (!v->pv || !v->pv->trap) {
		vcpu_state_destroy(v);
		return -ENOMEM;
	}
	return 0;
}

static int domain_state_kill(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && d->vcpu[i]->is_initialised) {
			pv_vcpu_drop_tables(d->vcpu[i]);
			preempt_count(VCPU_FRAMES * PREEMPT_ITEM);
			if (preempt_due())
				return -ERESTART;
		}
	return 0;
}

static void audit_vcpu(struct vcpu *v, audit_add_fn *add)
{
	if (v->ctx.kernel_l4.n)
		add(v->ctx.kernel_l4, 1, FT_L4, 1);
	if (v->ctx.user_l4.n)
		add(v->ctx.user_l4, 1, FT_L4, 1);
	for (unsigned i = 0; i < GDT_GUEST_PAGES; i++)
		if (v->ctx.gdt[i].n)
			add(v->ctx.gdt[i], 1, FT_SEGDESC, 1);
	for (unsigned i = 0; i < LDT_PAGES; i++)
		if (v->ctx.ldt[i].n)
			add(v->ctx.ldt[i], 1, FT_SEGDESC, 1);
}

static void audit_enumerate(audit_add_fn *add)
{
	struct domain *d;
	for (domid_t id = 0; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		for (unsigned i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i])
				audit_vcpu(d->vcpu[i], add);
	}
}

void pv_init(void)
{
	static const struct domain_ops ops = {
		.name = "pv", .kill = domain_state_kill,
		.vcpu_create = vcpu_state_create, .vcpu_destroy = vcpu_state_destroy,
	};
	domain_register_ops(&ops);
	audit_register(audit_enumerate);
	audit_register_check(pv_check);
	pv_callback_init();
}
