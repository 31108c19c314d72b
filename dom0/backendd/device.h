/* One virtual disk: the process that serves it, and its successors.
 *
 * A device is known by its directory in the store. It has a process from when its image can be opened until the
 * process says that the device is gone (exit status 0) and the store agrees; if it dies otherwise a successor starts, once
 * the last operation of the dead one has ended. What a successor needs is in the records, a file in tmpfs, so that it
 * outlives backendd, too. Neighbours: broker.c does what the process asks for; roster.c knows all devices. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/backend/link.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/store_client.h"

#define DEVICE_PATH 128

struct device {
	struct device *next;		/* in the roster */
	const struct device_host *host;
	uint16_t domid;
	uint32_t number;
	uid_t uid;			/* its process's own */
	char path[DEVICE_PATH];		/* the back end's directory */
	char front[DEVICE_PATH];	/* the front end's */
	int records;
	bool ended;			/* its last process has said so */
	bool refused;			/* it cannot be served, and the store says why */

	pid_t pid;			/* 0: there is no process */
	int socket;
	struct gntdev grants;
	char watch[LINK_WATCHES_MAX][DEVICE_PATH];	/* "": none */
	struct loop_source asks, ends;
	struct loop_timer retry;
	uint64_t started_ns;
	uint32_t hurry;			/* deaths in a row that came soon */
};

struct device_host {
	struct loop *loop;
	struct store *store;
	const char *run_dir;		/* of the records */
	const char *blkback;		/* the program */
	/* @d has ended, with all its operations, or is refused from now on: forget it, if it is not only refused. */
	void (*ended)(struct device *d);
};

/* Make the device of the directory @path and start its process as @uid; *@out is to be given to device_free(). What is
 * wrong with the device is told in the store and makes it refused. -Exxx: it is no device. */
int device_open(struct device **out, const struct device_host *host, uint16_t domid, uint32_t number,
		const char *path, uid_t uid) MUST_CHECK;
/* The store has no such device, or wants it to end. */
bool device_offline(const struct device *d) MUST_CHECK;
/* Forget it, its process killed, its records removed. */
void device_free(struct device *d);

/* broker.c: do what the process asks for; false: it asks for what it must not, end it. */
bool broker_serve(struct device *d) MUST_CHECK;
/* Tell the process that its watch @number fired. */
void broker_changed(struct device *d, uint32_t number);
/* End all watches. */
void broker_end(struct device *d);
