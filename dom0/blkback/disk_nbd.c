/* The contracts are in disk_nbd.h and disk.h.
 *
 * libnbd sends and receives in reap() and submit(), as far as the socket lets it; its callbacks only put operations on a list. */
#include "dom0/blkback/disk_nbd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

#define ANSWER_SECONDS	10u		/* that a server may take to offer its export */
#define TRIM_BYTES	(1u << 30)	/* at once: the protocol has 32 bits */

static struct disk_nbd *nbd_of(struct disk *d)
{
	return PV_CONTAINER_OF(d, struct disk_nbd, disk);
}

/* ---- operations ---- */

static NORETURN void lost(const char *why)
{
	log_error("the connection to the NBD server is lost: %s", why);
	exit(1);
}

static void add(struct nbd_operation **list, struct nbd_operation *o)
{
	o->next = *list;
	*list = o;
}

static int told(void *operation, int *err)
{
	struct nbd_operation *o = operation;

	o->err = *err;
	add(&o->disk->ended, o);
	return 1;	/* libnbd keeps nothing of it */
}

static int64_t begin_op(struct nbd_operation *o)
{
	struct blk_io_request *r = o->r;
	struct nbd_handle *nbd = o->disk->nbd;
	nbd_completion_callback end = { .callback = told, .user_data = o };
	uint64_t at = r->sector * BLK_SECTOR_BYTES, bytes = r->sectors * BLK_SECTOR_BYTES;

	switch (r->op) {
	case BLK_READ:
		return nbd_aio_pread(nbd, r->piece[0].addr, bytes, at, end, 0);
	case BLK_WRITE:
		return nbd_aio_pwrite(nbd, r->piece[0].addr, bytes, at, end, 0);
	case BLK_DISCARD:
		bytes -= o->trimmed;
		return nbd_aio_trim(nbd, bytes < TRIM_BYTES ? bytes : TRIM_BYTES, at + o->trimmed, end, 0);
	default:
		return nbd_aio_flush(nbd, end, 0);
	}
}

/* What libnbd refuses to send is wrong; if it is not the connection's end, it is this operation's. */
static void begin(struct nbd_operation *o)
{
	struct disk_nbd *d = o->disk;

	if (begin_op(o) >= 0)
		return;
	if (nbd_aio_is_dead(d->nbd) || nbd_aio_is_closed(d->nbd))
		lost(nbd_get_error());
	o->err = EIO;
	add(&d->ended, o);
}

static void submit(struct disk *disk, struct blk_io_request *r)
{
	struct disk_nbd *d = nbd_of(disk);
	struct nbd_operation *o = d->idle;

	if (!o) {
		disk_done(disk, r, -XEN_EIO);
		return;
	}
	d->idle = o->next;
	o->r = r;
	o->trimmed = 0;
	begin(o);
}

/* @o has ended. False: it goes on. */
static bool finish(struct nbd_operation *o)
{
	struct blk_io_request *r = o->r;

	if (r->op == BLK_DISCARD && !o->err) {
		uint64_t left = r->sectors * BLK_SECTOR_BYTES - o->trimmed;

		o->trimmed += left < TRIM_BYTES ? left : TRIM_BYTES;
		if (left > TRIM_BYTES) {
			begin(o);
			return false;
		}
	}
	add(&o->disk->idle, o);
	disk_done(&o->disk->disk, r, -o->err);
	return true;
}

/* ---- the disk ---- */

/* What the socket is to be polled for. */
static void look(struct disk_nbd *d)
{
	unsigned int way = nbd_aio_get_direction(d->nbd);

	d->disk.events = (short)((way & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
				 (way & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
}

static void start(struct disk *d)
{
	look(nbd_of(d));
}

/* Replies are taken by reap() alone. */
static bool has_ended(const struct disk *disk)
{
	return PV_CONTAINER_OF(disk, const struct disk_nbd, disk)->ended != NULL;
}

/* A connection that has ended ends libnbd's operations, too, which have not ended at all. */
static void exchange(struct disk_nbd *d)
{
	int more = 1;

	while (more > 0 && !nbd_aio_is_closed(d->nbd))
		more = nbd_poll(d->nbd, 0);
	if (nbd_aio_is_closed(d->nbd))
		lost("the server has closed it");
	if (more < 0 || nbd_aio_is_dead(d->nbd))
		lost(nbd_get_error());
	for (const struct nbd_operation *o = d->ended; o; o = o->next)
		if (o->err == ESHUTDOWN || o->err == ENOTCONN)
			lost("the server goes down");
}

static unsigned int reap(struct disk *disk)
{
	struct disk_nbd *d = nbd_of(disk);
	struct nbd_operation *o, *next;
	unsigned int all = 0;

	exchange(d);
	o = d->ended;
	d->ended = NULL;
	for (; o; o = next) {
		next = o->next;
		all += finish(o);
	}
	look(d);
	return all;
}

static void nbd_end(struct disk *disk)
{
	struct disk_nbd *d = nbd_of(disk);

	(void)!nbd_aio_disconnect(d->nbd, 0);
	nbd_close(d->nbd);
	free(d->operation);
	bounce_close(&d->bounce);
}

void disk_nbd_leave(struct disk_nbd *d)
{
	int fd = nbd_aio_get_fd(d->nbd);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	ssize_t n = shutdown(fd, SHUT_WR);

	while (n >= 0) {
		(void)!poll(&p, 1, -1);
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n == 0)
			return;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			n = 0;
	}
}

/* ---- opening ---- */

static int failed(struct nbd_handle *nbd, char **why, const char *words)
{
	const char *error = nbd_get_error();

	/* What libnbd says is its own, and goes with it. */
	*why = mem_printf("%s", words ? words : error ? error : "no reason given");
	nbd_close(nbd);
	return -EIO;
}

/* What the server says of the export. Words, if it cannot be a disk. */
static const char *export_read(struct disk_nbd *d)
{
	int64_t bytes = nbd_get_size(d->nbd), least = nbd_get_block_size(d->nbd, LIBNBD_SIZE_MINIMUM);

	if (bytes < 0)
		return "the export has no size";
	if (least < 0 || least > PV_PAGE || (least & (least - 1)))
		return "the export takes blocks of more than 4096 bytes only";
	d->sector_bytes = least > BLK_SECTOR_BYTES ? (uint32_t)least : BLK_SECTOR_BYTES;
	d->sectors = (uint64_t)bytes / d->sector_bytes * (d->sector_bytes / BLK_SECTOR_BYTES);
	d->read_only = nbd_is_read_only(d->nbd) != 0;
	d->flush = nbd_can_flush(d->nbd) > 0;
	d->discard = !d->read_only && nbd_can_trim(d->nbd) > 0;
	return d->sectors ? NULL : "the export is empty";
}

/* Say what we want of the server, and wait for it. */
static int connect_to(struct nbd_handle *nbd, int socket, const char *export)
{
	if (nbd_set_export_name(nbd, export) || nbd_set_request_structured_replies(nbd, false) ||
	    nbd_set_pread_initialize(nbd, false) || nbd_aio_connect_socket(nbd, socket))
		return -1;
	for (unsigned int i = 0; nbd_aio_is_connecting(nbd) && i < ANSWER_SECONDS * 10; i++)
		if (nbd_poll(nbd, 100) < 0)
			return -1;
	return nbd_aio_is_ready(nbd) ? 0 : -1;
}

int disk_nbd_open(struct disk_nbd *d, int socket, const char *export, unsigned int entries, char **why)
{
	const char *words;

	*d = (struct disk_nbd){
		.disk = { .io.submit = disk_submit, .submit = submit, .start = start, .has_ended = has_ended, .reap = reap, .close = nbd_end },
		.nbd = nbd_create(),
	};
	if (!d->nbd)
		return failed(NULL, why, NULL);
	if (connect_to(d->nbd, socket, export))
		return failed(d->nbd, why, nbd_aio_is_connecting(d->nbd) ? "the server does not answer" : NULL);
	words = export_read(d);
	if (words)
		return failed(d->nbd, why, words);
	if (bounce_open(&d->bounce))
		return failed(d->nbd, why, "no memory");
	d->disk.bounce = &d->bounce;
	d->disk.fd = nbd_aio_get_fd(d->nbd);
	d->operation = mem_alloc(entries * sizeof d->operation[0]);
	for (unsigned int i = 0; i < entries; i++) {
		d->operation[i].disk = d;
		add(&d->idle, &d->operation[i]);
	}
	look(d);
	return 0;
}
