/* Grants of a test kernel: beside its own (examples/pv/grant.h), operations on those of others. */
#pragma once
#include "examples/pv/grant.h"

/* One map; @host is a virtual address, or a PTE's machine address with GNTMAP_contains_pte.
 * Returns the status; *handle and *bus are written on GNTST_okay. */
int grant_map(domid_t dom, grant_ref_t ref, uint32_t flags, uint64_t host, grant_handle_t *handle,
	      uint64_t *bus);
int grant_unmap(uint64_t host, grant_handle_t handle);
/* One copy. Returns the status. */
int grant_copy(struct gnttab_copy *op);
