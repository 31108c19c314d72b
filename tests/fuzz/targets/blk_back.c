/* The block back end, over what a front end writes into ring and pages, and what it grants.
 *
 * The input first chooses the device, then lists what the guest, the disk and the back end do, the back end's death with a
 * successor among it. The disk states what it may be asked; pages that are not granted, or for reading only, do not change;
 * what is under way and mapped is bounded; what an answer names was asked, and is answered once; and at the end, whatever
 * has happened, the back end closes and holds nothing. */
#include "tests/fuzz/targets/target.h"

#include "pvdrivers/blk_back.h"
#include "pvdrivers/host/os_host.h"

#define SECTORS	256u
#define PAGES	8u
#define RING	(2 * PV_PAGE)

uint64_t fuzz_states;

static struct host_machine machine;
static struct host_domain dom0, guest;
static struct blk_back back;
static struct blk_config config;
static struct blk_record record;
static uint8_t disk[SECTORS * BLK_SECTOR_BYTES];
static struct blk_io_request *queue[64];
static uint32_t queued, port, ring_bytes;
static bool deferred;
static uint8_t *ring, *page[PAGES];
static grant_ref_t ref[PAGES];

static bool readonly(uint32_t i)
{
	return i % 4 == 3;
}

/* ---- the disk ---- */

static void perform(struct blk_io_request *r, bool fail)
{
	uint8_t *at = disk + r->sector * BLK_SECTOR_BYTES;

	for (uint32_t i = 0; i < r->pieces; at += r->piece[i++].bytes) {
		if (r->op == BLK_READ)
			memcpy(r->piece[i].addr, at, r->piece[i].bytes);
		else
			memcpy(at, r->piece[i].addr, r->piece[i].bytes);
	}
	blk_io_done(r, fail ? -XEN_EIO : 0);
}

static void submit(struct blk_io *io, struct blk_io_request *r)
{
	const struct blk_limits *l = &config.limits;
	uint64_t bytes = 0, unit = l->sector_bytes / BLK_SECTOR_BYTES;

	(void)io;
	HOLDS(r->op != BLK_BARRIER && (r->op == BLK_READ || r->op == BLK_FLUSH || !l->read_only));
	if (r->op != BLK_FLUSH) {
		HOLDS(r->sectors && r->sector < SECTORS && r->sectors <= SECTORS - r->sector);
		HOLDS(r->sector % unit == 0 && r->sectors % unit == 0);
	}
	for (uint32_t i = 0; i < r->pieces; i++) {
		HOLDS(r->piece[i].bytes && (uintptr_t)r->piece[i].addr % PV_PAGE + r->piece[i].bytes <= PV_PAGE);
		bytes += r->piece[i].bytes;
	}
	HOLDS(bytes == (r->op == BLK_READ || r->op == BLK_WRITE ? r->sectors * BLK_SECTOR_BYTES : 0));
	HOLDS(queued < config.jobs);
	if (deferred)
		queue[queued++] = r;
	else
		perform(r, false);
}

static struct blk_io io = { submit };

static void disk_step(uint32_t which, bool fail)
{
	struct blk_io_request *r;

	if (!queued)
		return;
	which %= queued;
	r = queue[which];
	queue[which] = queue[--queued];
	perform(r, fail);
}

/* ---- the back end ---- */

static bool back_start(bool successor)
{
	uint32_t slots = ring_entries(ring_bytes, sizeof(union blkif_sring_entry));
	bool same = record.slots == slots, serves;

	HOLDS(blk_back_open(&back, &config) == 0);
	serves = blk_back_add_ring(&back, ring, ring_bytes, port, &record, successor) == 0;
	HOLDS(!serves || !successor || same);
	return serves;
}

static void back_kill(void)
{
	queued = 0;
	host_domain_die(&dom0);
	HOLDS(dom0.os.event_open(&dom0.os, guest.id, 0, NULL, NULL, &port) == 0);
}

/* How many requests with @id have no answer: in cells, and in the ring from what was not taken to before @end. */
static uint32_t asked(uint64_t id, RING_IDX end)
{
	const struct ring_back *r = &back.ring[0].ring;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->ring.slots; i++)
		n += record.cell[i].taken && record.cell[i].request.req.id == id;
	for (RING_IDX i = r->req_cons; i != end; i++)
		n += memcmp(ring + RING_HEADER_BYTES + (i & (r->ring.slots - 1)) * r->ring.entry_bytes + 8, &id, 8) == 0;
	return n;
}

/* Run, and look at the answers that were written, of the ids that requests have: what one names was asked, and so
 * often. Nothing can be said if a slot may have been used twice. */
static void back_run(void)
{
	const struct ring_back *r = &back.ring[0].ring;
	RING_IDX from = r->rsp_prod, end = ((struct ring_header *)(void *)ring)->req_prod;
	uint32_t before[16];

	/* It may still go by an index that the guest has set back since. */
	if (end - from < r->req_seen - from)
		end = r->req_seen;
	for (uint64_t id = 0; id < 16 && end - from <= r->ring.slots; id++)
		before[id] = asked(id, end);
	fuzz_states++;
	(void)!blk_back_run(&back);
	HOLDS(r->req_cons - r->rsp_prod <= r->ring.slots);
	for (RING_IDX i = from; i != r->rsp_prod && end - from <= r->ring.slots; i++) {
		uint64_t id;

		memcpy(&id, ring + RING_HEADER_BYTES + (i & (r->ring.slots - 1)) * r->ring.entry_bytes, sizeof id);
		HOLDS(id >= 16 || before[id]-- > 0);
	}
	HOLDS(dom0.mapped - dom0.unmapped <= config.kept_pages + config.jobs * back.segments);
}

/* ---- the guest ---- */

static void change_grant(uint32_t i)
{
	if (ref[i] && guest.os.grant_end(&guest.os, ref[i]) == 0)
		ref[i] = 0;
	else if (!ref[i])
		HOLDS(guest.os.grant(&guest.os, 0, page[i], readonly(i), &ref[i]) == 0);
}

static void put_bytes(struct input *in, uint8_t *to, size_t at, size_t room, size_t n)
{
	const uint8_t *bytes = take_bytes(in, &n);

	if (at >= room)
		return;
	memcpy(to + at, bytes, n < room - at ? n : room - at);
}

/* Let the request at req_prod be what the input says, and its page references those of pages. */
static void put_request(struct input *in)
{
	struct ring_header *h = (struct ring_header *)(void *)ring;
	uint32_t slot = h->req_prod++ % ring_entries(ring_bytes, sizeof(union blkif_sring_entry));
	union blkif_sring_entry e = { .req = { .operation = (uint8_t)take(in, 1), .nr_segments = (uint8_t)take(in, 1),
		.id = h->req_prod } };

	e.req.sector_number = take(in, 1);
	for (uint32_t i = 0; i < e.req.nr_segments && i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		e.req.seg[i] = (struct blkif_request_segment){ ref[take(in, 1) % PAGES], (uint8_t)take(in, 1),
			(uint8_t)take(in, 1) };
	if (e.req.operation == BLKIF_OP_INDIRECT) {
		struct blkif_request_indirect r = { .operation = BLKIF_OP_INDIRECT, .id = h->req_prod,
			.indirect_op = e.req.nr_segments, .nr_segments = (uint16_t)take(in, 1),
			.sector_number = e.req.sector_number, .indirect_grefs = { ref[take(in, 1) % PAGES] } };

		memcpy(&e, &r, sizeof r);
	}
	memcpy(ring + RING_HEADER_BYTES + slot * sizeof e, &e, sizeof e);
}

/* Segments of an indirect request, in a page. */
static void put_segments(struct input *in, uint8_t *to)
{
	for (uint32_t i = 0, n = (uint32_t)take(in, 1) % 32; i < n; i++) {
		struct blkif_request_segment s = { ref[take(in, 1) % PAGES], (uint8_t)take(in, 1), (uint8_t)take(in, 1) };

		memcpy(to + i * sizeof s, &s, sizeof s);
	}
}

static void act(struct input *in)
{
	uint32_t op = (uint32_t)take(in, 1), which = op >> 4;
	size_t at;

	switch (op & 15) {
	case 0:
		at = take(in, 2);
		put_bytes(in, ring, at, ring_bytes, which);
		break;
	case 1:
		((uint32_t *)(void *)ring)[which % 4] += (uint32_t)take(in, 1) - 128;
		break;
	case 2:
		change_grant(which % PAGES);
		break;
	case 3:
		put_segments(in, page[which % 4 * 2]);
		break;
	case 4:
		back_kill();
		/* A ring of another size is not the one that is recorded. */
		ring_bytes = which == 15 ? PV_PAGE + RING - ring_bytes : ring_bytes;
		if (!back_start(true))
			back.stopped = true;
		break;
	case 5:
	case 6:
		disk_step(which, op & 1);
		break;
	case 7:
	case 8:
	case 9:
		if (!back.stopped)
			back_run();
		break;
	default:
		put_request(in);
		break;
	}
}

static void set_up(unsigned int how)
{
	host_machine_reset(&machine);
	host_domain_init(&dom0, &machine, 0);
	host_domain_init(&guest, &machine, 7);
	queued = 0;
	deferred = how & 1;
	ring_bytes = how & 2 ? RING : PV_PAGE;
	config = (struct blk_config){
		.os = &dom0.os, .peer = 7, .io = &io, .jobs = how & 4 ? 3 : 64, .kept_pages = how & 8 ? 4 : 0,
		.limits = { SECTORS, how & 16 ? 4096 : 512, how & 32 ? 20 : 0, how & 64, true, true, true, how & 128 },
	};
	ring = guest.os.alloc(&guest.os, RING);
	for (uint32_t i = 0; i < PAGES; i++) {
		page[i] = guest.os.alloc(&guest.os, PV_PAGE);
		memset(page[i], readonly(i) ? 0x5a : 0, PV_PAGE);
		ref[i] = 0;
		change_grant(i);
	}
	HOLDS(dom0.os.event_open(&dom0.os, guest.id, 0, NULL, NULL, &port) == 0);
	HOLDS(back_start(false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	set_up((unsigned int)take(&in, 1));
	for (int steps = 0; steps < 200 && input_left(&in); steps++)
		act(&in);
	while (!blk_back_close(&back))
		disk_step(0, false);
	HOLDS(host_domain_holds(&dom0) == 1);	/* the port */
	for (uint32_t i = 0; i < PAGES; i++)
		for (uint32_t at = 0; readonly(i) && at < PV_PAGE; at++)
			HOLDS(page[i][at] == 0x5a);
	host_domain_die(&dom0);
	host_domain_die(&guest);
	return 0;
}
