/* Areas that guests register by virtual address (runstate, clock) are found by walking the vCPU's
 * own kernel tables by frame: they must be written when the guest's user tables are loaded, or
 * another vCPU's. The address is hostile and may have been remapped since it was registered, so
 * each write looks it up again and takes the frame's type: FT_WRITABLE of the same owner, or
 * nothing. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/dom/guest_area.h"
#include "hv/mem/table.h"

static int page_open(struct vcpu *v, gva_t va, struct guest_area *a, unsigned i)
{
	uint64_t pte;
	unsigned level;
	if (!gva_is_guest(va.a) || v->ctx.kernel_l4.n == 0 ||
		table_walk(v->ctx.kernel_l4, va, &pte, &level) || level != 1)
		return -EFAULT;
	if ((pte & (PTE_PRESENT | PTE_WRITE)) != (PTE_PRESENT | PTE_WRITE) || (pte & PTE_GRANT))
		return -EFAULT;
	if (frame_get_with_type(&v->domain->mem, pte_mfn(pte), FT_WRITABLE, &a->frame[i]))
		return -EFAULT;
	a->page[i] = frame_map(pte_mfn(pte));
	return 0;
}

int guest_area_open(struct vcpu *v, gva_t va, uint64_t n, struct guest_area *a)
{
	*a = (struct guest_area){.offset = va.a % PAGE_SIZE};
	int rc = page_open(v, va, a, 0);
	if (rc == 0 && a->offset + n > PAGE_SIZE) {
		rc = page_open(v, gva(align_down(va.a, PAGE_SIZE) + PAGE_SIZE), a, 1);
		if (rc)
			guest_area_close(a);
	}
	return rc;
}

void guest_area_write(struct guest_area *a, uint64_t at, const void *src, uint64_t n)
{
	uint64_t from = a->offset + at, first = 0;
	if (from < PAGE_SIZE) {
		first = min_u64(n, PAGE_SIZE - from);
		memcpy(a->page[0] + from, src, first);
	}
	if (first < n)
		memcpy(a->page[1] + (from + first - PAGE_SIZE), (const char *)src + first,
			n - first);
}

void guest_area_close(struct guest_area *a)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!a->page[i])
			continue;
		frame_unmap(a->page[i]);
		frame_put_with_type(a->frame[i]);
		a->page[i] = NULL;
	}
}
