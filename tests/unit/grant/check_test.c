/* Statements I7, I8 and I9 of the audit, as far as they are the grant layer's: each is broken in turn, by hand. */
#include <string.h>
#include "hv/grant/table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/grant/grants.h"

static struct gnttab_map_grant_ref host_rw, host_ro, device_rw;

static struct track *track(uint32_t handle)
{
	return paged_at(&mapper->grants->tracks, handle);
}

static struct active *active(uint32_t ref)
{
	return paged_at(&granter->grants->active, ref);
}

static void setup(void)
{
	world();
	for (uint32_t ref = 10; ref < 13; ref++)
		grant(ref, space_page(gs, ref - 9), GTF_permit_access);
	host_rw = map(10, VA(100), GNTMAP_host_map);
	host_ro = map(11, VA(101), GNTMAP_host_map | GNTMAP_readonly);
	device_rw = map(12, 0, GNTMAP_device_map);
	struct gnttab_map_grant_ref gone = map(12, 0, GNTMAP_device_map);
	REQUIRE(host_rw.status == 0 && host_ro.status == 0 && device_rw.status == 0 && gone.status == 0);
	REQUIRE(unmap(0, gone.dev_bus_addr, gone.handle) == 0);	/* a free handle between */
	REQUIRE(!grant_check());
}

static void says(const char *what)
{
	const char *said = grant_check();
	ck_assert_msg(said && strstr(said, what), "the check says '%s', not '%s'", said ? said : "nothing", what);
	ck_assert_ptr_nonnull(frame_audit());	/* it is part of the audit */
}
#define BROKEN_BY(lvalue, value, what) do { \
	__typeof__(lvalue) was_ = (lvalue); \
	(lvalue) = (__typeof__(lvalue))(value); \
	says(what); \
	(lvalue) = was_; \
	AUDIT(); \
} while (0)

START_TEST(handles)
{
	uint32_t unused = 3;
	ck_assert_uint_eq(track(unused)->flags, 0);
	BROKEN_BY(track(unused)->granter, granter, "free handle is not empty");
	BROKEN_BY(track(unused)->slot.a, 0x1000, "free handle is not empty");
	BROKEN_BY(track(host_rw.handle)->flags, TRACK_READONLY, "has no half");
	BROKEN_BY(track(host_rw.handle)->granter, NULL, "has no half");
	BROKEN_BY(track(device_rw.handle)->ref, 13, "without a pin");
	BROKEN_BY(track(device_rw.handle)->ref, 20000, "without a pin");	/* its page was never made */
	BROKEN_BY(track(device_rw.handle)->flags, TRACK_DEVICE | TRACK_READONLY, "without a pin");
	BROKEN_BY(track(host_ro.handle)->flags, TRACK_HOST, "without a pin");
}
END_TEST

START_TEST(pins)
{
	BROKEN_BY(active(10)->writers, 2, "not the sum");
	BROKEN_BY(active(10)->readers, 1, "not the sum");
	BROKEN_BY(active(12)->writers, 0, "without a pin");
	BROKEN_BY(active(12)->domid, 0, "it was not made to");
	BROKEN_BY(active(511)->readers, 1, "not the sum");	/* nobody maps it */
}
END_TEST

START_TEST(entries)
{
	uint64_t *rw = (uint64_t *)host_frame(ms.l1) + 100, *ro = rw + 1;
	BROKEN_BY(*rw, *rw & ~PTE_WRITE, "I9");
	BROKEN_BY(*ro, *ro | PTE_WRITE, "I9");
	BROKEN_BY(*rw, *rw + PAGE_SIZE, "I9");
	BROKEN_BY(rw[50], *ro, "I7");		/* a grant entry nobody knows of */
	BROKEN_BY(mapper->grants, NULL, "I7");	/* nor can know of */
	/* One that is gone leaves its handle; but it must have let go of what it held. */
	uint64_t was_rw = *rw, gone[] = { was_rw & ~PTE_PRESENT, was_rw & ~PTE_GRANT, 0 };
	for (unsigned i = 0; i < 3; i++) {
		*rw = gone[i];
		ck_assert_ptr_null(grant_check());
		ck_assert_ptr_nonnull(frame_audit());
	}
	*rw = was_rw;
	/* Of several handles of one entry, it is one's. */
	struct track *twin = track(3), twin_was = *twin;
	*twin = *track(host_ro.handle);
	twin->slot = track(host_rw.handle)->slot;
	twin->flags = TRACK_HOST | TRACK_READONLY;
	active(11)->readers = 2;
	frame_of(space_page(gs, 2))->refs++;
	AUDIT();
	*rw &= ~PTE_WRITE;			/* neither's: it is the other frame that may only be read */
	says("I9");
	*rw = was_rw;
	frame_of(space_page(gs, 2))->refs--;
	active(11)->readers = 1;
	*twin = twin_was;
	/* A frame that is no RAM has no entries, whatever its record says. */
	struct frame *hole = frame_of(mfn(5)), record = *hole;
	hole->owner = 0xffff;
	ck_assert_ptr_null(grant_check());
	*hole = record;
	/* Not below the cursor of a table on its way: no entry. */
	struct frame *l1 = frame_of(ms.l1);
	struct frame was = *l1;
	rw[50] = *ro;
	l1->type |= 1ull << 54;
	l1->cursor = 150;
	ck_assert_ptr_null(grant_check());
	l1->cursor = 151;
	says("I7");
	*l1 = was;
	rw[50] = 0;
	AUDIT();
}
END_TEST

/* The first domain with something broken is told, though others come behind. */
START_TEST(one_of_several)
{
	BROKEN_BY(active(10)->writers, 9, "not the sum");
	active(10)->writers = active(11)->readers = 7;
	says("not the sum");
	active(10)->writers = active(11)->readers = 1;
	AUDIT();
	struct grant_table *was = granter->grants;
	struct domain *zero = domain_find(0);
	struct grant_table *none = zero->grants;
	zero->grants = NULL;			/* one that is being made or taken down */
	AUDIT();
	zero->grants = none;
	domain_put(zero);
	ck_assert_ptr_eq(granter->grants, was);
}
END_TEST

CHECK_MAIN("grant check", setup, NULL, handles, pins, entries, one_of_several)
