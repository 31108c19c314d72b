/* The world of the vbd tests: a store with one device, both of its ends, and counts of what they do. */
#include "tests/unit/pvdrivers/vbd_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/cut.h"

struct vbd_back back;
struct vbd_front front;
static uint8_t out[BYTES(512)], in[BYTES(512)];
uint32_t changes, ended, states_written;
int last_err;
uint32_t refuse_write;
static int (*host_write)(struct pv_os *os, const char *path, const char *value);

void put(const char *dir, const char *name, const char *value)
{
	ck_assert_int_eq(store_put(&world->guest.os, dir, name, value), 0);
}

const char *get(const char *dir, const char *name)
{
	static char value[8][PV_PATH_MAX];
	static unsigned int at;

	if (store_get(&world->guest.os, dir, name, value[++at % 8], PV_PATH_MAX))
		return "";
	return value[at % 8];
}

void put_ring(const char *dir, uint32_t i)
{
	char number[16];

	snprintf(number, sizeof number, "%u", world->front[i].ring_ref[0]);
	put(dir, "ring-ref", number);
	snprintf(number, sizeof number, "%u", world->front[i].port);
	put(dir, "event-channel", number);
}

void states(const char *f, const char *b)
{
	ck_assert_str_eq(get(FRONT, "state"), f);
	ck_assert_str_eq(get(BACK, "state"), b);
}

void plug(void)
{
	put(BACK, "frontend", FRONT);
	put(BACK, "frontend-id", "7");
	put(BACK, "online", "1");
	put(BACK, "state", "1");
	put(FRONT, "backend", BACK);
	put(FRONT, "backend-id", "0");
	put(FRONT, "state", "1");
}

void unplug(void)
{
	put(BACK, "online", "0");
	put(BACK, "state", "5");
}

static void changed(struct vbd_front *v)
{
	ck_assert_ptr_eq(v, &front);
	changes++;
}

static int counted_write(struct pv_os *os, const char *path, const char *value)
{
	size_t n = strlen(path);

	cut_point();
	if (refuse_write && --refuse_write == 0)
		return -XEN_EACCES;
	states_written += strcmp(path + n - 6, "/state") == 0;
	return host_write(os, path, value);
}

void back_begin(void)
{
	back = (struct vbd_back){ .config = world->config, .kept_pages = 500, .max_rings = 4, .max_ring_order = 4,
		.record = world->record };
	back.config.io = &world->disk.io;
	ck_assert_int_eq(vbd_back_open(&back, &world->dom0.os, BACK), 0);
}

void front_begin(void)
{
	front = (struct vbd_front){ .max_segments = 64, .data_pages = 600, .changed = changed };
	ck_assert_int_eq(vbd_front_open(&front, &world->guest.os, FRONT), 0);
}

void run(bool disk)
{
	do {
		host_run(&world->machine);
		if (back.again)
			vbd_back_run(&back);
		else if (!disk || !disk_step())
			return;
		else
			vbd_back_run(&back);
	} while (true);
}

void vbd_set_up(void)
{
	world_open(0);
	srand(1);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)rand();
	changes = ended = states_written = refuse_write = 0;
	host_write = world->dom0.os.store_write;
	world->dom0.os.store_write = counted_write;
	plug();
}

void vbd_tear_down(void)
{
	while (!vbd_back_close(&back))
		ck_assert(disk_step());
	ck_assert_int_eq(vbd_front_close(&front), 0);
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 0);
	world_close();
}

void connect(void)
{
	back_begin();
	front_begin();
	run(true);
	states("4", "4");
}

static void done(struct blk_operation *o, int err)
{
	(void)o;
	ended++;
	last_err = err;
}

struct blk_operation operation(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	return (struct blk_operation){ op, false, sector, sectors, op == BLK_WRITE ? out : in, done };
}

void under_way(struct blk_operation *o)
{
	connect();
	world->disk.deferred = true;
	ck_assert_int_eq(vbd_front_send(&front, o), 0);
	blk_front_push(&front.blk);
}

int do_one(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	struct blk_operation o = operation(op, sector, sectors);
	int err = vbd_front_send(&front, &o);

	if (err)
		return err;
	blk_front_push(&front.blk);
	run(true);
	return last_err;
}

void works(void)
{
	ck_assert_int_eq(do_one(BLK_WRITE, 8, 300), 0);
	memset(in, 0, sizeof in);
	ck_assert_int_eq(do_one(BLK_READ, 8, 300), 0);
	ck_assert_int_eq(memcmp(in, out, BYTES(300)), 0);
}
