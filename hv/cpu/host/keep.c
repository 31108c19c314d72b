/* Mappings that outlive an operation: on the modelled machine, plain addresses in the arena. */
#include "hv/cpu/host/host.h"

void *frame_map_keep(mfn_t m)
{
	return host_frame(m);
}

void frame_unmap_keep(const void *p)
{
	(void)p;
}
