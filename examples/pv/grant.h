/* What we grant: our own table (version 1), one frame of it. */
#pragma once
#include <stdint.h>
#include "protocol/grant_table.h"

/* References that there are. */
#define GRANT_COUNT 512u

/* Our shared table, first frame; NULL before grant_open(). */
extern volatile struct grant_entry_v1 *grant_table;

/* Map the first frame of the table. kernel_fatal() if it cannot be had. */
void grant_open(void);
/* Permit @domid the frame of our page @page. @flags: 0 or GTF_readonly. */
void grant_give(grant_ref_t ref, domid_t domid, const void *page, uint16_t flags);
/* Take the permission back. Returns 0, or -1 while the frame is in use (then it stays). */
int grant_end(grant_ref_t ref);
