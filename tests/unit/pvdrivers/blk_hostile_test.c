/* A hostile front end: rings in states that no correct one makes, rewritten while they are served; grants that are not
 * there, vanish, repeat, allow less than is asked. The disk judges every operation, AddressSanitizer every access; what
 * was not granted, or for reading only, does not change; memory and maps stay bounded; and whenever the back end gives
 * up, it closes whole, and the next one starts. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/holds.h"

#define STATES	400000u		/* of rings, in all */
#define PAGES	24u		/* of the guest: some granted, some not, some for reading only */
static uint8_t *page[PAGES];
static grant_ref_t ref[PAGES];
static int (*host_map)(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags);
static uint64_t broken, answered;

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

static bool readonly(uint32_t i)
{
	return i % 4 == 3;
}

static grant_ref_t some_ref(void)
{
	return below(8) ? ref[below(PAGES)] : (grant_ref_t)(below(2) ? (uint32_t)rand() : below(HOST_GRANTS));
}

static uint64_t some_sector(void)
{
	static const uint64_t odd[] = { DISK_SECTORS - 1, DISK_SECTORS, UINT64_MAX, UINT64_MAX - 7, 1ull << 32 };

	return below(6) ? below(DISK_SECTORS) & ~(below(2) * 7) : odd[below(5)];
}

static struct blkif_request_segment some_segment(void)
{
	uint8_t first = (uint8_t)below(8), last = (uint8_t)(first + below(8u - first));

	if (below(2)) {
		first = 0;
		last = 7;
	}
	if (below(20) == 0)
		last = (uint8_t)rand();
	if (below(20) == 0)
		first = (uint8_t)rand();
	return (struct blkif_request_segment){ some_ref(), first, last };
}

/* A request that is right in most of its parts. */
static void some_request(union blkif_sring_entry *e)
{
	struct blkif_request *r = &e->req;

	*r = (struct blkif_request){ .operation = (uint8_t)below(7), .id = (uint64_t)rand(),
		.sector_number = some_sector(),
		.nr_segments = (uint8_t)(below(10) ? 1 + below(below(3) ? 2 : 11) : below(256)) };
	for (uint32_t i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		r->seg[i] = some_segment();
	if (r->operation == BLKIF_OP_INDIRECT) {
		struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT, .id = r->id,
			.indirect_op = (uint8_t)below(below(8) ? 2 : 7), .nr_segments = (uint16_t)below(70),
			.sector_number = r->sector_number };

		for (uint32_t i = 0; i < BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST; i++)
			in.indirect_grefs[i] = some_ref();
		memcpy(e, &in, sizeof in);
	} else if (r->operation == BLKIF_OP_DISCARD) {
		struct blkif_request_discard d = { .operation = BLKIF_OP_DISCARD, .flag = (uint8_t)rand(),
			.id = r->id, .sector_number = r->sector_number, .nr_sectors = some_sector() };

		memcpy(e, &d, sizeof d);
	}
	if (below(10) == 0)
		((uint8_t *)e)[below(sizeof *e)] = (uint8_t)rand();
}

static void fill_segments(uint8_t *p)
{
	for (uint32_t i = 0; i < 80; i++) {
		struct blkif_request_segment s = some_segment();

		memcpy(p + i * sizeof s, &s, sizeof s);
	}
}

/* Grants go and come: whether the back end has them mapped does not matter to it. */
static void change_grant(uint32_t i)
{
	struct pv_os *os = &world->guest.os;

	if (ref[i] && os->grant_end(os, ref[i]))
		return;
	ref[i] = 0;
	if (below(3))
		HOLDS(os->grant(os, below(10) == 0, page[i], readonly(i), &ref[i]) == 0);
}

/* One step of the guest's. */
static void mutate(void)
{
	const struct blk_front *f = &world->front[below(world->fronts)];
	struct ring_header *h = f->ring.ring.header;
	uint32_t slots = f->ring.ring.slots, what = below(64);
	union blkif_sring_entry *entry = (void *)f->ring.ring.entries;
	RING_IDX *const index[] = { &h->req_prod, &h->req_event, &h->rsp_prod, &h->rsp_event };

	if (what < 40)
		some_request(&entry[h->req_prod++ % slots]);
	else if (what < 46)
		for (uint32_t n = below(slots); n > 0; n--)
			some_request(&entry[h->req_prod++ % slots]);
	else if (what < 52)
		fill_segments(page[below(PAGES / 4) * 4]);
	else if (what < 58)
		change_grant(below(PAGES));
	else if (what < 62)
		f->ring.ring.entries[below(slots * (uint32_t)sizeof *entry)] = (uint8_t)rand();
	else if (what < 63)
		*index[below(4)] += below(4) - 2;
	else if (below(16) == 0)
		*index[below(4)] = (RING_IDX)rand();
}

/* While the back end is amid its work, the guest goes on with its own. */
static void meanwhile(void)
{
	if (below(16) == 0)
		mutate();
}

static int map_meanwhile(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags)
{
	int err;

	meanwhile();
	err = host_map(os, peer, map, count, flags);
	meanwhile();
	return err;
}

/* The next back end: for a new ring, or as successor of one that the guest has made a mess of. */
static void start_anew(void)
{
	bool fresh = below(2);

	back_stop();
	for (uint32_t i = 0; i < world->fronts; i++) {
		struct ring_header *h = world->front[i].ring.ring.header;

		if (fresh)
			memset(world->front[i].ring_pages, 0, world->front[i].config.ring_pages * PV_PAGE);
		h->req_prod = h->rsp_prod + below(world->front[i].ring.ring.slots + 1);
	}
	world->successor = !fresh;
	back_start();
}

static void judge(void)
{
	const struct blk_back *b = &world->back;
	uint32_t under_way = 0;

	HOLDS(world->dom0.mapped - world->dom0.unmapped <= world->config.kept_pages +
		(uint64_t)world->config.jobs * b->segments);
	for (uint32_t i = 0; i < b->rings; i++) {
		const struct ring_back *r = &b->ring[i].ring;

		HOLDS(r->req_cons - r->rsp_prod <= r->ring.slots && r->req_seen - r->rsp_prod <= r->ring.slots);
		under_way += b->ring[i].under_way;
	}
	HOLDS(under_way == b->under_way && under_way <= world->config.jobs);
}

START_TEST(mutated_rings)
{
	world_open(0);
	front_start();
	world->front_config.ring_pages = 2;
	front_start();
	srand(1000 + (unsigned int)_i);
	world->disk.deferred = _i & 1;
	world->config.kept_pages = _i & 2 ? 10 : 0;
	world->config.jobs = _i & 1 ? 7 : 32;
	world->config.limits.sector_bytes = _i & 2 ? 4096 : 512;
	host_map = world->dom0.os.map;
	world->dom0.os.map = map_meanwhile;
	world->point = meanwhile;
	for (uint32_t i = 0; i < PAGES; i++) {
		page[i] = world->guest.os.alloc(&world->guest.os, PV_PAGE);
		memset(page[i], readonly(i) ? 0x5a : 0, PV_PAGE);
		ref[i] = 0;
		change_grant(i);
	}
	broken = answered = 0;
	back_start();
	for (uint32_t i = 0; i < STATES / 4; i++) {
		RING_IDX before = world->back.ring[0].ring.rsp_prod;

		for (uint32_t n = below(4); n > 0; n--)
			mutate();
		int status = blk_back_run(&world->back);
		HOLDS(status == 0 || status == 1 || status == -XEN_EBADMSG);
		for (uint32_t n = below(4); n > 0 && disk_step(); n--)
			;
		judge();
		answered += world->back.ring[0].ring.rsp_prod - before;
		if (status < 0 || world->back_status < 0 || below(3000) == 0) {
			broken += status < 0;
			start_anew();
		}
	}
	/* Both happened often: requests were served, and rings given up. */
	ck_assert_uint_gt(answered, STATES / 20);
	ck_assert_uint_gt(world->disk.count[BLK_READ] + world->disk.count[BLK_WRITE], STATES / 100);
	ck_assert_uint_gt(broken, STATES / 2000);
	back_stop();
	for (uint32_t i = 0; i < PAGES; i++) {
		for (uint32_t at = 0; readonly(i) && at < PV_PAGE; at++)
			HOLDS(page[i][at] == 0x5a);
		HOLDS(!ref[i] || world->guest.os.grant_end(&world->guest.os, ref[i]) == 0);
		world->guest.os.free(&world->guest.os, page[i], PV_PAGE);
	}
	world_close();
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, NULL);

	tcase_add_loop_test(c, mutated_rings, 0, 4);
	return check_run("blk_hostile", c);
}
