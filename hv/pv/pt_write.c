/* Direct writes to page tables: a guest kernel stores into an L1 table that it maps read-only, the CPU
 * faults, and the store is carried out here as the same checked update that mmu_update makes.
 *
 * One aligned 8-byte entry at a time; an access that does not lie within one is left to fault. The entry
 * is read, the instruction computed on the copy, and committed only if the entry is still what was read
 * (table_entry_cas), so that the guest's other vCPUs and the CPUs' accessed and dirty bits lose
 * nothing. If somebody else keeps changing it, the guest executes the instruction again.
 * What the guest's instruction bytes and registers say is hostile; only the entry check protects.
 * Neighbours: pt_decode.c, hv/mem/table.h, trap.c (page faults). */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/mem/table.h"
#include "hv/pv/pt_decode.h"
#include "hv/pv/state.h"

#define ATTEMPTS 16u

/* The machine address of the entry that @va shows, if it is one of a live L1 mapped read-only. */
static bool entry_find(struct vcpu *v, gva_t va, maddr_t *at)
{
	uint64_t pte;
	unsigned level;
	if (table_walk(v->ctx.kernel_l4, va, &pte, &level) || level != 1)
		return false;
	if ((pte & (PTE_PRESENT | PTE_WRITE)) != PTE_PRESENT)
		return false;
	const struct frame *f = frame_of(pte_mfn(pte));
	if (!f || frame_owner(f) != v->domain->mem.domid || frame_type_now(f) != FT_L1)
		return false;
	*at = maddr(mfn_to_maddr(pte_mfn(pte)).a + align_down(va.a % PAGE_SIZE, 8));
	return true;
}

static bool insn_fetch(struct vcpu *v, struct pt_insn *insn)
{
	uint8_t bytes[15];
	uint64_t rip = v->ctx.regs.rip;
	if (!gva_range_is_guest(rip, sizeof bytes))
		return false;
	size_t n = sizeof bytes - cpu_guest_read(bytes, gva(rip), sizeof bytes);
	return pt_decode(bytes, n, insn);
}

static uint64_t entry_read(maddr_t at)
{
	const uint64_t *p = frame_map(maddr_to_mfn(at));
	uint64_t e = READ_ONCE(p[at.a % PAGE_SIZE / 8]);
	frame_unmap(p);
	return e;
}

/* One attempt. 0 done, -EAGAIN: the entry changed meanwhile, or why it is refused. */
static int entry_write(struct vcpu *v, const struct pt_insn *insn, maddr_t at, unsigned shift)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint64_t old = entry_read(at), flags = r->rflags, rax = r->rax, scratch = 0;
	uint64_t *gpr = insn->has_imm ? &scratch : pv_gpr(r, insn->reg);
	uint64_t source = *gpr, rotated = insn->high_byte ? (source >> 8 | source << 56) : source;
	uint64_t mask = insn->width == 8 ? ~0ull : ((1ull << 8 * insn->width) - 1) << shift;
	uint64_t part = pt_execute(insn, old >> shift, &rotated, &rax, &flags);
	uint64_t val = (old & ~mask) | (part << shift & mask);
	int rc = table_entry_cas(&v->domain->mem, at, &old, val);
	if (rc)
		return rc;
	if (insn->op == PT_CMPXCHG)
		r->rax = rax;
	if (insn->op == PT_XCHG)
		*gpr = insn->high_byte ? (rotated << 8 | rotated >> 56) : rotated;
	r->rflags = flags;
	r->rip += insn->length;
	return 0;
}

bool pv_pt_write_fault(struct vcpu *v, gva_t va)
{
	struct pt_insn insn;
	maddr_t at;
	int rc = -EAGAIN;
	if (!entry_find(v, va, &at) || !insn_fetch(v, &insn))
		return false;
	if (va.a % 8 + insn.width > 8)
		return false;
	for (unsigned i = 0; i < ATTEMPTS && rc == -EAGAIN; i++)
		rc = entry_write(v, &insn, at, (unsigned)(va.a % 8) * 8);
	return rc == 0 || rc == -EAGAIN;
}
