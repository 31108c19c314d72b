/* Changing entries: what may be stored where, what is counted, what the fast paths may skip (I1, I2, I6, I7, I13). */
#include "hv/mem/machine_map.h"
#include "tests/unit/mem/world.h"

static struct owner *a = &domain[ALICE], *b = &domain[BOB], *c = &domain[CTRL];
static struct tree t;

static void setup(void)
{
	world_start(2, 192);
	t = tree_build(a);
	OK(frame_pin(a, t.l4, FT_L4));
}

static int set(mfn_t table, unsigned i, uint64_t val)
{
	return table_entry_update(a, a, slot(table, i), val, false);
}

/* Refused, and nothing changed. */
#define REFUSED(expr, err) do { \
		uint64_t d_ = frame_audit_digest(); \
		FAILS(expr, err); \
		ck_assert_uint_eq(frame_audit_digest(), d_); \
	} while (0)

START_TEST(leaf_entries)
{
	mfn_t m = take(a);
	OK(set(t.l1, 20, entry(m, RW)));
	ck_assert_uint_eq(frame_type_count_now(frame_of(m)), 1);
	OK(set(t.l1, 21, entry(m, PTE_PRESENT | PTE_WRITE)));		/* without US */
	ck_assert_uint_eq(peek(t.l1, 21), entry(m, RW));
	OK(set(t.l1, 22, entry(m, RO | PTE_GLOBAL | PTE_GRANT)));
	ck_assert_uint_eq(peek(t.l1, 22), entry(m, RO));
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 4);
	OK(set(t.l1, 20, 0));
	OK(set(t.l1, 21, entry(m, RO)));
	OK(set(t.l1, 22, entry(t.data[0], RW)));
	ck_assert_uint_eq(frame_type_count_now(frame_of(m)), 0);
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 2);
}
END_TEST

START_TEST(refused_entries)
{
	mfn_t bobs = take(b);
	REFUSED(set(t.l1, 20, entry(bobs, RO)), EPERM);
	REFUSED(set(t.l1, 20, entry(mfn(0), RO)), EPERM);
	REFUSED(set(t.l1, 20, entry(mfn(5000), RO)), EPERM);
	REFUSED(set(t.l1, 20, entry(mfn(1ull << 30), RO)), EINVAL);
	REFUSED(set(t.l1, 20, entry(t.l1, RW)), EBUSY);
	REFUSED(set(t.l1, 20, 7ull << 12 | 2), EINVAL);			/* L1TF */
	REFUSED(set(t.l1, 0, 7ull << 12 | 2), EINVAL);
	OK(set(t.l1, 20, 0x000ffffffff0f002ull));			/* a swap entry as Linux writes them */
	OK(set(t.l1, 20, 0x62));
	REFUSED(table_entry_update(a, a, maddr(slot(t.l1, 1).a + 4), 0, false), EINVAL);
	REFUSED(table_entry_update(a, a, maddr(5000ull << 12), 0, false), EINVAL);
	REFUSED(table_entry_update(b, b, slot(t.l1, 1), 0, false), EPERM);
	REFUSED(table_entry_update(a, a, slot(bobs, 1), 0, false), EPERM);
	REFUSED(table_entry_update(a, a, slot(mfn(0), 1), 0, false), EPERM);
}
END_TEST

START_TEST(soft_bits_and_narrowing)
{
	uint64_t soft = PTE_ACCESSED | PTE_DIRTY | 0x3full << 52 | 7ull << 9;
	OK(set(t.l1, 0, entry(t.data[0], RW | soft | PTE_NX)));
	ck_assert_uint_eq(peek(t.l1, 0), entry(t.data[0], RW | soft | PTE_NX));
	OK(set(t.l1, 0, entry(t.data[0], RW)));
	ck_assert_uint_eq(frame_refs_now(frame_of(t.data[0])), 2);
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.data[0])), 1);
	OK(set(t.l1, 0, entry(t.data[0], RO)));
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.data[0])), 0);
	OK(frame_pin(a, t.data[0], FT_L1));
	REFUSED(set(t.l1, 0, entry(t.data[0], RW)), EBUSY);
	OK(set(t.l1, 0, entry(t.data[0], RO | soft)));
	/* Write-back only, for guests. */
	OK(set(t.l1, 1, entry(t.data[1], RW | PTE_PCD)));
	ck_assert_uint_eq(peek(t.l1, 1), entry(t.data[1], RW));
	OK(set(t.l1, 1, entry(t.data[1], RW | PTE_PSE)));
	ck_assert_uint_eq(peek(t.l1, 1), entry(t.data[1], RW));
}
END_TEST

START_TEST(preserving_accessed_and_dirty)
{
	OK(set(t.l1, 0, entry(t.data[0], RW | PTE_ACCESSED)));
	OK(table_entry_update(a, a, slot(t.l1, 0), entry(t.data[0], RO | PTE_DIRTY), true));
	ck_assert_uint_eq(peek(t.l1, 0), entry(t.data[0], RO | PTE_DIRTY | PTE_ACCESSED));
	OK(table_entry_update(a, a, slot(t.l1, 0), entry(t.data[1], RO), true));
	ck_assert_uint_eq(peek(t.l1, 0), entry(t.data[1], RO | PTE_DIRTY | PTE_ACCESSED));
	OK(table_entry_update(a, a, slot(t.l1, 0), 0, true));
	ck_assert_uint_eq(peek(t.l1, 0), 0);
}
END_TEST

START_TEST(upper_entries)
{
	mfn_t l1 = take(a), l2 = take(a);
	poke(l1, 3, entry(t.data[3], RW));
	REFUSED(set(t.l2, 5, entry(t.data[0], RW)), EBUSY);		/* writable somewhere */
	REFUSED(set(t.l2, 5, entry(l1, RW | PTE_PSE)), EINVAL);
	REFUSED(set(t.l2, 5, entry(t.l3, RW)), EBUSY);
	OK(set(t.l2, 5, entry(l1, PTE_PRESENT | PTE_WRITE | PTE_PCD | PTE_GLOBAL)));
	ck_assert_uint_eq(peek(t.l2, 5), entry(l1, RW));
	OK(set(t.l2, 5, entry(l1, RO | PTE_NX | PTE_ACCESSED)));
	ck_assert_uint_eq(frame_type_count_now(frame_of(l1)), 1);
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.data[3])), 2);
	OK(set(t.l3, 8, entry(l2, RW)));
	OK(set(l2, 1, entry(l1, RW)));
	ck_assert_uint_eq(frame_type_count_now(frame_of(l1)), 2);
	OK(set(t.l3, 8, 0));
	OK(owner_run_pending(a));
	OK(set(t.l2, 5, 0));
	OK(owner_run_pending(a));
	ck_assert_int_eq(frame_type_now(frame_of(l1)), FT_NONE);
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.data[3])), 1);
	/* L4: ours are not the guest's. */
	REFUSED(set(t.l4, 256, 0), EPERM);
	REFUSED(set(t.l4, 271, entry(t.l3, RW)), EPERM);
	OK(set(t.l4, 272, entry(t.l3, RW)));
	OK(set(t.l4, 255, entry(t.l3, RW)));
	REFUSED(set(t.l4, 1, entry(t.l2, RW)), EBUSY);
	REFUSED(set(t.l4, 1, 9ull << 12), EINVAL);
	REFUSED(table_entry_update(c, a, slot(t.l4, 1), 0, false), EPERM);
}
END_TEST

START_TEST(preempted_upper_update)
{
	struct tree u = tree_build(a);
	table_slice = 100;
	preempt_every(1);
	poke(u.l1, 8, entry(u.l1, RO));
	ck_assert_int_eq(UNTIL_DONE(set(t.l4, 9, entry(u.l3, RW))), 0);
	ck_assert_int_eq(UNTIL_DONE(set(t.l4, 10, entry(u.l3, RW))), 0);
	ck_assert_uint_gt(preemptions, 5);
	OK(set(t.l4, 9, 0));
	ck_assert(!owner_has_pending(a));
	OK(set(t.l4, 10, 0));
	ck_assert(owner_has_pending(a));
	FAILS(set(t.l1, 100, entry(u.l1, RW)), EBUSY);
	ck_assert_int_eq(UNTIL_DONE(owner_run_pending(a)), 0);
	OK(set(t.l1, 100, entry(u.l1, RW)));
}
END_TEST

START_TEST(plain_frames)
{
	mfn_t m = take(a);
	OK(set(m, 3, 0x1234567));
	ck_assert_uint_eq(peek(m, 3), 0x1234567);
	OK(set(t.data[0], 511, 0xabc));			/* mapped writable: the guest could itself */
	ck_assert_uint_eq(peek(t.data[0], 511), 0xabc);
	struct frame *f;
	ck_assert_int_eq(frame_get_with_type(a, m, FT_SEGDESC, &f), 0);
	ck_assert_int_eq(set(m, 3, 0), -EBUSY);
	frame_put_with_type(f);
	world_check();
}
END_TEST

START_TEST(by_virtual_address)
{
	OK(table_va_update(a, a, t.l4, gva(0x2000), entry(t.data[0], RO)));
	ck_assert_uint_eq(peek(t.l1, 2), entry(t.data[0], RO));
	OK(table_va_update(a, a, t.l4, gva(0x2fff), 0));
	REFUSED(table_va_update(a, a, t.l4, gva(0x40000000), 0), EINVAL);
	REFUSED(table_va_update(a, a, t.l4, gva(HV_VIRT_START), 0), EINVAL);
	REFUSED(table_va_update(a, a, t.l4, gva(1ull << 50), 0), EINVAL);
	REFUSED(table_va_update(a, a, t.l3, gva(0), 0), EINVAL);
	REFUSED(table_va_update(b, b, t.l4, gva(0), 0), EINVAL);
	REFUSED(table_va_update(a, a, mfn(100000), gva(0), 0), EINVAL);
	REFUSED(table_va_update(a, b, t.l4, gva(0x2000), entry(t.data[0], RO)), EPERM);
	uint64_t pte;
	unsigned level;
	OK(table_walk(t.l4, gva(0x1008), &pte, &level));
	ck_assert_uint_eq(level, 1);
	ck_assert_uint_eq(pte, entry(t.data[1], RW));
	OK(table_walk(t.l4, gva(0x40000000), &pte, &level));
	ck_assert_uint_eq(level, 3);
	ck_assert_uint_eq(pte, 0);
	FAILS(table_walk(t.l4, gva(HV_VIRT_START), &pte, &level), EFAULT);
	FAILS(table_walk(mfn(100000), gva(0), &pte, &level), EFAULT);
}
END_TEST

START_TEST(compare_and_exchange)
{
	uint64_t e = entry(t.data[0], RO);
	mfn_t plain = take(a);
	REFUSED(table_entry_cas(a, slot(t.l1, 0), &e, 0), EAGAIN);
	ck_assert_uint_eq(e, entry(t.data[0], RW));
	OK(table_entry_cas(a, slot(t.l1, 0), &e, entry(t.data[1], RO)));
	ck_assert_uint_eq(peek(t.l1, 0), entry(t.data[1], RO));
	e = peek(t.l2, 0);
	REFUSED(table_entry_cas(a, slot(t.l2, 0), &e, 0), EINVAL);
	e = 0;
	REFUSED(table_entry_cas(a, slot(plain, 0), &e, 1), EINVAL);
	REFUSED(table_entry_cas(b, slot(t.l1, 0), &e, 1), EINVAL);
	REFUSED(table_entry_cas(a, slot(t.l1, 40), &e, entry(t.l4, RW)), EBUSY);
}
END_TEST

/* The CPU sets a bit of the entry between the look at it and the exchange: nothing that was taken for the new value
 * stays. */
static uint64_t *touched;
static void cpu_touches(enum host_point why)
{
	if (why == POINT_STEP)
		*touched |= PTE_ACCESSED;
}

START_TEST(exchange_lost_to_the_cpu)
{
	mfn_t fresh = take(a);
	uint64_t e = peek(t.l1, 0);
	ck_assert_uint_eq(e & PTE_ACCESSED, 0);
	touched = (uint64_t *)host_frame(t.l1);
	host_yield_hook = cpu_touches;
	int rc = table_entry_cas(a, slot(t.l1, 0), &e, entry(fresh, RW));
	host_yield_hook = NULL;
	ck_assert_int_eq(rc, -EAGAIN);
	world_check();
	ck_assert_uint_eq(e, peek(t.l1, 0));
	OK(table_entry_cas(a, slot(t.l1, 0), &e, entry(fresh, RW)));
}
END_TEST

START_TEST(control_domain_rights)
{
	struct tree u = tree_build(c);
	OK(frame_pin(c, u.l4, FT_L4));
	maddr_t at = slot(u.l1, 50);
	OK(table_entry_update(c, c, at, entry(mfn(0xfee00), RW | PTE_PCD), false));
	ck_assert_uint_eq(peek(u.l1, 50), entry(mfn(0xfee00), RW | PTE_PCD));
	ck_assert_int_eq(table_protect_mmio(mfn(0xfec00)), 0);
	OK(table_entry_update(c, c, at, entry(mfn(0xfec00), RW | PTE_PCD), false));
	ck_assert_uint_eq(peek(u.l1, 50), entry(mfn(0xfec00), RO | PTE_PCD));
	OK(table_entry_update(c, c, at, entry(u.data[0], RW | PTE_PWT), false));	/* own RAM, any cache type */
	ck_assert_uint_eq(peek(u.l1, 50), entry(u.data[0], RW | PTE_PWT));
	FAILS(table_entry_update(c, c, at, entry(t.data[0], RW), false), EPERM);	/* not named as foreign */
	OK(table_entry_update(c, a, at, entry(t.data[0], RW | PTE_PCD), false));
	ck_assert_uint_eq(peek(u.l1, 50), entry(t.data[0], RW));			/* theirs: write-back */
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.data[0])), 2);
	FAILS(table_entry_update(c, a, at, entry(t.l1, RW), false), EBUSY);
	FAILS(table_entry_update(c, a, at, entry(mfn(0xfee00), RW), false), EPERM);
	FAILS(table_entry_update(c, a, slot(u.l2, 50), entry(t.l1, RW), false), EPERM);
	FAILS(table_entry_update(c, c, at, entry(mfn(0), RO), false), EPERM);
	OK(table_entry_update(c, c, at, 0, false));
	OK(table_entry_update(c, a, at, entry(t.l1, RO), false));			/* reading is fine */
	/* RAM that the frame table does not know is ours, not a device. */
	ck_assert_int_eq(machine_range_add(&machine, 0x40000000, 0x1000, RANGE_RAM), 0);
	FAILS(table_entry_update(c, c, slot(u.l1, 60), entry(mfn(0x40000), RO), false), EPERM);
	machine.range_count = 0;
}
END_TEST

/* What the guest sees through its tables is what the updates say, and its CPU sets A and D. */
START_TEST(the_guest_runs_on_it)
{
	uint64_t v;
	cpu_run(0, a, t.l4);
	ck_assert_uint_eq(host_guest_store(0, 0x1010, 77), 0);
	ck_assert_uint_eq(peek(t.data[1], 2), 77);
	ck_assert_uint_eq(peek(t.l1, 1) & 0x60, 0x60);
	ck_assert_uint_eq(host_guest_store(0, 0x7000, 1), HOST_FAULT | FAULT_PRESENT | FAULT_WRITE | FAULT_USER);
	ck_assert_uint_eq(host_guest_load(0, 0x7008, &v), 0);
	ck_assert_uint_eq(v, peek(t.l1, 1));
	ck_assert_uint_eq(host_guest_load(0, HV_VIRT_START, &v) & HOST_FAULT, HOST_FAULT);
	ck_assert_uint_eq(host_guest_load(0, 0x8000, &v), HOST_FAULT | FAULT_USER);
	char bytes[16] = "0123456789abcde", back[16] = "";
	ck_assert_uint_eq(cpu_guest_write(gva(0x1ff8), bytes, 16), 0);		/* two pages */
	ck_assert_uint_eq(cpu_guest_read(back, gva(0x1ff8), 16), 0);
	ck_assert_str_eq(back, bytes);
	ck_assert_uint_eq(cpu_guest_write(gva(0x3ff8), bytes, 16), 8);		/* the second is read-only */
	world_check();
}
END_TEST

CHECK_MAIN("update", setup, NULL, leaf_entries, refused_entries, soft_bits_and_narrowing,
	   preserving_accessed_and_dirty, upper_entries, preempted_upper_update, plain_frames,
	   by_virtual_address, compare_and_exchange, exchange_lost_to_the_cpu,
	   control_domain_rights, the_guest_runs_on_it)
