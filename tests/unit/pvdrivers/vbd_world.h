/* Both ends of one virtual block device over a store in one process, with the disk of blk_world.h. */
#pragma once
#include "pvdrivers/vbd_back.h"
#include "pvdrivers/vbd_front.h"
#include "tests/unit/pvdrivers/blk_world.h"

#define BACK	"/local/domain/0/backend/vbd/7/51712"
#define FRONT	"/local/domain/7/device/vbd/51712"
#define BYTES(sectors) ((size_t)(sectors) * BLK_SECTOR_BYTES)

extern struct vbd_back back;
extern struct vbd_front front;
extern uint32_t changes, ended, states_written;	/* of the disk; operations; by the back end */
extern int last_err;				/* of the last operation */
extern uint32_t refuse_write;			/* dom0's nth write from now on fails; 0: none */

/* A store with the device's directories, and no end yet. */
void vbd_set_up(void);
/* Both ends let go, whatever has happened. */
void vbd_tear_down(void);
/* Write a node, as the guest; read one: "" if there is none. */
void put(const char *dir, const char *name, const char *value);
const char *get(const char *dir, const char *name);
/* Publish world->front[@i] in @dir. */
void put_ring(const char *dir, uint32_t i);
/* Require these states of front and back end. */
void states(const char *f, const char *b);
/* What a toolstack writes for a new device, and to remove it. */
void plug(void);
void unplug(void);
/* Begin to drive an end. */
void back_begin(void);
void front_begin(void);
/* Run both ends and, if @disk, the disk, until nothing moves. */
void run(bool disk);
/* Begin both and require that they are connected. */
void connect(void);
/* Connect, and have the front end ask @o of a disk that defers it. */
void under_way(struct blk_operation *o);
/* An operation whose end is counted. */
struct blk_operation operation(enum blk_op op, uint64_t sector, uint64_t sectors);
/* Do one, return its result. */
int do_one(enum blk_op op, uint64_t sector, uint64_t sectors);
/* Require that what is written is read. */
void works(void);
