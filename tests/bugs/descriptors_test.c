/* Descriptors and registers of the machine: XSA-293, XSA-298, XSA-333, and the call gate of old.
 *
 * The processor reads descriptor tables itself, and believes them: a call gate leads to an inner
 * ring, a TSS or LDT descriptor names memory to it, a code segment of level 0 makes ring 0. So a
 * guest's GDT is a page table of another kind, and must be checked as a whole, may not be written
 * behind the check, and not be written past the check either: the hypercall that changes one
 * descriptor is a write of eight bytes to a machine address of the guest's choice. The emulator has
 * to respect the table's end as the processor does; in XSA-298 it did not, and read what lay
 * behind. With model-specific registers and control registers the bug is to have a list of what is
 * forbidden: XSA-333 forgot a register on one kind of processor, XSA-293 forgot that a bit of CR4
 * belonged to one vCPU and not to the next.
 *
 * Here a descriptor page has a type, FT_SEGDESC, that excludes writable mappings
 * (hv/mem/frame_type.c) and is taken by checking all 512 descriptors (hv/mem/segdesc.c): no system
 * descriptors, level 3 whatever the guest wrote. pv_update_descriptor() writes to such a page or to
 * a plain one of the caller's. MSRs are a list of what is allowed (hv/pv/msr.c) and CR4 is ours.
 *
 * The tests smuggle a gate into each place and by each way, and write each register that would give
 * a machine away.
 * Catches: desc-gates-allowed, desc-inner-ring, desc-page-unchecked, desc-written-into-tables,
 * desc-msr-passed-through, blind/29, 30. */
#include "tests/unit/check_main.h"
#include "tests/unit/pv/traps.h"

#define CALL_GATE	0x0000ec0000330000ull	/* level 3, to selector 0x33 */
#define TSS		0x000089000000ffffull
#define LDT		0x000082000000ffffull
#define CODE_RING_0	0x00af9a000000ffffull
#define DPL_AND_ACCESSED 0x0000610000000000ull

static int64_t set_gdt(mfn_t m, unsigned entries)
{
	*(uint64_t *)at(&a, TABLE, 0) = m.n;
	return call(a.v, __HYPERVISOR_set_gdt, va(TABLE, 0), entries);
}

static int64_t map(uint64_t address, mfn_t m, uint64_t flags)
{
	return call(a.v, __HYPERVISOR_update_va_mapping, address, m.n ? pte_make(m, PTE_PRESENT | PTE_USER | flags) : 0,
		    UVMF_TLB_FLUSH | UVMF_ALL);
}

static int64_t update_descriptor(mfn_t m, unsigned i, uint64_t descriptor)
{
	return call(a.v, __HYPERVISOR_update_descriptor, mfn_to_maddr(m).a + 8 * i, descriptor);
}

/* In the first place, the last, between; as part of the page, and written later. */
START_TEST(gates_in_the_table)
{
	static const uint64_t bad[] = { CALL_GATE, TSS, LDT };
	mfn_t m = a.page[DATA];
	uint64_t *gdt = host_frame(m);
	ck_assert_int_eq(map(va(DATA, 0), mfn(0), 0), 0);
	for (unsigned k = 0; k < ARRAY_COUNT(bad); k++) {
		for (unsigned i = 0; i < 512; i += i < 8 || i >= 489 ? 1 : 37) {
			gdt[i] = bad[k];
			ck_assert_int_eq(set_gdt(m, 512), -EINVAL);
			ck_assert_int_eq(set_gdt(m, 1), -EINVAL);	/* the page is one, whatever its length */
			gdt[i] = 0;
		}
		ck_assert_int_eq(update_descriptor(m, 5, bad[k]), -EINVAL);
	}
	ck_assert_int_eq(set_gdt(m, 512), 0);
	for (unsigned k = 0; k < ARRAY_COUNT(bad); k++)
		ck_assert_int_eq(update_descriptor(m, 5, bad[k]), -EINVAL);
	/* Not even what is absent now may become one by a store: nobody has it writable. */
	ck_assert_int_eq(map(va(DATA, 0), m, PTE_WRITE), -EBUSY);
	ck_assert_int_eq(map(va(DATA, 0), m, 0), 0);
	ck_assert_uint_ne(host_guest_store(0, va(DATA, 40), CALL_GATE), 0);
}
END_TEST

/* A kernel writes its descriptors for ring 0, as it would on a machine of its own. */
START_TEST(ring_of_segments)
{
	mfn_t m = a.page[DATA];
	uint64_t *gdt = host_frame(m);
	gdt[3] = CODE_RING_0;
	ck_assert_int_eq(map(va(DATA, 0), mfn(0), 0), 0);
	ck_assert_int_eq(set_gdt(m, 512), 0);
	ck_assert_uint_eq(gdt[3] & DPL_AND_ACCESSED, DPL_AND_ACCESSED);
	ck_assert_int_eq(update_descriptor(m, 4, CODE_RING_0), 0);
	ck_assert_uint_eq(gdt[4] & DPL_AND_ACCESSED, DPL_AND_ACCESSED);
}
END_TEST

/* The eight bytes: a descriptor whose bits are a page-table entry as well, to each kind of frame. */
START_TEST(descriptor_written_to_a_page_table)
{
	const mfn_t other[] = { a.l1, a.l2, a.l3, a.l4, a.d->shared_mfn, dom0_guest.page[1], dom0_guest.l1, mfn(0) };
	const uint64_t entry = 0x00cff3000000ffffull;		/* a data segment, if you will */
	for (unsigned i = 0; i < ARRAY_COUNT(other); i++) {
		uint64_t before = ((uint64_t *)host_frame(other[i]))[300];
		int64_t rc = update_descriptor(other[i], 300, entry);
		ck_assert_int_eq(rc == 0, i == 4);		/* that one is writable to the guest anyway */
		if (rc)
			ck_assert_uint_eq(((uint64_t *)host_frame(other[i]))[300], before);
	}
	ck_assert_int_eq(update_descriptor(mfn(1ull << 35), 0, entry), -EINVAL);
	ck_assert_int_eq(set_gdt(mfn(1ull << 35), 512), -EINVAL);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_descriptor, mfn_to_maddr(a.page[DATA]).a + 4, entry), -EINVAL);
}
END_TEST

/* XSA-298: where a table ends, and what lies behind. A local table lets go of the pages it no longer reaches. */
START_TEST(length_of_tables)
{
	struct mmuext_op *op = at(&a, TABLE, 0);
	static const uint64_t longer[] = { 7169, 7680, 8192, 1ull << 32, 1ull << 61, ~0ull };
	for (unsigned i = 0; i < ARRAY_COUNT(longer); i++) {
		ck_assert_int_eq(call(a.v, __HYPERVISOR_set_gdt, va(TABLE, 0), longer[i]), -EINVAL);
		*op = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va(DATA, 0),
					  .arg2.nr_ents = (uint32_t)(longer[i] < 8193 ? 8193 : longer[i] | 1u << 20) };
		ck_assert_int_eq(call(a.v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF), -EINVAL);
	}
	for (unsigned n = 12; n < 15; n++)
		ck_assert_int_eq(map(va(n, 0), a.page[n], 0), 0);
	for (unsigned pages = 4; pages-- > 0;) {
		*op = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va(12, 0), .arg2.nr_ents = 512 * pages };
		ck_assert_int_eq(call(a.v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF), 0);
		for (unsigned n = 0; n < 3; n++)
			ck_assert_uint_eq(frame_type_now(frame_of(a.page[12 + n])), n < pages ? FT_SEGDESC : FT_NONE);
	}
}
END_TEST

/* XSA-333, XSA-293: STAR and its like, EFER, SYSENTER, debug control, MTRRs, performance counters, microcode, SMM,
 * virtualization, speculation; and CR0, CR4, XCR0 by instruction. */
START_TEST(registers_of_the_machine)
{
	static const uint32_t msr[] = { 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0x174, 0x175, 0x176,
		0x1a0, 0x1d9, 0x200, 0x2ff, 0x277, 0x38f, 0x186, 0x79, 0x3a, 0x9e, 0xc0010117, 0xc0010111, 0x48, 0x49, 0x1b };
	for (unsigned i = 0; i < ARRAY_COUNT(msr); i++)
		host_msr_set(msr[i], 0x1122334455667788);
	for (unsigned i = 0; i < ARRAY_COUNT(msr); i++) {
		uint64_t now;
		memcpy(at(&a, CODE, 0), "\x0f\x30", 2);		/* wrmsr: taken without effect, or #GP */
		r->rip = va(CODE, 0);
		r->rsp = va(STACK + 1, 0);
		r->rcx = msr[i];
		r->rax = 0xdead0000;
		r->rdx = 0;
		trap(&a, TRAP_GP, 0);
		ck_assert_int_eq(cpu_msr_read(msr[i], &now), 0);
		ck_assert_uint_eq(now, 0x1122334455667788);
	}
	r->rsp = va(STACK + 1, 0);
	r->rax = ~0ull;
	EMULATED(&a, "\x0f\x22\xe0");			/* mov %rax,%cr4 */
	EMULATED(&a, "\x0f\x20\xe3");			/* mov %cr4,%rbx */
	ck_assert_uint_eq(r->rbx & 1u << 16, 0);	/* FSGSBASE */
	REFUSED(&a, "\x0f\x22\xd8");			/* mov %rax,%cr3 */
	ck_assert_uint_eq(a.v->ctx.kernel_l4.n, a.l4.n);
}
END_TEST

CHECK_MAIN("descriptors", traps_setup, NULL, gates_in_the_table, ring_of_segments,
	   descriptor_written_to_a_page_table, length_of_tables, registers_of_the_machine)
