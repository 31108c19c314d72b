/* The world of the block tests: a disk that judges, and both ends around it. */
#include "tests/unit/pvdrivers/blk_world.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/pvdrivers/holds.h"

struct blk_world *world;

static void point(void)
{
	if (world->point)
		world->point();
}

/* ---- the disk ---- */

static void note(char c)
{
	if (world->disk.order_at < sizeof world->disk.order - 1)
		world->disk.order[world->disk.order_at++] = c;
}

/* What the back end promises of an operation. */
static void judge(const struct blk_io_request *r)
{
	const struct blk_limits *l = &world->config.limits;
	uint64_t bytes = 0;

	if (r->op == BLK_FLUSH) {
		HOLDS(l->flush || l->barrier);
		return;
	}
	HOLDS(r->op == BLK_READ || r->op == BLK_WRITE || r->op == BLK_DISCARD);
	HOLDS(r->op == BLK_READ || !l->read_only);
	HOLDS(r->sectors > 0 && r->sector < l->sectors && r->sectors <= l->sectors - r->sector);
	HOLDS(r->sector * BLK_SECTOR_BYTES % l->sector_bytes == 0);
	HOLDS(r->sectors * BLK_SECTOR_BYTES % l->sector_bytes == 0);
	for (uint32_t i = 0; i < r->pieces; i++) {
		HOLDS(r->piece[i].bytes && r->piece[i].bytes % BLK_SECTOR_BYTES == 0);
		HOLDS((uintptr_t)r->piece[i].addr % PV_PAGE + r->piece[i].bytes <= PV_PAGE);
		bytes += r->piece[i].bytes;
	}
	HOLDS(r->op == BLK_DISCARD ? l->discard && (!r->secure || l->secure_discard) && r->pieces == 0 :
		bytes == r->sectors * BLK_SECTOR_BYTES);
}

/* Do the first @pieces pieces of @r. */
static void perform(const struct blk_io_request *r, uint32_t pieces)
{
	uint8_t *at = world->disk.bytes + r->sector * BLK_SECTOR_BYTES;

	if (r->op == BLK_DISCARD)
		memset(at, 0, r->sectors * BLK_SECTOR_BYTES);
	for (uint32_t i = 0; i < pieces; at += r->piece[i++].bytes) {
		if (r->op == BLK_READ)
			memcpy(r->piece[i].addr, at, r->piece[i].bytes);
		else if (r->op == BLK_WRITE)
			memcpy(at, r->piece[i].addr, r->piece[i].bytes);
	}
}

static void complete(struct blk_io_request *r)
{
	struct disk *d = &world->disk;

	point();
	if (!d->fail)
		perform(r, r->pieces);
	point();
	d->count[r->op]++;
	d->secure += r->secure;
	note("rwf.d"[r->op]);
	blk_io_done(r, d->fail);
}

static void disk_submit(struct blk_io *io, struct blk_io_request *r)
{
	struct disk *d = &world->disk;

	HOLDS(io == &d->io);
	judge(r);
	note("RWF.D"[r->op]);
	if (!d->deferred) {
		complete(r);
		return;
	}
	HOLDS(d->queued < DISK_QUEUE);
	d->queue[d->queued++] = r;
	if (d->queued > d->most_queued)
		d->most_queued = d->queued;
}

static struct blk_io_request *queue_take(struct disk *d)
{
	uint32_t i = (uint32_t)rand() % d->queued;
	struct blk_io_request *r = d->queue[i];

	d->queue[i] = d->queue[--d->queued];
	return r;
}

bool disk_step(void)
{
	if (!world->disk.queued)
		return false;
	complete(queue_take(&world->disk));
	return true;
}

/* ---- the ends ---- */

static void back_event(void *arg)
{
	(void)arg;
	do {
		world->back_status = blk_back_run(&world->back);
	} while (world->back_status == 1);
}

static void front_event(void *arg)
{
	int status = blk_front_run(arg);

	if (status)
		world->front_status = status;
}

void back_start(void)
{
	struct blk_world *w = world;

	w->config.os = &w->dom0.os;
	w->config.peer = w->guest.id;
	w->config.io = &w->disk.io;
	ck_assert_int_eq(blk_back_open(&w->back, &w->config), 0);
	w->served = true;
	for (uint32_t i = 0; i < w->fronts; i++)
		ck_assert_int_eq(w->dom0.os.event_open(&w->dom0.os, w->guest.id, w->front[i].port, back_event, NULL,
			&w->port[i]), 0);
	w->back_status = 0;
	for (uint32_t i = 0; i < w->fronts && !w->back_status; i++)
		w->back_status = blk_back_add_ring(&w->back, w->front[i].ring_pages,
			w->front[i].config.ring_pages * PV_PAGE, w->port[i], &w->record[i],
			w->successor);
	w->successor = true;
}

void back_kill(void)
{
	struct disk *d = &world->disk;

	while (d->queued) {
		struct blk_io_request *r = queue_take(d);

		perform(r, r->pieces ? (uint32_t)rand() % (r->pieces + 1) : 0);
	}
	host_domain_die(&world->dom0);
	world->served = false;
}

void back_stop(void)
{
	while (!blk_back_close(&world->back))
		ck_assert(disk_step());
	for (uint32_t i = 0; i < world->fronts; i++)
		world->dom0.os.event_close(&world->dom0.os, world->port[i]);
	world->served = false;
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 0);
}

void front_start(void)
{
	struct blk_front *f = &world->front[world->fronts++];

	ck_assert_int_eq(blk_front_open(f, &world->front_config, front_event, f), 0);
}

void world_open(uint32_t fronts)
{
	struct blk_world *w = calloc(1, sizeof *w);

	world = w;
	/* A first back end does not look at what is there. */
	w->record = aligned_alloc(PV_PAGE, RECORD_BYTES);
	memset(w->record, 0xa5, RECORD_BYTES);
	w->disk.io.submit = disk_submit;
	host_domain_init(&w->dom0, &w->machine, 0);
	host_domain_init(&w->guest, &w->machine, 7);
	w->config = (struct blk_config){
		.limits = { DISK_SECTORS, 512, 64, false, true, true, true, true },
		.jobs = 32,
	};
	w->front_config = (struct blk_front_config){ .ring_pages = 1, .max_segments = 64, .data_pages = 700 };
	w->front_config.os = &w->guest.os;
	while (w->fronts < fronts)
		front_start();
}

void world_close(void)
{
	if (world->served)
		back_stop();
	for (uint32_t i = 0; i < world->fronts; i++)
		ck_assert_int_eq(blk_front_close(&world->front[i]), 0);
	ck_assert_uint_eq(host_domain_holds(&world->guest), 0);
	for (uint32_t i = 0; i < HOST_GRANTS; i++)
		HOLDS(!world->machine.grant[i].page);
	free(world->record);
	free(world);
	world = NULL;
}

void world_run(bool disk)
{
	do {
		host_run(&world->machine);
		if (!disk || !disk_step())
			return;
		back_event(NULL);
	} while (true);
}

static int result;

static void op_done(struct blk_operation *o, int err)
{
	(void)o;
	ck_assert_int_eq(result, 1);
	result = err;
}

int do_op(uint32_t f, enum blk_op op, uint64_t sector, uint64_t sectors, void *data)
{
	struct blk_operation o = { op, op == BLK_DISCARD && data, sector, sectors, data, op_done };
	int err = blk_front_send(&world->front[f], &o);

	if (err)
		return err;
	result = 1;
	blk_front_push(&world->front[f]);
	world_run(true);
	return result;
}
