/* Grants of a test kernel. The table's frame belongs to the hypervisor and is mapped like any frame
 * whose number it told us. */
#include "tests/guest/lib/grant.h"

#include "tests/guest/lib/hypercall.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"

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
		test_error("setup_table: %ld, status %d", rc, setup.status);
	rc = update_va_mapping(va, pte_make(frame, PTE_KERNEL), UVMF_INVLPG);
	if (rc)
		test_error("cannot map the grant table's frame 0x%lx: %ld", frame, rc);
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

int grant_map(domid_t dom, grant_ref_t ref, uint32_t flags, uint64_t host, grant_handle_t *handle,
	      uint64_t *bus)
{
	struct gnttab_map_grant_ref op = { .host_addr = host, .flags = flags, .ref = ref,
					   .dom = dom, .status = 1 };
	long rc = grant_table_op(GNTTABOP_map_grant_ref, &op, 1);

	if (rc)
		test_error("map_grant_ref: %ld", rc);
	if (op.status == GNTST_okay) {
		*handle = op.handle;
		*bus = op.dev_bus_addr;
	}
	return op.status;
}

int grant_unmap(uint64_t host, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = host, .handle = handle, .status = 1 };
	long rc = grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);

	if (rc)
		test_error("unmap_grant_ref: %ld", rc);
	return op.status;
}

int grant_copy(struct gnttab_copy *op)
{
	long rc;

	op->status = 1;
	rc = grant_table_op(GNTTABOP_copy, op, 1);
	if (rc)
		test_error("copy: %ld", rc);
	return op->status;
}
