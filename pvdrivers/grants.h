/* Grants of a front end. */
#pragma once
#include "pvdrivers/os.h"

/* End those of @count grants at @ref that stand, and make them 0, which is none. -EBUSY: some are mapped, and still stand. */
int pv_grants_end(struct pv_os *os, grant_ref_t *ref, uint32_t count) PV_MUST_CHECK;
