/* Random operations of two domains that grant to each other; the audit judges after each. */
#include "tests/unit/check_main.h"
#include "tests/unit/grant/grants.h"

static struct dice {
	struct domain *dom[2];
	struct space space[2];
	uint64_t seed;
	unsigned me, who;		/* caller; the other side, perhaps itself */
	uint64_t mapped_at[2][256];	/* by handle, what a well-behaved guest would remember */
} dice;

static unsigned roll(unsigned sides)
{
	dice.seed = dice.seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(dice.seed >> 33) % sides;
}

static mfn_t some_page(unsigned side)
{
	return space_page(dice.space[side], 1 + roll(8));
}

static void roll_entry(void)
{
	struct grant_entry_v1 e = {.flags = GTF_permit_access, .domid = dice.dom[dice.who]->id};
	e.frame = (uint32_t)some_page(dice.me).n;
	if (roll(4) == 0)
		e.flags |= GTF_readonly;
	if (roll(4) == 0)		/* garbage */
		e = (struct grant_entry_v1){(uint16_t)roll(65536), (domid_t)roll(4), roll(1024)};
	*entry(dice.dom[dice.me], roll(16)) = e;
}

static void roll_map(void)
{
	struct gnttab_map_grant_ref op = {.host_addr = VA(16 + roll(32)), .flags = roll(8)};
	op.ref = roll(16);
	op.dom = dice.dom[dice.who]->id;
	grant_map(dice.dom[dice.me]->vcpu[0], &op);
	if (op.status == GNTST_okay && op.handle < 256)
		dice.mapped_at[dice.me][op.handle] = op.host_addr;
}

static void roll_unmap(void)
{
	struct grant_unmap_batch b = {.n = 0};
	for (unsigned n = 1 + roll(3); n > 0; n--) {
		struct gnttab_unmap_grant_ref op = {.handle = roll(24)};
		if (roll(3))
			op.host_addr = dice.mapped_at[dice.me][op.handle];
		if (roll(8) == 0)
			op.host_addr = VA(16 + roll(32));
		if (roll(2))
			op.dev_bus_addr = mfn_to_maddr(some_page(dice.who)).a;
		grant_unmap(dice.dom[dice.me], &op, &b);
		AUDIT();
	}
	grant_unmap_finish(dice.dom[dice.me], &b);
}

/* What a guest may do by itself: to an entry, or to the whole table, which it has to clean before it links it again. */
static void roll_forget(void)
{
	struct owner *o = &dice.dom[dice.me]->mem;
	struct space s = dice.space[dice.me];
	const uint64_t vals[] = {0, 0, 0x62, pte_make(some_page(dice.me), PTE_PRESENT | PTE_WRITE)};
	maddr_t at = maddr(mfn_to_maddr(s.l1).a + (16 + roll(32)) * 8), link = mfn_to_maddr(s.l2);
	if (roll(8)) {
		REQUIRE(table_entry_update(o, o, at, vals[roll(4)], false) == 0);
		return;
	}
	REQUIRE(table_entry_update(o, o, link, 0, false) == 0);
	REQUIRE(owner_run_pending(o) == 0);
	AUDIT();
	for (unsigned i = roll(3); i > 0; i--)
		roll_unmap();
	for (unsigned i = 16; i < 48; i++)
		entry_poke(s.l1, i, 0);
	REQUIRE(table_entry_update(o, o, link, pte_make(s.l1, PTE_PRESENT | PTE_WRITE), false) == 0);
}

static void roll_side(struct gnttab_copy_ptr *p, bool is_grant)
{
	p->u.gmfn = is_grant ? roll(16) : some_page(roll(2)).n;
	p->domid = is_grant ? dice.dom[dice.who]->id : DOMID_SELF;
}

static void roll_copy(void)
{
	struct gnttab_copy op = {.len = 64, .flags = (uint16_t)roll(4)};
	roll_side(&op.source, op.flags & GNTCOPY_source_gref);
	roll_side(&op.dest, op.flags & GNTCOPY_dest_gref);
	grant_copy(dice.dom[dice.me], &op);
}

START_TEST(random_operations)
{
	static void (*const act[])(void) = {
		roll_entry, roll_entry, roll_map, roll_map, roll_map, roll_unmap, roll_unmap, roll_copy, roll_forget};
	world();
	dice = (struct dice){.dom = {granter, mapper}, .space = {gs, ms}, .seed = 7};
	for (unsigned n = 0; n < 6000; n++) {
		dice.me = roll(2);
		dice.who = roll(2);
		host_cpu_select(0);
		act[roll(ARRAY_COUNT(act))]();
		AUDIT();
	}
	domain_end(granter);
	AUDIT();
	domain_end(mapper);
	AUDIT();
	machine_settle();
	ck_assert_ptr_null(domain_find(1));
	ck_assert_ptr_null(domain_find(2));
}
END_TEST

CHECK_MAIN("grant_random", NULL, NULL, random_operations)
