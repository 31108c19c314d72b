/* A block device in one process: a guest with front ends, dom0 with a back end, and a disk that judges what it is asked.
 *
 * The disk does operations at once, or when disk_step() picks one at random; it stops the test if one is outside of
 * what the back end promises. What it holds stays when the back end dies. */
#pragma once
#include "pvdrivers/blk_back.h"
#include "pvdrivers/blk_front.h"
#include "pvdrivers/host/os_host.h"

#define DISK_SECTORS	4096u
#define DISK_QUEUE	1024u
#define FRONTS_MAX	4u

struct disk {
	struct blk_io io;
	uint8_t bytes[DISK_SECTORS * BLK_SECTOR_BYTES];
	bool deferred;
	struct blk_io_request *queue[DISK_QUEUE];
	uint32_t queued, most_queued;
	int fail;			/* what operations end with, and do nothing; 0 */
	uint64_t count[BLK_DISCARD + 1], secure;	/* operations done */
	char order[64];			/* the last ones submitted and ended: R r W w F f D d */
	uint32_t order_at;
};

struct blk_world {
	struct host_machine machine;
	struct host_domain dom0, guest;
	struct blk_config config;	/* of the next back end */
	struct blk_front_config front_config;
	struct disk disk;
	struct blk_back back;
	bool served;			/* there is a back end */
	int back_status, front_status;	/* of the last run */
	struct blk_front front[FRONTS_MAX];
	uint32_t fronts, port[FRONTS_MAX];	/* port: dom0's */
	struct blk_record *record;	/* [FRONTS_MAX], outlives back ends */
	bool successor;			/* the next back end is one */
	void (*point)(void);		/* called around everything that lasts, or NULL */
};
extern struct blk_world *world;
/* Of the records, in whole pages. */
#define RECORD_BYTES	((FRONTS_MAX * sizeof(struct blk_record) + PV_PAGE - 1) / PV_PAGE * PV_PAGE)

/* Everything on, no page kept, one ring of one page; @fronts rings. Change world->config before back_start(). */
void world_open(uint32_t fronts);
/* Close both ends; whatever is left is a failure. */
void world_close(void);
/* One more front end, as world->front_config says. */
void front_start(void);
/* A back end, from the second on a successor: binds ports, opens rings where they stand. */
void back_start(void);
/* The back end's process ends, and then its I/O: each operation under way was done, in part or whole, or not. */
void back_kill(void);
/* Close the back end in good order. */
void back_stop(void);
/* Do one deferred operation. False: there is none. */
bool disk_step(void);
/* Run events and, if @disk, deferred operations, until nothing moves. */
void world_run(bool disk);
/* Send an operation by front end @f, run, return its result. */
int do_op(uint32_t f, enum blk_op op, uint64_t sector, uint64_t sectors, void *data);
