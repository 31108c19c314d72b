/* The oracle speaks up: the audit is shown a sound machine, then the same with one thing changed that no operation
 * would leave so, and must name the statement that is broken. Then all is as it was, and it is content again. */
#include <string.h>
#include "tests/unit/mem/world.h"

#define FRAMES 256u
#define BIT_ALLOCATED	(1ull << 63)
#define BIT_BUSY	(1ull << 53)
#define BIT_PARTIAL	(1ull << 54)
#define BIT_HOLDS	(1ull << 55)
#define BIT_TOP		(1ull << 57)
#define BIT_QUEUED	(1ull << 58)
#define BIT_PINNED	(1ull << 59)
#define TYPE(t, n)	((uint64_t)(t) << 48 | (n))

static struct owner *alice = &domain[ALICE], *bob = &domain[BOB], *ctrl = &domain[CTRL];
static struct tree at, bt, ct;
static mfn_t free_frame;

static void setup(void)
{
	world_start(2, FRAMES);
	at = tree_build(alice);
	bt = tree_build(bob);
	ct = tree_build(ctrl);
	cpu_run(0, alice, at.l4);
	OK(frame_pin(bob, bt.l4, FT_L4));
	OK(frame_pin(ctrl, ct.l4, FT_L4));
	free_frame = mfn(1);
	while (frame_of(free_frame)->refs)
		free_frame.n++;
}

static void sees(const char *what)
{
	const char *said = frame_audit();
	ck_assert_msg(said && strstr(said, what), "the audit says '%s', not '%s'", said ? said : "nothing", what);
}

/* Change the record of a frame, or an entry, or anything that is a variable, and back. */
#define FRAME_WITH(m, change, what) do { \
	struct frame *f = frame_of(m), was_ = *f; \
	change; \
	sees(what); \
	*f = was_; \
	world_check(); \
} while (0)
#define FRAME_WITH_ONLY(m, change, what) do { \
	struct frame *f = frame_of(m), was_ = *f; \
	change; \
	sees(what); \
	*f = was_; \
} while (0)
#define ENTRY_AS(m, i, value, what) do { \
	uint64_t *p_ = (uint64_t *)host_frame(m) + (i), was_ = *p_; \
	*p_ = (value); \
	sees(what); \
	*p_ = was_; \
	world_check(); \
} while (0)
#define VALUE_AS(variable, value, what) do { \
	__typeof__(variable) was_ = (variable); \
	(variable) = (value); \
	sees(what); \
	(variable) = was_; \
	world_check(); \
} while (0)

START_TEST(entries)
{
	const mfn_t device = mfn(FRAMES + 5);
	ENTRY_AS(at.l1, 100, entry(device, RO), "I6: L1");
	ENTRY_AS(at.l1, 100, entry(at.data[0], RO | PTE_PCD), "not write-back");
	ENTRY_AS(at.l1, 100, entry(bt.data[0], RO | PTE_PCD), "not write-back");
	ENTRY_AS(ct.l1, 100, entry(bt.data[0], RO | PTE_PCD), "not write-back");
	ENTRY_AS(at.l1, 100, entry(bt.data[0], RO), "I7: L1");
	ENTRY_AS(at.l1, 100, entry(at.data[0], 0), "not present, names RAM");
	ENTRY_AS(at.l1, 100, entry(at.data[0], PTE_PRESENT), "has bits");
	ENTRY_AS(at.l1, 100, entry(at.data[0], RO | PTE_GLOBAL), "has bits");
	ENTRY_AS(at.l1, 100, entry(mfn(1ull << 39), RO), "has bits");
	ENTRY_AS(at.l2, 1, entry(at.l1, RW | PTE_PSE), "is a large page");
	ENTRY_AS(at.l2, 1, entry(device, RW), "I6: L2");
	ENTRY_AS(at.l3, 1, entry(bt.l2, RW), "I6: L3");
	ENTRY_AS(at.l4, 1, entry(at.l2, RW), "I1: frame");
	ENTRY_AS(at.l4, HV_L4_FIRST + 3, 0, "not the template's");
	/* The table of a domain that is gone. */
	uint64_t *p = host_frame(at.l1);
	p[100] = entry(device, RO);
	FRAME_WITH_ONLY(at.l1, f->owner = 60, "I6: L");
	p[100] = entry(at.data[0], RO | PTE_PCD);
	FRAME_WITH_ONLY(at.l1, f->owner = 60, "");
	FRAME_WITH_ONLY(at.l1, f->owner = frame_of(at.data[0])->owner = 60, "");
	frame_of(at.data[0])->owner = ALICE;
	p[100] = 0;
	world_check();
	/* What is allowed: device memory and foreign frames of a control domain, but counted. */
	((uint64_t *)host_frame(ct.l1))[100] = entry(device, RO | PTE_PCD);
	world_check();
	ENTRY_AS(ct.l1, 101, entry(bt.data[0], RO), "I1: frame");
	ENTRY_AS(ct.l1, 101, entry(ct.data[0], RO | PTE_PCD), "I1: frame");
}
END_TEST

START_TEST(counts)
{
	FRAME_WITH(at.data[0], f->refs++, "I1: frame");
	FRAME_WITH(at.data[0], f->refs--, "I1: frame");
	FRAME_WITH(at.data[0], f->refs = 0, "I1: frame");
	FRAME_WITH(at.data[0], f->type++, "I2: frame");
	FRAME_WITH(at.data[0], f->type = 0, "used as type 1");
	FRAME_WITH(at.data[0], f->type = TYPE(FT_SEGDESC, 1), "I5: frame");
	FRAME_WITH(at.data[0], f->type = TYPE(FT_SEGDESC, 0), "I3: frame");
	FRAME_WITH(at.data[0], f->type = TYPE(FT_WRITABLE, 100), "I2: frame");
	FRAME_WITH(at.data[0], f->type |= BIT_BUSY, "is busy");
	FRAME_WITH(at.l2, f->type = TYPE(FT_L1, 1), "I3: frame");
	/* A mapping that can write a table. */
	ENTRY_AS(at.l1, 7, entry(at.l1, RW), "I5: frame");
	VALUE_AS(world_held, mfn(FRAMES + 1), "which is not RAM");
	VALUE_AS(world_held, free_frame, "is in use");
	VALUE_AS(world_held, at.data[1], "I1: frame");
}
END_TEST

START_TEST(pins_and_records)
{
	FRAME_WITH(at.data[0], f->type |= BIT_PINNED, "I1: frame");
	FRAME_WITH(at.l1, (f->type |= BIT_PINNED, f->refs++), "I2: frame");
	FRAME_WITH(at.data[0], f->type = BIT_PINNED | TYPE(FT_NONE, 0), "I1: frame");
	FRAME_WITH(bt.l4, f->type &= ~BIT_PINNED, "I1: frame");
	FRAME_WITH(bt.l4, (f->type |= BIT_PARTIAL, f->cursor = 512), "I4: frame");
	FRAME_WITH(at.l4, (f->type = BIT_PARTIAL | TYPE(FT_L4, 2), f->cursor = 512), "I2: frame");
	FRAME_WITH(at.data[0], f->type |= BIT_PARTIAL, "I4: frame");
	FRAME_WITH(at.l1, (f->type |= BIT_PARTIAL, f->cursor = 513), "I4: frame");
	FRAME_WITH(at.l1, f->type |= BIT_HOLDS, "has a record but is not partial");
	FRAME_WITH(at.data[0], (f->type = BIT_PINNED | TYPE(FT_L1, 0), f->refs++), "I3: frame");
}
END_TEST

START_TEST(pins_of_what_is_no_table)
{
	/* A pin that counts fits, but stands on a frame that is no table, or on one that is on its way. */
	FRAME_WITH(at.data[0], (f->type = (f->type + 1) | BIT_PINNED, f->refs++), "pinned, word");
	FRAME_WITH(bt.l4, (f->type |= BIT_PARTIAL, f->cursor = 512), "pinned, word");
}
END_TEST

START_TEST(free_frames)
{
	FRAME_WITH(free_frame, f->refs = 1, "has references");
	FRAME_WITH(free_frame, f->type = TYPE(FT_L1, 1), "has references");
	VALUE_AS(m2p_table[free_frame.n], 5, "has a pseudo-physical number");
	FRAME_WITH(free_frame, f->owner = 0xffff, "I11:");
	FRAME_WITH(free_frame, f->owner = ALICE, "I1: frame");
	/* A hole in the machine, as long as nobody counts it as RAM. */
	struct frame *hole = frame_of(free_frame), was = *hole;
	hole->owner = 0xffff;
	hole->type = TYPE(FT_L1, 1);
	(void)frame_audit_digest();
	sees("I11:");
	*hole = was;
	FRAME_WITH(at.data[0], f->owner = 0xfffe, "I7: ");
}
END_TEST

START_TEST(shared_frames)
{
	mfn_t m;
	ck_assert_int_eq(frame_alloc_shared(alice, &m), 0);
	world_check();
	FRAME_WITH(m, f->type = TYPE(FT_WRITABLE, 0), "I2: frame");
	/* Given back by us, still mapped by somebody. */
	struct frame *f = frame_of(m);
	ck_assert_int_eq(frame_ref(f), 0);
	frame_free_shared(alice, m);
	world_held = m;
	world_check();
	world_held = mfn(0);
	sees("I1: frame");
	frame_put(f);
	world_check();
}
END_TEST

START_TEST(owners)
{
	struct frame *second = frame_of(mfn(frame_of(mfn(alice->first))->next));
	mfn_t plain = take(alice);
	FRAME_WITH(plain, f->owner = 60, "I12: frame");
	FRAME_WITH(plain, f->owner = 0xffff, "I11:");
	FRAME_WITH(plain, f->owner = 1000, "I12: frame");	/* a number that tests do not use */
	VALUE_AS(second->prev, (uint32_t)free_frame.n, "list of domain 1 broken");
	VALUE_AS(second->next, alice->first, "list of domain 1");
	VALUE_AS(second->next, (uint32_t)bt.data[0].n, "list of domain 1 broken");
	VALUE_AS(alice->first, FRAME_NONE, "list of domain 1 has 0 frames");
	FRAME_WITH(at.l1, (f->refs &= ~BIT_ALLOCATED, f->refs--), "released frame");
	FRAME_WITH(at.data[3], (f->refs &= ~BIT_ALLOCATED, f->refs--), "list of domain 1 broken");
	VALUE_AS(alice->frame_count, 3, "I11: domain 1 has");
	VALUE_AS(alice->shared_count, 1, "I11: domain 1 has");
}
END_TEST

START_TEST(pending_tables)
{
	/* Nothing was waited for: the L4 is on its way down, as a top that holds itself. */
	cpu_stop_running(0);
	ck_assert(owner_has_pending(alice));
	world_check();
	VALUE_AS(alice->pending, FRAME_NONE, "not queued, or the reverse");
	VALUE_AS(alice->pending, (uint32_t)at.data[0].n, "pending frame");
	FRAME_WITH(at.l4, f->type &= ~BIT_TOP, "I1: frame");
	FRAME_WITH(at.l4, f->cursor = 0, "I1: frame");
	table_slice = 3;
	preempt_every(1);
	ck_assert_int_eq(owner_run_pending(alice), -ERESTART);
	world_check();
	FRAME_WITH(at.l4, f->type &= ~BIT_QUEUED, "not queued, or the reverse");
	OK(UNTIL_DONE(owner_run_pending(alice)));
}
END_TEST

static const char *complaint;

static const char *complains(void)
{
	return complaint;
}

/* As many layers as there is room for. The world has one of each itself. */
#define LAYERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define LAYER(n) \
	static void enumerates_##n(audit_add_fn *add) { (void)add; } \
	static const char *checks_##n(void) { return NULL; }
LAYERS(LAYER)

static void layers_register(unsigned enumerators, unsigned checks)
{
#define ENUMERATES(n) enumerates_##n,
#define CHECKS(n) checks_##n,
	static void (*const enumerate[])(audit_add_fn *add) = { LAYERS(ENUMERATES) };
	static const char *(*const check[])(void) = { LAYERS(CHECKS) };
	for (unsigned i = 0; i < enumerators; i++)
		audit_register(enumerate[i]);
	for (unsigned i = 0; i < checks; i++)
		audit_register_check(check[i]);
}

START_TEST(other_layers)
{
	audit_register_check(complains);
	audit_register_check(complains);
	world_check();
	VALUE_AS(complaint, "I99: it rains", "I99: it rains");
	/* The first that is broken is told. */
	complaint = "I99: it rains";
	FRAME_WITH(at.data[0], (complaint = NULL, f->refs++), "I1: frame");
	layers_register(7, 6);
	layers_register(7, 6);
	world_check();
}
END_TEST

START_TEST(ninth_enumerator_panics)
{
	layers_register(8, 0);
}
END_TEST

START_TEST(ninth_check_panics)
{
	layers_register(0, 8);
}
END_TEST

START_TEST(digest)
{
	uint64_t was = frame_audit_digest();
	struct frame *f = frame_of(at.data[0]);
	ck_assert_uint_eq(frame_audit_digest(), was);
	f->refs++;
	ck_assert_uint_ne(frame_audit_digest(), was);
	f->refs--;
	((uint64_t *)host_frame(at.l1))[0] |= PTE_ACCESSED | PTE_DIRTY;	/* the CPU's own, at any time */
	ck_assert_uint_eq(frame_audit_digest(), was);
	((uint64_t *)host_frame(at.l1))[0] ^= PTE_AVAIL;
	ck_assert_uint_ne(frame_audit_digest(), was);
	((uint64_t *)host_frame(at.l1))[0] ^= PTE_AVAIL;
	ck_assert_uint_eq(frame_audit_digest(), was);
	cpu_stop_running(0);
	uint64_t down = frame_audit_digest();
	ck_assert_uint_ne(down, was);
	frame_of(at.l4)->cursor--;
	ck_assert_uint_ne(frame_audit_digest(), down);
	frame_of(at.l4)->cursor++;
}
END_TEST

/* A machine too large for the oracle is not judged; the tests that need it say so themselves. */
START_TEST(machine_too_large)
{
	world_start(1, AUDIT_FRAMES_MAX + 1);
	mfn_t m = take(alice);
	frame_of(m)->refs++;
	ck_assert_ptr_null(frame_audit());
}
END_TEST

/* Tests of small geometry: the audit looks at as many entries as tables have. */
START_TEST(small_tables)
{
	table_entries = 16;
	world_check();
	ENTRY_AS(at.l1, 15, entry(bt.data[0], RO), "I7: L1");
	((uint64_t *)host_frame(at.l1))[16] = entry(bt.data[0], RO);
	world_check();
	((uint64_t *)host_frame(at.l1))[16] = 0;
	table_entries = 512;
	table_hv_slots = NULL;
	sees("not the template's");
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, NULL, entries, counts, pins_and_records,
			      pins_of_what_is_no_table, free_frames, shared_frames, owners,
			      pending_tables, other_layers, digest, machine_too_large,
			      small_tables);
	tcase_add_exit_test(c, ninth_enumerator_panics, 70);
	tcase_add_exit_test(c, ninth_check_panics, 70);
	return check_run("audit", c);
}
