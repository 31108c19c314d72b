/* Segmentation as a guest sees it: its GDT and LDT, segment bases, the kernel stack.
 *
 * A guest's descriptor pages are frames of type FT_SEGDESC: no guest can write them, every
 * descriptor in them was checked. The CPU reads them through this CPU's area, where a switch of
 * vCPUs maps them; our own descriptors follow in pages 14 and 15.
 * INVARIANT S1: each nonzero ctx->gdt[] and ctx->ldt[] entry holds one reference and one FT_SEGDESC count.
 * Neighbours: hv/mem/segdesc.c (what a descriptor may be). Spec: SDM 3A 3.4.5, 3.5. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/work.h"
#include "hv/mem/segdesc.h"
#include "hv/mem/table.h"
#include "hv/pv/state.h"

static void pages_put(const mfn_t *pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pages[i].n)
			frame_put_with_type(frame_of(pages[i]));
}

/* Take a descriptor page. -EINVAL: not RAM, or not fit; -ERESTART: preempted behind it; it need not be checked again
 * then. */
static int page_take(struct vcpu *v, mfn_t m)
{
	struct frame *f;
	preempt_count(PREEMPT_ITEM);
	int rc = m.n ? frame_get_with_type(&v->domain->mem, m, FT_SEGDESC, &f) : -ENOENT;
	if (rc == -ENOENT)
		return -EINVAL;
	if (!rc && preempt_due()) {
		frame_put_with_type(f);
		rc = -ERESTART;
	}
	return rc;
}

int pv_gdt_hold(struct vcpu *v, const uint64_t *frames, unsigned entries, mfn_t fresh[GDT_GUEST_PAGES])
{
	unsigned pages = (entries + 511) / 512;
	if (entries > GDT_GUEST_ENTRIES)
		return -EINVAL;
	memset(fresh, 0, GDT_GUEST_PAGES * sizeof fresh[0]);
	for (unsigned i = 0; i < pages; i++) {
		int rc = page_take(v, mfn(frames[i]));
		if (rc) {
			pages_put(fresh, i);
			return rc;
		}
		fresh[i] = mfn(frames[i]);
	}
	return 0;
}

void pv_gdt_put(const mfn_t pages[GDT_GUEST_PAGES])
{
	pages_put(pages, GDT_GUEST_PAGES);
}

void pv_gdt_replace(struct vcpu *v, const mfn_t fresh[GDT_GUEST_PAGES], unsigned entries)
{
	mfn_t old[GDT_GUEST_PAGES];
	memcpy(old, v->ctx.gdt, sizeof old);
	memcpy(v->ctx.gdt, fresh, sizeof old);
	v->ctx.gdt_entries = entries;
	if (v == vcpu_current())
		cpu_context_load_gdt(&v->ctx);
	pages_put(old, GDT_GUEST_PAGES);
}

void pv_gdt_drop(struct vcpu *v)
{
	pages_put(v->ctx.gdt, GDT_GUEST_PAGES);
	memset(v->ctx.gdt, 0, sizeof v->ctx.gdt);
	v->ctx.gdt_entries = 0;
}

int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries)
{
	mfn_t fresh[GDT_GUEST_PAGES];
	int rc = pv_gdt_hold(v, frames, entries, fresh);
	if (!rc)
		pv_gdt_replace(v, fresh, entries);
	return rc;
}

void pv_ldt_drop(struct vcpu *v)
{
	pages_put(v->ctx.ldt, LDT_PAGES);
	memset(v->ctx.ldt, 0, sizeof v->ctx.ldt);
	v->ctx.ldt_entries = 0;
}

/* The frame behind @at in the running kernel's address space. */
static int frame_at_address(struct vcpu *v, uint64_t at, mfn_t *m)
{
	uint64_t pte;
	unsigned level;
	if (!gva_is_guest(at))
		return -EINVAL;
	if (table_walk(v->ctx.kernel_l4, gva(at), &pte, &level) || !(pte & PTE_PRESENT))
		return -EFAULT;
	*m = pte_mfn(pte);
	return 0;
}

int pv_set_ldt(struct vcpu *v, gva_t base, unsigned entries)
{
	mfn_t fresh[LDT_PAGES] = { 0 };
	unsigned pages = (entries + 511) / 512;
	if (entries > 512 * LDT_PAGES || base.a % PAGE_SIZE)
		return -EINVAL;
	for (unsigned i = 0; i < pages; i++) {
		mfn_t m;
		int rc = frame_at_address(v, base.a + i * PAGE_SIZE, &m);
		if (!rc)
			rc = page_take(v, m);
		if (rc) {
			pages_put(fresh, i);
			return rc;
		}
		fresh[i] = m;
	}
	mfn_t old[LDT_PAGES];
	memcpy(old, v->ctx.ldt, sizeof old);
	memcpy(v->ctx.ldt, fresh, sizeof fresh);
	v->ctx.ldt_entries = entries;
	cpu_context_load_ldt(&v->ctx);
	pages_put(old, LDT_PAGES);
	return 0;
}

/* The frame may be a GDT or LDT already, or still an ordinary page that will become one. */
int pv_update_descriptor(struct vcpu *v, maddr_t at, uint64_t desc)
{
	struct frame *f;
	if (at.a % 8 || !segdesc_check(&desc))
		return -EINVAL;
	int rc = frame_get(&v->domain->mem, maddr_to_mfn(at), &f);
	if (rc)
		return rc == -ENOENT ? -EINVAL : rc;
	enum frame_type t = frame_type_now(f) == FT_SEGDESC ? FT_SEGDESC : FT_WRITABLE;
	rc = frame_type_get(f, t);
	if (rc) {
		frame_put(f);
		return rc;
	}
	char *page = frame_map(maddr_to_mfn(at));
	STORE_RELEASE((uint64_t *)(void *)(page + at.a % PAGE_SIZE), desc);
	frame_unmap(page);
	frame_put_with_type(f);
	return 0;
}

int pv_stack_switch(struct vcpu *v, uint64_t ss, uint64_t sp)
{
	v->pv->kernel_ss = (uint16_t)ss;
	v->pv->kernel_sp = sp;
	return 0;
}

int pv_set_segment_base(struct vcpu *v, unsigned which, uint64_t base)
{
	static const enum cpu_base bases[] = {
		[SEGBASE_FS] = BASE_FS, [SEGBASE_GS_USER] = BASE_GS_USER, [SEGBASE_GS_KERNEL] = BASE_GS_KERNEL,
	};
	if (which == SEGBASE_GS_USER_SEL) {
		cpu_gs_user_selector(&v->ctx, (uint16_t)base);
		return 0;
	}
	if (which > SEGBASE_GS_KERNEL || !gva_is_canonical(base))
		return -EINVAL;
	cpu_base_write(&v->ctx, bases[which], base);
	return 0;
}
