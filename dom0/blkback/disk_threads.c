/* The contracts are in disk_threads.h and disk.h.
 *
 * Operations go to the threads by one list and come back by another; the descriptor that the first thread sees empty tells
 * that there are some. What a thread is doing when the process is killed ends before the file's description goes. */
#include "dom0/blkback/disk_threads.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include "dom0/lib/log.h"

static_assert(sizeof(struct blk_piece) == sizeof(struct iovec) &&
	      offsetof(struct blk_piece, bytes) == offsetof(struct iovec, iov_len), "a piece is an iovec");

static struct disk_threads *threads_of(struct disk *d)
{
	return PV_CONTAINER_OF(d, struct disk_threads, disk);
}

static void add(struct requests *list, struct blk_io_request *r)
{
	r->next = NULL;
	if (list->first)
		list->last->next = r;
	else
		__atomic_store_n(&list->first, r, __ATOMIC_RELAXED);
	list->last = r;
}

/* ---- a thread ---- */

static int64_t perform(int file, const struct blk_io_request *r)
{
	const struct iovec *iov = (const struct iovec *)(const void *)r->piece;
	off_t at = (off_t)(r->sector * BLK_SECTOR_BYTES), bytes = (off_t)(r->sectors * BLK_SECTOR_BYTES);
	ssize_t n;

	switch (r->op) {
	case BLK_READ:
		n = preadv(file, iov, (int)r->pieces, at);
		break;
	case BLK_WRITE:
		n = pwritev(file, iov, (int)r->pieces, at);
		break;
	case BLK_DISCARD:
		n = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, bytes);
		break;
	default:
		n = fdatasync(file);
	}
	return n < 0 ? -errno : n;
}

/* Called and left with the lock. */
static void one_done(struct disk_threads *d, struct blk_io_request *r)
{
	bool tell = !d->ended.first;

	add(&d->ended, r);
	if (tell && eventfd_write(d->disk.fd, 1) < 0)
		log_error("eventfd: error %d", errno);
}

static void *work(void *arg)
{
	struct disk_threads *d = arg;
	struct blk_io_request *r;

	pthread_mutex_lock(&d->lock);
	while (!d->closing) {
		r = d->asked.first;
		if (!r) {
			pthread_cond_wait(&d->come, &d->lock);
			continue;
		}
		d->asked.first = r->next;
		pthread_mutex_unlock(&d->lock);
		r->result = perform(d->file, r);
		pthread_mutex_lock(&d->lock);
		one_done(d, r);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- the process's own thread ---- */

static void submit(struct disk *disk, struct blk_io_request *r)
{
	struct disk_threads *d = threads_of(disk);

	pthread_mutex_lock(&d->lock);
	add(&d->asked, r);
	pthread_cond_signal(&d->come);
	pthread_mutex_unlock(&d->lock);
}

static void start(struct disk *d)
{
	(void)d;
}

static bool has_ended(const struct disk *disk)
{
	const struct disk_threads *d = PV_CONTAINER_OF(disk, const struct disk_threads, disk);

	return __atomic_load_n(&d->ended.first, __ATOMIC_RELAXED) != NULL;
}

static unsigned int reap(struct disk *disk)
{
	struct disk_threads *d = threads_of(disk);
	struct blk_io_request *r, *next;
	unsigned int all = 0;
	eventfd_t told;

	if (!has_ended(disk))
		return 0;
	pthread_mutex_lock(&d->lock);
	r = d->ended.first;
	__atomic_store_n(&d->ended.first, NULL, __ATOMIC_RELAXED);
	(void)!eventfd_read(disk->fd, &told);
	pthread_mutex_unlock(&d->lock);
	for (; r; r = next, all++) {
		next = r->next;
		disk_done(disk, r, disk_outcome(r, r->result));
	}
	return all;
}

static void threads_close(struct disk *disk)
{
	struct disk_threads *d = threads_of(disk);

	pthread_mutex_lock(&d->lock);
	d->closing = true;
	pthread_cond_broadcast(&d->come);
	pthread_mutex_unlock(&d->lock);
	while (d->threads)
		pthread_join(d->thread[--d->threads], NULL);
	pthread_cond_destroy(&d->come);
	pthread_mutex_destroy(&d->lock);
	close(disk->fd);
}

int disk_threads_open(struct disk_threads *d, int file)
{
	int err = 0;

	*d = (struct disk_threads){
		.disk = {
			.io.submit = disk_submit, .submit = submit, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .events = POLLIN,
			.start = start,
			.has_ended = has_ended, .reap = reap, .close = threads_close,
		},
		.file = file, .lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER,
	};
	if (d->disk.fd < 0)
		return -errno;
	for (; d->threads < DISK_THREADS && !err; d->threads += !err)
		err = pthread_create(&d->thread[d->threads], NULL, work, d);
	if (err)
		threads_close(&d->disk);
	return -err;
}
