/* What one page-table entry may hold, at the lowest level and above.
 *
 * Pure policy over one value, plus the taking and dropping of what a stored L1 entry holds:
 * nothing for device memory, a reference for RAM, and a FT_WRITABLE count for writable RAM.
 * Every present entry gets PTE_USER (guest kernels run in ring 3) and loses PTE_GLOBAL (a
 * translation must not outlive its address space) and PTE_GRANT (ours to set).
 * Neighbours: table_run.c (whole tables), table_update.c (one entry), table_slot.c (grants). */
#include "hv/mem/frame_bits.h"
#include "hv/mem/machine_map.h"
#include "hv/mem/table_entry.h"

#define CACHE_BITS (PTE_PWT | PTE_PCD | PTE_PSE)	/* of an L1 entry: index into the PAT, 0 is write-back */
#define PROTECTED_MAX 64u

uint64_t table_l1tf_limit;
static uint64_t protected_mmio[PROTECTED_MAX];
static unsigned protected_count;

int table_protect_mmio(mfn_t m)
{
	for (unsigned i = 0; i < protected_count; i++)
		if (protected_mmio[i] == m.n)
			return 0;
	if (protected_count == PROTECTED_MAX)
		return -ENOSPC;
	protected_mmio[protected_count] = m.n;
	STORE_RELEASE(&protected_count, protected_count + 1);
	return 0;
}

static bool mmio_is_protected(mfn_t m)
{
	unsigned n = LOAD_ACQUIRE(&protected_count);
	for (unsigned i = 0; i < n; i++)
		if (protected_mmio[i] == m.n)
			return true;
	return false;
}

bool entry_absent_is_harmless(uint64_t val)
{
	uint64_t m = pte_mfn(val).n;
	return m == 0 || m >= table_l1tf_limit;
}

static bool address_fits(uint64_t val)
{
	return ((val & PTE_ADDR) >> cpu_features.phys_bits) == 0;
}

/* Device memory: control domains only, uncounted. */
static int device_entry(const struct owner *o, const struct owner *fo, uint64_t val, uint64_t *out)
{
	mfn_t m = pte_mfn(val);
	if (!o->is_control || o != fo || !machine_is_device(m))
		return -EPERM;
	*out = mmio_is_protected(m) ? val & ~PTE_WRITE : val;
	return 0;
}

int l1_entry_take(struct owner *o, struct owner *fo, uint64_t val, uint64_t *out)
{
	struct frame *f;
	if (!(val & PTE_PRESENT)) {
		if (val != 0 && !entry_absent_is_harmless(val))
			return -EINVAL;
		*out = val;
		return 0;
	}
	if (UNLIKELY(!address_fits(val)))
		return -EINVAL;
	val = (val | PTE_USER) & ~(PTE_GLOBAL | PTE_GRANT);
	int rc = frame_get(fo, pte_mfn(val), &f);
	if (UNLIKELY(rc))
		return rc == -ENOENT ? device_entry(o, fo, val, out) : rc;
	if (!o->is_control || o != fo)
		val &= ~CACHE_BITS;
	if (val & PTE_WRITE) {
		rc = LIKELY(type_take(f, FT_WRITABLE)) ? 0 : frame_type_get(f, FT_WRITABLE);
		if (UNLIKELY(rc)) {
			frame_put(f);
			return rc;
		}
		if (UNLIKELY(o != fo))
			frame_mark_foreign(f);
	}
	*out = val;
	return 0;
}

void l1_entry_drop(uint64_t entry)
{
	if (!(entry & PTE_PRESENT))
		return;
	struct frame *f = frame_lookup(pte_mfn(entry).n);
	if (UNLIKELY(!f))
		return;
	if ((entry & PTE_WRITE) && !type_drop(f))
		frame_type_put(f);
	if (!ref_drop(f))
		frame_put(f);
}

int upper_entry_check(uint64_t val, uint64_t *out)
{
	if (!(val & PTE_PRESENT)) {
		if (!entry_absent_is_harmless(val))
			return -EINVAL;
		*out = val;
		return 0;
	}
	if ((val & PTE_PSE) || !address_fits(val))
		return -EINVAL;
	*out = (val | PTE_USER) & ~(PTE_GLOBAL | PTE_GRANT | PTE_PWT | PTE_PCD);
	return 0;
}
