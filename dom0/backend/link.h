/* Between backendd and the process of one device: messages over a SOCK_SEQPACKET pair.
 *
 * The process serves a hostile guest and may be anything after that; so it asks backendd for what only a
 * privileged process can do, and backendd does it for this device's guest and store directories alone. A request
 * has one reply, in order; what backendd says unasked may come between. A message of another form than these ends
 * the process. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "protocol/grant_table.h"

#define LINK_REFS_MAX		512u	/* pages of one LINK_MAP */
#define LINK_BLOCK_PAGES	8192u	/* that a block device's process may have mapped at once */
#define LINK_TEXT_MAX		512u	/* a path and a value, with their NULs */
#define LINK_WATCHES_MAX	4u	/* of a process */

/* Descriptors that a process of a device is started with. */
enum link_fd {
	LINK_FD_SOCKET = 3,
	LINK_FD_GRANTS,		/* /dev/xen/gntdev: to mmap() where backendd has reserved */
	LINK_FD_EVENTS,		/* /dev/xen/evtchn, restricted to the guest */
	LINK_FD_OWN,		/* from here on, what the process is for */
	/* A block device's. */
	LINK_FD_RECORDS = LINK_FD_OWN,	/* memory that outlives the process: the records of its rings */
	LINK_FD_DISK,
	/* A network device's: as many as it has queues. */
	LINK_FD_TAP = LINK_FD_OWN,
};

#define LINK_RINGS_MAX		4u	/* of a block device */
#define LINK_QUEUES_MAX		4u
#define LINK_FD_COUNT		(LINK_FD_OWN + (int)LINK_QUEUES_MAX)	/* one more than the last can be */

enum link_type {
	/* Requests. */
	LINK_MAP,		/* refs; flags: LINK_TOGETHER. Reply: an index for each page, or for all. -ENOSPC: it has as
				 * many as it may have */
	LINK_UNMAP,		/* index of what is no longer mapped; flags: pages at each. No reply */
	LINK_STORE_READ,	/* text: path. Reply: text */
	LINK_STORE_WRITE,	/* text: path of a node that a back end writes, value */
	LINK_STORE_WATCH,	/* text: path; flags: the watch's number. LINK_CHANGED comes once at first */
	LINK_STORE_UNWATCH,	/* text: path; flags: the watch's number */
	LINK_REFUSED,		/* text: why the process cannot serve the device, and ends. No reply */
	/* What backendd says. */
	LINK_START,		/* start: once, before all else */
	LINK_REPLY,		/* err: 0 or -Exxx */
	LINK_CHANGED,		/* flags: the number of a watch */
};

#define LINK_TOGETHER 1u

/* Who the process is and what it serves. It stands in no memory that a predecessor can still write to. */
struct link_start {
	char path[256];		/* of the back end's directory in the store */
	uint32_t uid;
	uint32_t rings;		/* that there are records of, or queues */
	/* A block device's. */
	uint64_t sectors;	/* of 512 bytes */
	uint32_t sector_bytes;
	uint32_t read_only;
	uint32_t nbd;		/* LINK_FD_DISK is a socket to the server of an export; sector_bytes is what is wanted, or 0 */
	char export[256];
	uint32_t secure_discard;	/* by overwriting */
	uint32_t burst_ms;	/* of these limits; 0: there is none */
	uint64_t bytes_per_second;
	uint64_t operations_per_second;
};

struct link_message {
	uint32_t type;		/* enum link_type */
	int32_t err;
	uint32_t count;		/* of refs or indices; bytes of text, with its NULs */
	uint32_t flags;		/* or a number */
	union {
		grant_ref_t ref[LINK_REFS_MAX];
		uint64_t index[LINK_REFS_MAX];	/* where to mmap() the page in LINK_FD_GRANTS */
		char text[LINK_TEXT_MAX];
		struct link_start start;
	};
};

/* Send @m with @bytes of what is in its union. -EPIPE: the other end is gone; -EAGAIN: it does not read. */
int link_send(int fd, const struct link_message *m, size_t bytes) MUST_CHECK;
/* Receive one. *@bytes: of its union. -EPIPE: the other end is gone; -EAGAIN: none, with MSG_DONTWAIT as @flags;
 * -EPROTO: it is no message. */
int link_receive(int fd, struct link_message *m, size_t *bytes, int flags) MUST_CHECK;
/* The string that ends @m's @bytes of text, after @skip strings; NULL: there is none. */
const char *link_string(const struct link_message *m, size_t bytes, unsigned int skip) MUST_CHECK;
