/* Which I/O ports a domain reaches: a control domain all but those the hypervisor keeps, others
 * none. No domain has a permission bitmap in the TSS: every access traps and is decided in
 * port_io.c, so that the guest's user mode, which runs in the same ring as its kernel, gains
 * nothing from its kernel's rights. dom0's drivers use memory-mapped registers where it matters.
 * Reservations are made at boot, before any guest runs, and never change. */
#include "hv/core/panic.h"
#include "hv/pv/pv.h"

#define RESERVED_MAX 16u
#define PORT_COUNT 0x10000u

static struct { uint16_t first, last; } reserved[RESERVED_MAX];
static unsigned reserved_count;

void pv_port_reserve(uint16_t first, uint16_t last)
{
	ASSERT(first <= last);
	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].first == first && reserved[i].last == last)
			return;
	ASSERT(reserved_count < RESERVED_MAX);
	reserved[reserved_count].first = first;
	reserved[reserved_count++].last = last;
}

bool pv_port_allowed(const struct domain *d, uint32_t port, unsigned size)
{
	if (!d->is_control || port >= PORT_COUNT || size > PORT_COUNT - port)
		return false;
	for (unsigned i = 0; i < reserved_count; i++)
		if (port <= reserved[i].last && port + size > reserved[i].first)
			return false;
	return true;
}
