/* The fuzzer's reference model by itself: sequences with answers known from the ABI's headers,
 * told to it as if a core had given them. Right answers must pass, wrong ones must not: a model
 * that agrees with everything shows nothing. */
#include <stdlib.h>
#include "protocol/grant_table.h"
#include "tests/fuzz/model/state.h"
#include "tests/unit/check_main.h"

#define RW (E_PRESENT | E_WRITE)

static struct model *m;

/* There is no core to compare with. */
const char *model_compare(struct model *model)
{
	return model->wrong;
}

static void birth(unsigned slot, uint16_t id, uint64_t first)
{
	struct model_domain d = { .slot = slot,
		.id = id,
		.home = first,
		.shared_info = first + 1,
		.grant_frame = first + 2,
		.frame_max = 14 };
	for (unsigned i = 0; i < POOL; i++)
		d.pool[i] = i < 10 ? first + 3 + i : NO_FRAME;
	model_birth(m, &d);
}

/* Domain 0 has frames 10 to 22, domain 1 frames 30 to 42: home, shared_info, grant frame, ten of
 * the pool. */
static void setup(void)
{
	const struct model_limits l = { .frames = 64, .entries = 8, .count_limit = 1ull << 40 };
	m = malloc(model_size());
	ck_assert_ptr_nonnull(m);
	model_start(m, &l);
	birth(0, 0, 10);
	birth(1, 1, 30);
	ck_assert_ptr_null(m->wrong);
}

static void teardown(void)
{
	free(m);
}

static const char *told(struct act a, struct outcome o)
{
	o.ran = true;
	return model_apply(m, &a, &o);
}

#define ACT_ON(k, s, d, ...)                                                                       \
	((struct act){ .kind = OP_##k, .slot = (uint8_t)(s), .domid = (uint16_t)(d), __VA_ARGS__ })
#define ACT(k, s, ...) ACT_ON(k, s, DOMID_SELF, __VA_ARGS__)
/* The answer that is right, and one that is not. */
#define ANSWERS(want, a)                                                                           \
	do {                                                                                       \
		const struct act act_ = (a);                                                       \
		bool counts_ = act_.kind <= OP_SET_LDT && act_.kind != OP_VA_UPDATE &&             \
			       act_.kind != OP_M2P;                                                \
		struct outcome o_ = { .rc = (want), .done = counts_ && (want) == 0 };              \
		const char *wrong_ = told(act_, o_);                                               \
		ck_assert_msg(!wrong_, "line %d: %s", __LINE__, wrong_);                           \
	} while (0)
#define REFUSES(answer, a)                                                                         \
	ck_assert_ptr_nonnull(told((a), (struct outcome){ .rc = (answer), .done = (answer) == 0 }))
#define STATUS(want, a)                                                                            \
	do {                                                                                       \
		const char *wrong_ = told((a), (struct outcome){ .status = (want) });              \
		ck_assert_msg(!wrong_, "line %d: %s", __LINE__, wrong_);                           \
	} while (0)

static struct act update(
	unsigned slot, uint64_t table, unsigned index, uint64_t frame, uint64_t flags)
{
	return ACT(UPDATE, (uint8_t)slot, .m = table, .index = index, .val = frame << 12 | flags);
}

/* Domain 1: tables 34, 35, 36, 37 from L4 to L1, which maps 38 writable at its first entry. */
static void tree(void)
{
	for (uint64_t f = 34; f < 38; f++)
		ANSWERS(0, update(1, f, 0, f + 1, RW));
	ANSWERS(0, ACT(BASE, 1, .m = 34));
}

START_TEST(a_writable_frame_is_no_table)
{
	tree();
	ANSWERS(M_EBUSY, ACT(PIN, 1, .m = 38, .n = 0));
	ANSWERS(0, update(1, 37, 0, 38, E_PRESENT));
	ANSWERS(0, ACT(PIN, 1, .m = 38, .n = 0));
	ANSWERS(M_EBUSY, update(1, 37, 0, 38, RW));
	ANSWERS(M_EBUSY, ACT(CLEAR, 1, .m = 38));
	ANSWERS(M_EBUSY, ACT(DESCRIPTOR, 1, .m = 38));
	ANSWERS(0, ACT(DECREASE, 1, .m = 38));
}
END_TEST

START_TEST(a_table_never_gets_a_writable_mapping)
{
	tree();
	for (uint64_t f = 34; f < 38; f++) {
		ANSWERS(M_EBUSY, update(1, 37, 1, f, RW));
		ANSWERS(0, update(1, 37, 1, f, E_PRESENT));
	}
	ANSWERS(0, ACT(BASE, 1, .m = 30));
	ANSWERS(0, ACT(PIN, 1, .m = 39, .n = 3));
	ANSWERS(0, update(1, 35, 1, 34, RW));
}
END_TEST

START_TEST(levels_and_owners)
{
	tree();
	ANSWERS(M_EBUSY, update(1, 34, 1, 37, RW));
	ANSWERS(M_EBUSY, update(1, 35, 1, 35, RW));
	ANSWERS(M_EPERM, update(1, 37, 1, 13, E_PRESENT));
	ANSWERS(M_EPERM, update(1, 37, 1, 64 + 16, E_PRESENT));
	ANSWERS(M_EINVAL, update(1, 36, 1, 39, RW | E_PSE));
	ANSWERS(M_EPERM, ACT(PIN, 1, .m = 13));
	ANSWERS(M_EINVAL, ACT(UNPIN, 1, .m = 34));
	ANSWERS(M_EPERM, ACT_ON(UPDATE, 1, 0, .m = 37, .val = 13ull << 12 | 1));
	ANSWERS(0, ACT(PIN, 0, .m = 13, .n = 0));
	ANSWERS(0, ACT_ON(UPDATE, 0, 1, .m = 13, .val = 33ull << 12 | RW));
	ANSWERS(M_EBUSY, ACT(PIN, 1, .m = 33, .n = 0));
	REFUSES(0, update(1, 37, 1, 13, E_PRESENT));
}
END_TEST

START_TEST(entries_that_are_not_present)
{
	tree();
	ANSWERS(M_EINVAL, update(1, 37, 1, 5, 0));
	ANSWERS(M_EINVAL, update(1, 36, 1, 63, 0));
	ANSWERS(0, update(1, 37, 1, 64, 0));
	ANSWERS(0, update(1, 37, 1, 0, 0));
	REFUSES(M_EINVAL, update(1, 37, 1, 0, 0));
}
END_TEST

START_TEST(pins)
{
	tree();
	ANSWERS(0, ACT(PIN, 1, .m = 34, .n = 3));
	ANSWERS(M_EINVAL, ACT(PIN, 1, .m = 34, .n = 3));
	ANSWERS(M_EBUSY, ACT(PIN, 1, .m = 34, .n = 2));
	ANSWERS(0, ACT(BASE, 1, .m = 30));
	ANSWERS(M_EBUSY, ACT(CLEAR, 1, .m = 37));
	ANSWERS(0, ACT(UNPIN, 1, .m = 34));
	for (uint64_t f = 34; f < 39; f++)
		ANSWERS(0, ACT(CLEAR, 1, .m = f));
	ANSWERS(M_EINVAL, ACT(UNPIN, 1, .m = 34));
}
END_TEST

START_TEST(a_tree_with_a_fault_is_refused_whole)
{
	ANSWERS(0, update(1, 35, 0, 36, RW));
	ANSWERS(0, update(1, 36, 0, 37, RW));
	ANSWERS(0, update(1, 37, 0, 13, RW));
	ANSWERS(M_EINVAL, ACT(PIN, 1, .m = 35, .n = 2));
	ANSWERS(0, ACT(CLEAR, 1, .m = 37));
	ANSWERS(0, ACT(PIN, 1, .m = 35, .n = 2));
	ANSWERS(M_EBUSY, ACT(CLEAR, 1, .m = 37));
}
END_TEST

static struct act grant(unsigned slot, unsigned domid, uint64_t frame, unsigned how)
{
	return ACT_ON(GRANT, slot, domid, .ref = 3, .m = frame, .n = (uint8_t)how);
}

static struct act map(unsigned flags, unsigned index)
{
	return ACT_ON(GRANT_MAP_PTE, 1, 0, .ref = 3, .m = 37, .index = index, .n = (uint8_t)flags,
		.host_addr = 37ull << 12 | index * 8);
}

START_TEST(grants_need_permission)
{
	tree();
	STATUS(GNTST_general_error, map(0, 1));
	STATUS(GNTST_okay, grant(0, 1, 14, GRANT_RO));
	STATUS(GNTST_general_error, map(0, 1));
	STATUS(GNTST_okay, map(MAP_READONLY, 1));
	ANSWERS(M_EPERM, update(1, 37, 2, 14, E_PRESENT));
	STATUS(GNTST_okay, grant(0, 2, 14, GRANT_RW));
	STATUS(GNTST_general_error, map(0, 2));
	STATUS(GNTST_bad_virt_addr, ACT(GRANT_UNMAP, 1, .host_addr = 8));
	STATUS(GNTST_okay, ACT(GRANT_UNMAP, 1, .host_addr = 37ull << 12 | 8));
	STATUS(GNTST_bad_handle, ACT(GRANT_UNMAP, 1, .host_addr = 37ull << 12 | 8));
	ck_assert_ptr_nonnull(told(map(0, 2), (struct outcome){ .status = GNTST_okay }));
}
END_TEST

/* The entry of a mapping is its guest's to replace, and its handle stays; where it was something else may be by then. */
START_TEST(grants_whose_entry_is_gone)
{
	const struct act unmap = ACT(GRANT_UNMAP, 1, .host_addr = 37ull << 12 | 8);
	tree();
	STATUS(GNTST_okay, grant(0, 1, 14, GRANT_RW));
	STATUS(GNTST_okay, map(0, 1));
	STATUS(GNTST_general_error, map(0, 1));
	ANSWERS(0, update(1, 37, 1, 38, E_PRESENT));
	STATUS(GNTST_okay, unmap);
	ck_assert_uint_eq(words(m, 37)[1], 38 << 12 | E_PRESENT | E_USER);
	ANSWERS(0, update(1, 37, 1, 0, 0));
	STATUS(GNTST_okay, map(0, 1));
	ANSWERS(0, update(1, 37, 1, 0, 0));
	STATUS(GNTST_okay, unmap);
	STATUS(GNTST_bad_virt_addr, ACT_ON(GRANT_MAP_PTE, 1, 0, .ref = 3, .m = 38, .index = 1, .host_addr = 38ull << 12 | 8));
	STATUS(GNTST_bad_virt_addr, ACT_ON(GRANT_MAP_PTE, 1, 0, .ref = 3, .m = 37, .index = 1, .host_addr = 37ull << 12 | 12));
	STATUS(GNTST_bad_virt_addr, ACT_ON(GRANT_MAP_PTE, 1, 0, .ref = 3, .m = 4000, .index = 1, .host_addr = 4000ull << 12));
}
END_TEST

START_TEST(a_granted_frame_outlives_its_domain)
{
	STATUS(GNTST_okay, grant(1, 0, 33, GRANT_RW));
	STATUS(GNTST_okay, ACT_ON(GRANT_MAP, 0, 1, .ref = 3, .n = MAP_NO_HOST | MAP_DEVICE));
	ANSWERS(0, ACT_ON(DESTROY, 0, 1));
	ck_assert_uint_eq(m->f[33].owner, 1);
	ck_assert_uint_eq(m->f[34].owner, NOBODY);
	ck_assert(!dead_may_go(m, domain_named(m, 1)));
	STATUS(GNTST_bad_domain, ACT_ON(GRANT_MAP, 0, 1, .ref = 3, .n = MAP_NO_HOST | MAP_DEVICE));
	STATUS(GNTST_okay, ACT(GRANT_UNMAP, 0, .bus_addr = 33ull << 12));
	ck_assert_uint_eq(m->f[33].owner, NOBODY);
	ck_assert(dead_may_go(m, domain_named(m, 1)));
}
END_TEST

START_TEST(frames_are_given_once)
{
	struct act a = ACT(POPULATE, 1, .pfn = 12);
	tree();
	ANSWERS(1, ACT(DECREASE, 1, .m = 38));
	ANSWERS(0, ACT(DECREASE, 1, .m = 38));
	ck_assert_ptr_nonnull(told(a, (struct outcome){ .rc = 1, .frame = { 38 }, .frames = 1 }));
	ANSWERS(0, update(1, 37, 0, 0, 0));
	ck_assert_ptr_null(told(a, (struct outcome){ .rc = 1, .frame = { 38 }, .frames = 1 }));
	ck_assert_ptr_nonnull(told(a, (struct outcome){ .rc = 0 }));
	ANSWERS(M_EPERM, ACT_ON(POPULATE, 1, 0));
}
END_TEST

START_TEST(ports)
{
	ck_assert_ptr_null(told(ACT_ON(PORT_UNBOUND, 1, 0), (struct outcome){ .value = 5 }));
	ANSWERS(M_EINVAL, ACT_ON(PORT_BIND, 0, 1, .port = 6));
	ck_assert_ptr_null(
		told(ACT_ON(PORT_BIND, 0, 1, .port = 5), (struct outcome){ .value = 2 }));
	ck_assert_ptr_nonnull(told(ACT(PORT_IPI, 0), (struct outcome){ .value = 2 }));
	ANSWERS(0, ACT(PORT_SEND, 0, .port = 2));
	ck_assert_uint_eq(word_get(m, 31, 256), 1ull << 5);
	ANSWERS(0, ACT(PORT_CLOSE, 0, .port = 2));
	ck_assert_ptr_null(told(ACT(PORT_STATUS, 1, .port = 5), (struct outcome){ .value = 1 }));
	ck_assert_ptr_null(told(ACT(PORT_VIRQ, 1), (struct outcome){ .value = 1 }));
	ANSWERS(M_EEXIST, ACT(PORT_VIRQ, 1));
	ANSWERS(M_EINVAL, ACT(PORT_VIRQ, 1, .n = 25));
}
END_TEST

START_TEST(who_may_act)
{
	ANSWERS(M_EPERM, ACT_ON(PAUSE, 1, 0));
	ANSWERS(0, ACT_ON(PAUSE, 0, 1));
	ck_assert_ptr_nonnull(told(ACT(LOAD, 1), (struct outcome){ .rc = 4 }));
	ANSWERS(0, ACT_ON(UNPAUSE, 0, 1));
	ck_assert_ptr_null(told(ACT(LOAD, 1), (struct outcome){ .rc = 4 }));
	ck_assert_ptr_nonnull(told(ACT(LOAD, 1), (struct outcome){ .frame = { 13 } }));
	ck_assert_ptr_nonnull(told(ACT(LOAD, 1), (struct outcome){ .rc = 4, .crashed = true }));
	ANSWERS(0, ACT(VCPU_DOWN, 1, .vcpu_id = 0));
	ck_assert_ptr_nonnull(told(ACT(LOAD, 1), (struct outcome){ .rc = 4 }));
}
END_TEST

START_TEST(pairs_need_an_order)
{
	const struct act pin = ACT(PIN, 1, .m = 35, .n = 0),
			 clear = ACT(CLEAR, 1, .vcpu = 1, .m = 35);
	const struct outcome done = { .ran = true, .done = 1 },
			     busy = { .ran = true, .rc = M_EBUSY };
	ck_assert_ptr_null(model_step_pair(m, &pin, &done, &clear, &busy));
	ck_assert_uint_eq(m->f[35].pinned, 1);
	ANSWERS(0, ACT(UNPIN, 1, .m = 35));
	ck_assert_ptr_null(model_step_pair(m, &pin, &done, &clear, &done));
	ck_assert_ptr_nonnull(model_step_pair(m, &pin, &done, &clear, &done));
}
END_TEST

CHECK_MAIN("model", setup, teardown, a_writable_frame_is_no_table,
	   a_table_never_gets_a_writable_mapping, levels_and_owners, entries_that_are_not_present,
	   pins, a_tree_with_a_fault_is_refused_whole, grants_need_permission, grants_whose_entry_is_gone,
	   a_granted_frame_outlives_its_domain, frames_are_given_once, ports, who_may_act,
	   pairs_need_an_order)
