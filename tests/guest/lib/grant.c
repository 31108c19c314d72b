/* Use of others' grants, one operation at a time. */
#include "tests/guest/lib/grant.h"

#include "examples/pv/hypercall.h"
#include "tests/guest/lib/test.h"

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
