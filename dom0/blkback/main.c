/* blkback: serves one virtual disk of one guest. Started by backendd, with the descriptors of dom0/backend/link.h.
 *
 * Its parts are pvdrivers/vbd_back (the device), dom0/backend/port (what of dom0 it can reach), disk.h (the ways to
 * do I/O) and size.c. It holds nothing
 * that its death loses: what a successor needs is in the records. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/backend/port.h"
#include "dom0/backend/process.h"
#include "dom0/blkback/disk_nbd.h"
#include "dom0/blkback/disk_ring.h"
#include "dom0/blkback/disk_threads.h"
#include "dom0/blkback/size.h"
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "pvdrivers/vbd_back.h"

#define JOBS		64u	/* requests under way at once */
#define SEGMENTS	64u	/* pages of a request, at most */
#define KEPT_PAGES	2048u	/* that stay mapped */
#define RING_ORDER	4u
#define CONNECT_MS	10000
#define ROUNDS		16	/* of work between two looks at what else there is */

static_assert(LINK_RINGS_MAX * (1u << RING_ORDER) + KEPT_PAGES + JOBS * SEGMENTS <= LINK_BLOCK_PAGES,
	      "it may have all the pages that it can need at once");

static struct port port;
static struct disk_ring ring;
static struct disk_threads threads;
static struct disk_nbd nbd;
static struct bounce bounce;
static struct disk *disk;
static struct size size;
static struct vbd_back vbd;

/* The descriptor is closed: what maps the file cannot make it longer. */
static struct blk_record *records_map(uint32_t rings)
{
	void *va = mmap(NULL, rings * sizeof(struct blk_record), PROT_READ | PROT_WRITE, MAP_SHARED,
			LINK_FD_RECORDS, 0);

	if (va == MAP_FAILED)
		daemon_fail("records", -errno);
	close(LINK_FD_RECORDS);
	return va;
}

static void device_set(const struct link_start *s)
{
	bool flush = !s->nbd || nbd.flush, discard = !s->read_only && (!s->nbd || nbd.discard);

	vbd.max_rings = s->rings;
	vbd.max_ring_order = RING_ORDER;
	vbd.kept_pages = KEPT_PAGES;
	vbd.record = records_map(s->rings);
	vbd.config = (struct blk_config){
		.io = &disk->io, .jobs = JOBS,
		.operations = { .per_second = s->operations_per_second, .burst_ns = s->burst_ms * 1000000ull },
		.bytes = { .per_second = s->bytes_per_second, .burst_ns = s->burst_ms * 1000000ull },
		.limits = {
			.sectors = s->sectors, .sector_bytes = s->sector_bytes, .max_segments = SEGMENTS,
			.read_only = s->read_only, .flush = flush, .barrier = flush, .discard = discard,
			.secure_discard = discard && s->secure_discard,
		},
	};
}

/* Take requests, do them and answer them; what is in the page cache is read while it is asked for. True: there is more,
 * for when others had their turn. */
static bool work(void)
{
	bool more = true;

	for (int round = 0; more && round < ROUNDS; round++) {
		disk->reap(disk);
		vbd_back_run(&vbd);
		disk->start(disk);
		more = vbd.again || disk->has_ended(disk);
	}
	return more;
}

/* How long there is nothing to do unless someone says so; NULL: for ever. */
static const struct timespec *pause_of(bool more, struct timespec *t)
{
	uint64_t ns = more || port.kept ? 0 : vbd.wait_ns;

	*t = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	return more || port.kept || vbd.wait_ns ? t : NULL;
}

/* What is done every second. */
static void look(void)
{
	if (size_look(&size))
		vbd_back_resize(&vbd, size.sectors);
	disk_trim(disk);
}

static void serve(void)
{
	struct pollfd wait[] = {
		{ .fd = LINK_FD_SOCKET, .events = POLLIN },
		{ .fd = LINK_FD_EVENTS, .events = POLLIN },
		{ .fd = disk->fd },
		{ .fd = size.timer, .events = POLLIN },
	};
	struct timespec t;
	bool more = false;

	while (!vbd.device.gone) {
		wait[2].events = disk->events;
		if (ppoll(wait, ARRAY_LEN(wait), pause_of(more, &t), NULL) < 0 && errno != EINTR)
			daemon_fail("poll", -errno);
		port_run(&port, wait[0].revents, wait[1].revents);
		if (wait[3].revents)
			look();
		more = work();
	}
}

/* Open the file and enter the sandbox. */
static void file_open(struct link_start *s)
{
	const struct process_rights *rights = &process_blkback;
	int err = disk_ring_open(&ring, LINK_FD_DISK, JOBS);

	disk = &ring.disk;
	if (err) {
		log_info("no io_uring: %s: threads do its work", strerror(-err));
		err = disk_threads_open(&threads, LINK_FD_DISK);
		disk = &threads.disk;
		rights = &process_blkback_threads;
	}
	if (!err)
		err = size_open(&size, LINK_FD_DISK, s->sector_bytes, s->sectors);
	if (!err && disk_past_cache(LINK_FD_DISK, s->sector_bytes)) {
		disk->bounce = &bounce;
		err = bounce_open(&bounce);
	}
	if (err)
		daemon_fail("disk", err);
	process_confine(rights, s->uid);
}

/* ---- exports ---- */

/* backendd waits for what we leave behind; if it has gone, we do: the next one sees us until then. */
static void nbd_leave(void)
{
	struct pollfd p = { .fd = LINK_FD_SOCKET };

	if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
		disk_nbd_leave(&nbd);
}

/* The socket may still be being connected. */
static void connected(void)
{
	struct pollfd p = { .fd = LINK_FD_DISK, .events = POLLOUT };
	socklen_t bytes = sizeof(int);
	int err = ETIMEDOUT;

	if (poll(&p, 1, CONNECT_MS) > 0 && getsockopt(LINK_FD_DISK, SOL_SOCKET, SO_ERROR, &err, &bytes) < 0)
		err = errno;
	if (err)
		port_refuse(&port, strerror(err));
}

/* Enter the sandbox and open the export: what its server says is read there. What the disk is goes to @s. */
static void export_open(struct link_start *s)
{
	char *why;

	int err = size_open(&size, -1, BLK_SECTOR_BYTES, 0);

	if (err)
		daemon_fail("timer", err);
	connected();
	process_confine(&process_blkback_nbd, s->uid);
	if (disk_nbd_open(&nbd, LINK_FD_DISK, s->export, JOBS, &why))
		port_refuse(&port, why);
	atexit(nbd_leave);
	disk = &nbd.disk;
	s->sectors = nbd.sectors;
	s->sector_bytes = nbd.sector_bytes > s->sector_bytes ? nbd.sector_bytes : s->sector_bytes;
	s->sectors -= s->sectors % (s->sector_bytes / BLK_SECTOR_BYTES);
	s->read_only |= nbd.read_only;
}

int main(void)
{
	struct link_start start = process_begin("blkback");
	int err;

	port_open(&port);
	(start.nbd ? export_open : file_open)(&start);
	device_set(&start);
	err = vbd_back_open(&vbd, &port.os, start.path);
	if (err)
		daemon_fail(start.path, err);
	serve();
	return 0;
}
