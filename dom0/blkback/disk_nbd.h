/* A disk on an NBD export, by libnbd, over a socket that backendd has connected.
 *
 * The server is not trusted more than a guest: it can answer wrongly or never, and nothing else. What the guest is offered is
 * what the export can do. A connection that is lost ends the process, with no operation told to have ended: a successor
 * connects anew and does them again. Spec: NBD protocol, fixed newstyle, simple replies; libnbd(3). */
#pragma once
#include <libnbd.h>
#include "dom0/blkback/disk.h"

struct nbd_operation {
	struct disk_nbd *disk;
	struct blk_io_request *r;
	int err;			/* what came of it, as errno */
	uint64_t trimmed;		/* bytes that a discard has done */
	struct nbd_operation *next;	/* of those that are idle, or have ended */
};

struct disk_nbd {
	struct disk disk;
	struct nbd_handle *nbd;
	struct bounce bounce;
	struct nbd_operation *operation;
	struct nbd_operation *idle, *ended;	/* lists */
	/* What the export is. */
	uint64_t sectors;		/* of 512 bytes, whole ones of sector_bytes */
	uint32_t sector_bytes;		/* the least that it takes, at least 512 */
	bool read_only, flush, discard;
};

/* Make @d for at most @entries operations at once on @export, a name, of the server that @socket is or gets connected to;
 * the socket is @d's own from then on. -EIO, and *why in words, to be freed. */
int disk_nbd_open(struct disk_nbd *d, int socket, const char *export, unsigned int entries, char **why) MUST_CHECK;
/* Wait until the server has closed its end, which it may do only after its last operation. For who ends amid some. */
void disk_nbd_leave(struct disk_nbd *d);
