/* Segment descriptors: the check behind update_descriptor and behind frames used as GDT or LDT.
 *
 * A guest's descriptors are loaded by ring 3 only, so base and limit are its own affair. What must not
 * exist is a system descriptor: a call gate leads to an inner ring, an LDT or TSS descriptor
 * names memory to the CPU. Guests write kernel descriptors with DPL 0; those must be usable in
 * ring 3. The accessed bit is set here so that the CPU never writes to the table. */
#include "hv/base/atomic.h"
#include "hv/core/work.h"
#include "hv/cpu/cpu.h"
#include "hv/mem/segdesc.h"

#define DESC_ACCESSED	(1ull << 40)
#define DESC_CODE_DATA	(1ull << 44)
#define DESC_DPL3	(3ull << 45)
#define DESC_PRESENT	(1ull << 47)

bool segdesc_check(uint64_t *desc)
{
	if (!(*desc & DESC_PRESENT))
		return true;
	if (!(*desc & DESC_CODE_DATA))
		return false;
	*desc |= DESC_DPL3 | DESC_ACCESSED;
	return true;
}

bool segdesc_page_check(mfn_t m)
{
	preempt_count(PAGE_SIZE / sizeof(uint64_t));
	uint64_t *p = frame_map(m);
	bool ok = true;
	for (unsigned i = 0; i < PAGE_SIZE / sizeof *p && ok; i++) {
		uint64_t was = READ_ONCE(p[i]), desc = was;
		ok = segdesc_check(&desc);
		if (ok && desc != was)
			WRITE_ONCE(p[i], desc);
	}
	frame_unmap(p);
	return ok;
}
