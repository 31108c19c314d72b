/* Grants of a test kernel: its own table (version 1), one operation at a time. */
#pragma once
#include <stdint.h>
#include "protocol/grant_table.h"

/* Our shared table, first frame; NULL before grant_open(). */
extern volatile struct grant_entry_v1 *grant_table;

/* Map the first frame of the table. test_error() if it cannot be had. */
void grant_open(void);
/* Permit @domid the frame of our page @page. @flags: 0 or GTF_readonly. */
void grant_give(grant_ref_t ref, domid_t domid, const void *page, uint16_t flags);
/* Take the permission back. Returns 0, or -1 while the frame is in use (then it stays). */
int grant_end(grant_ref_t ref);

/* One map; @host is a virtual address, or a PTE's machine address with GNTMAP_contains_pte.
 * Returns the status; *handle and *bus are written on GNTST_okay. */
int grant_map(domid_t dom, grant_ref_t ref, uint32_t flags, uint64_t host, grant_handle_t *handle,
	      uint64_t *bus);
int grant_unmap(uint64_t host, grant_handle_t handle);
/* One copy. Returns the status. */
int grant_copy(struct gnttab_copy *op);
