/* One device of a guest's: the process that serves it, and its successors.
 *
 * A device is known by its directory in the store. It has a process from when what that serves can be opened until the
 * process says that the device is gone (exit status 0) and the store agrees; if it dies otherwise a successor starts, once
 * the last operation of the dead one has ended. What outlives processes and backendd, too, stands in the device's file, in
 * tmpfs. Neighbours: vbd.c and vif.c are what differs between devices; broker.c does what the process asks for; roster.c
 * knows all devices. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/backend/link.h"
#include "dom0/backendd/nbd.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/store_client.h"

#define DEVICE_PATH 128

enum device_type {
	DEVICE_VBD,
	DEVICE_VIF,
	DEVICE_TYPES,
};

struct device {
	struct device *next;		/* in the roster */
	const struct device_host *host;
	const struct device_kind *kind;
	uint16_t domid;
	uint32_t number;
	uid_t uid;			/* its process's own */
	char path[DEVICE_PATH];		/* the back end's directory */
	char front[DEVICE_PATH];	/* the front end's */
	int file;			/* -1: none */
	bool ended;			/* its last process has said so */
	bool refused;			/* it cannot be served, and the store says why */

	pid_t pid;			/* 0: there is no process */
	int socket;
	struct gntdev grants;
	uint32_t pages;			/* of the guest's that the process has reserved there */
	bool overdrawn;			/* a process has asked for more than it may have, and the log says so */
	char watch[LINK_WATCHES_MAX][DEVICE_PATH];	/* "": none */
	struct loop_source asks, ends;
	struct loop_timer retry;
	uint64_t started_ns;
	uint32_t hurry;			/* deaths in a row that came soon */

	/* A disk's. */
	struct nbd nbd;

	/* A network interface's. */
	int tap[LINK_QUEUES_MAX];
	uint32_t taps;			/* that are open */
};

/* What a process is started with. */
struct device_gift {
	struct link_start start;
	int fd[LINK_FD_COUNT - LINK_FD_OWN];	/* to be LINK_FD_OWN and on */
	uint32_t fds;
	uint32_t spares;		/* the last so many of these only the process needs */
	uint64_t later_ns;		/* after -EAGAIN: when to try again; 0: soon */
	char what[257];			/* that could not be opened */
};

/* What differs between the types of devices. */
struct device_kind {
	enum device_type type;
	const char *name;		/* of the type, in paths of the store */
	const char *program;		/* in messages */
	const char *const *nodes;	/* that a process may write, ended by NULL: what a back end says of itself */
	size_t file_bytes;		/* of its file, all zero at first */
	uint32_t pages;			/* of the guest's that a process may have mapped at once */
	/* Open what a process of @d needs, and fill in @g but for start.path and start.uid. -EAGAIN: operations of a
	 * dead one use it still; another -Exxx: @d is refused for g->what. */
	int (*open)(struct device *d, struct device_gift *g);
	/* Whether operations of a dead process go on. NULL: there never are such. */
	bool (*busy)(struct device *d);
	/* Remove what @d's processes had in common, by its file alone if need be. NULL: there is nothing. */
	void (*remove)(struct device *d);
};
extern const struct device_kind *const device_kinds[DEVICE_TYPES];
extern const struct device_kind vbd_kind, vif_kind;

struct device_host {
	struct loop *loop;
	struct store *store;
	const char *run_dir;		/* of the devices' files */
	const char *program[DEVICE_TYPES];
	/* @d has ended, with all its operations, or is refused from now on: forget it, if it is not only refused. */
	void (*ended)(struct device *d);
};

/* Make the device of the directory @path and start its process as @uid; *@out is to be given to device_free(). What is
 * wrong with the device is told in the store and makes it refused. -Exxx: it is no device. */
int device_open(struct device **out, const struct device_host *host, const struct device_kind *kind, uint16_t domid,
		uint32_t number, const char *path, uid_t uid) MUST_CHECK;
/* The store has no such device, or wants it to end. */
bool device_offline(const struct device *d) MUST_CHECK;
/* Forget it, its process killed, its file and its error removed. */
void device_free(struct device *d);
/* Remove what is left of a device whose end backendd has not seen. */
void device_clear(const struct device_host *host, const struct device_kind *kind, uint16_t domid, uint32_t number);

/* The process says that it cannot serve @d, and @why. It is believed while @d has not been offered to its guest: later it is
 * started again, as often as it takes. */
void device_refuse(struct device *d, const char *why);
/* Whether a process has offered @d to its guest. */
bool device_is_offered(const struct device *d) MUST_CHECK;

/* For vbd.c and vif.c: the value of a node of the back end's directory, as store_read_buf(). */
int device_read(const struct device *d, const char *node, char *value, size_t size) MUST_CHECK;

/* broker.c: do what the process asks for; false: it asks for what it must not, end it. */
bool broker_serve(struct device *d) MUST_CHECK;
/* Tell the process that its watch @number fired. */
void broker_changed(struct device *d, uint32_t number);
/* End all watches. */
void broker_end(struct device *d);
