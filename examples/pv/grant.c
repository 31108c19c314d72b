/* Our grants. The table's frame belongs to the hypervisor and is mapped like any frame
 * whose number it told us. */
#include "examples/pv/grant.h"

#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"

volatile struct grant_entry_v1 *grant_table;

void grant_open(void)
{
	uint64_t frame = 0;
	struct gnttab_set_version version = { .version = 1 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1,
					    .frame_list = (uint64_t)&frame };
	void *va = va_alloc();
	long rc;

	grant_table_op(GNTTABOP_set_version, &version, 1);
	rc = grant_table_op(GNTTABOP_setup_table, &setup, 1);
	if (rc || setup.status)
		kernel_fatal("setup_table: %ld, status %d", rc, setup.status);
	rc = update_va_mapping(va, pte_make(frame, PTE_KERNEL), UVMF_INVLPG);
	if (rc)
		kernel_fatal("cannot map the grant table's frame 0x%lx: %ld", frame, rc);
	grant_table = va;
}

void grant_give(grant_ref_t ref, domid_t domid, const void *page, uint16_t flags)
{
	volatile struct grant_entry_v1 *e = &grant_table[ref];

	e->domid = domid;
	e->frame = (uint32_t)va_to_mfn(page);
	__atomic_store_n(&e->flags, (uint16_t)(GTF_permit_access | flags), __ATOMIC_RELEASE);
}

int grant_end(grant_ref_t ref)
{
	volatile struct grant_entry_v1 *e = &grant_table[ref];
	uint16_t flags = e->flags;

	do
		if (flags & (GTF_reading | GTF_writing))
			return -1;
	while (!__atomic_compare_exchange_n(&e->flags, &flags, 0, 0, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST));
	return 0;
}
