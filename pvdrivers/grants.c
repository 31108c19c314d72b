/* The contract is in grants.h. */
#include "pvdrivers/grants.h"

int pv_grants_end(struct pv_os *os, grant_ref_t *ref, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; i < count; i++)
		if (ref[i] && os->grant_end(os, ref[i]) == 0)
			ref[i] = 0;
		else if (ref[i])
			err = -XEN_EBUSY;
	return err;
}
