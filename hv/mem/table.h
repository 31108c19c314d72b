/* Page-table entries and the checked ways to change them. Layer: mem.
 * Every present entry holds one reference on its target (and one type count: FT_WRITABLE for
 * writable L1 entries, FT_L(n-1) for entries of L(n)); device memory is not counted.
 * The hypervisor ORs PTE_USER into every present entry it stores.
 * Entry bit PTE_GRANT is ours: set on entries made by the grant code; ignored (cleared) in what
 * guests write, though it stays when they change accessed, dirty and available bits. Such an entry can
 * be replaced like any other, and goes with its table. */
#pragma once
#include "hv/mem/frame.h"

#define PTE_PRESENT	(1ull << 0)
#define PTE_WRITE	(1ull << 1)
#define PTE_USER	(1ull << 2)
#define PTE_PWT		(1ull << 3)
#define PTE_PCD		(1ull << 4)
#define PTE_ACCESSED	(1ull << 5)
#define PTE_DIRTY	(1ull << 6)
#define PTE_PSE		(1ull << 7)	/* PAT in an L1 entry */
#define PTE_GLOBAL	(1ull << 8)
#define PTE_AVAIL	(7ull << 9 | 0x7full << 52)
#define PTE_GRANT	(1ull << 62)
#define PTE_NX		(1ull << 63)
#define PTE_ADDR	0x000ffffffffff000ull
static inline mfn_t pte_mfn(uint64_t pte) { return (mfn_t){(pte & PTE_ADDR) >> PAGE_SHIFT}; }
static inline uint64_t pte_make(mfn_t m, uint64_t flags) { return m.n << PAGE_SHIFT | flags; }

/* Change the 8-byte entry at machine address @at, which must lie in a validated table (any
 * level) or, if the frame has no table type, in a writable frame of @table_owner (plain write).
 * @frame_owner: whose frames the new entry may point to (normally == table_owner; another one
 * only if the caller has checked control rights).
 * @preserve_ad: keep accessed and dirty of the old entry (atomically).
 * Entries of RAM are made write-back unless the owner is a control domain mapping its own; device
 * memory (control domains only) registered by table_protect_mmio() is made read-only; PTE_GLOBAL
 * and PTE_GRANT are cleared. Entries that are not present are stored as they are, except that
 * an address of RAM in them is refused (L1TF).
 * Returns 0; -EINVAL: misaligned, bad bits, target not valid for the level; -EPERM: target not
 * @frame_owner's or not allowed device memory; -EBUSY: type conflict; -ERESTART. */
/* Work may be left in owner_run_pending(table_owner). */
int table_entry_update(struct owner *table_owner, struct owner *frame_owner, maddr_t at,
		       uint64_t val, bool preserve_ad) MUST_CHECK;
/* Compare-and-exchange form for emulated writes to an L1 entry: only if the entry equals *expected
 * (the raw stored entry); else *expected is refreshed and -EAGAIN returned. L1 tables only: -EINVAL. */
int table_entry_cas(struct owner *o, maddr_t at, uint64_t *expected, uint64_t val) MUST_CHECK;

/* The same as table_entry_update() for the L1 entry that maps @va in the validated L4 @l4. -EINVAL also: no
 * L1 there. */
int table_va_update(struct owner *table_owner, struct owner *frame_owner, mfn_t l4, gva_t va,
		    uint64_t val) MUST_CHECK;

/* The machine address of the L1 entry that maps @va in the validated L4 @l4; nothing is held. -EINVAL: no
 * L1 there. */
int table_slot_find(struct owner *o, mfn_t l4, gva_t va, maddr_t *at) MUST_CHECK;

/* Grant mappings. Set the L1 entry at @at to @val, present, marked PTE_GRANT, for a frame of @frame_owner:
 * with the reference and type count of any entry. -EINVAL: no entry of a validated L1; -EBUSY: a present entry
 * is there, or type conflict; -EPERM: not @frame_owner's; -EOVERFLOW. */
int table_grant_set(struct owner *table_owner, struct owner *frame_owner, maddr_t at, uint64_t val) MUST_CHECK;
/* Clear the entry that was set at @at, if it still maps @m by grant, and drop what it holds. It may be gone, and
 * @at be anything or anybody's by now: then nothing is touched. The caller flushes o->dirty_cpus before the grant
 * ends. */
void table_grant_clear(struct owner *o, maddr_t at, mfn_t m);

/* Read a guest's L1 entry for @va under @l4 by walking frames: for fault handling. -EFAULT. */
int table_walk(mfn_t l4, gva_t va, uint64_t *pte, unsigned *level) MUST_CHECK;

/* L4 slots HV_L4_FIRST.. come from this template (set up by hv/cpu). */
extern const uint64_t *table_hv_slots;	/* HV_L4_COUNT entries */
/* Device pages a control domain may only read (IO-APIC, local APIC, MSI-X tables): at most 64, at boot or
 * device registration. -ENOSPC. Entries that already map @m writable stay: register before. */
int table_protect_mmio(mfn_t m) MUST_CHECK;
/* Not-present entries may not name frames 1..limit-1. Set by frame_table_init() to the end of RAM; boot may
 * set 0 on a CPU without L1TF. */
extern uint64_t table_l1tf_limit;
/* Geometry: 512 entries per table; hosted tests lower it. */
extern unsigned table_entries;
/* Entries looked at before a preemption check: 512; hosted tests lower it. */
extern unsigned table_slice;
