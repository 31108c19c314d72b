/* The contracts are in disk_ring.h and disk.h. */
#include "dom0/blkback/disk_ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include "dom0/lib/log.h"

#define REAP_BATCH	64u
#define USES_TO_FIX	64u

static_assert(sizeof(struct blk_piece) == sizeof(struct iovec) &&
	      offsetof(struct blk_piece, bytes) == offsetof(struct iovec, iov_len), "a piece is an iovec");

static struct disk_ring *ring_of(struct disk *d)
{
	return PV_CONTAINER_OF(d, struct disk_ring, disk);
}

/* ---- bounce buffers ---- */

/* Let the ring have the pages of @chunk, or let go of them. False: it keeps what it had. */
static bool chunk_set(struct disk_ring *d, uint32_t chunk, bool has)
{
	struct iovec iov = { d->disk.bounce->memory + (size_t)chunk * BOUNCE_CHUNK_BYTES, BOUNCE_CHUNK_BYTES };
	__u64 tag = 0;

	if (!has)
		iov = (struct iovec){ NULL, 0 };
	if (io_uring_register_buffers_update_tag(&d->ring, chunk, &iov, &tag, 1) == 1)
		d->has[chunk] = has;
	return d->has[chunk] == has;
}

/* Whether the ring has the pages that @r's data is in. They are worth having when they are used again and again. */
static bool is_fixed(struct disk_ring *d, const struct blk_io_request *r)
{
	uint32_t chunk;

	if (!d->disk.bounce || !bounce_has(d->disk.bounce, r))
		return false;
	chunk = bounce_chunk(d->disk.bounce, r);
	if (++d->uses[chunk] == USES_TO_FIX)
		(void)!chunk_set(d, chunk, true);
	return d->has[chunk];
}

static void let_go(struct disk *disk)
{
	struct disk_ring *d = ring_of(disk);

	for (uint32_t i = 0; i < BOUNCE_CHUNKS; i++) {
		d->uses[i] = 0;
		if (d->has[i] && !chunk_set(d, i, false))
			log_error("io_uring keeps memory");
	}
}

/* ---- operations ---- */

static void prepare_data(struct disk_ring *d, struct io_uring_sqe *sqe, const struct blk_io_request *r)
{
	uint64_t at = r->sector * BLK_SECTOR_BYTES;
	const struct blk_piece *piece = r->piece;
	bool write = r->op == BLK_WRITE;

	if (!is_fixed(d, r)) {
		io_uring_prep_rw(write ? IORING_OP_WRITEV : IORING_OP_READV, sqe, 0, piece, r->pieces, at);
		return;
	}
	io_uring_prep_rw(write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED, sqe, 0, piece->addr, (unsigned int)piece->bytes, at);
	sqe->buf_index = (uint16_t)bounce_chunk(d->disk.bounce, r);
}

static void prepare(struct disk_ring *d, struct io_uring_sqe *sqe, struct blk_io_request *r)
{
	off_t at = (off_t)(r->sector * BLK_SECTOR_BYTES), bytes = (off_t)(r->sectors * BLK_SECTOR_BYTES);

	switch (r->op) {
	case BLK_READ:
	case BLK_WRITE:
		prepare_data(d, sqe, r);
		break;
	case BLK_DISCARD:
		io_uring_prep_fallocate(sqe, 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, bytes);
		break;
	default:
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
	}
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, r);
}

static void start(struct disk *d)
{
	struct io_uring *ring = &ring_of(d)->ring;
	int n;

	while (io_uring_sq_ready(ring)) {
		n = io_uring_submit(ring);
		if (n == -EINTR || n == -EAGAIN || n == -EBUSY)
			continue;	/* short of memory, for now */
		if (n < 0) {
			log_error("io_uring: error %d", -n);
			return;
		}
	}
}

static void submit(struct disk *disk, struct blk_io_request *r)
{
	struct disk_ring *d = ring_of(disk);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&d->ring);

	if (!sqe) {
		start(&d->disk);
		sqe = io_uring_get_sqe(&d->ring);
	}
	if (sqe)
		prepare(d, sqe, r);
	else
		disk_done(disk, r, -XEN_EIO);
}

static bool has_ended(const struct disk *d)
{
	const struct disk_ring *r = PV_CONTAINER_OF(d, const struct disk_ring, disk);

	return io_uring_cq_ready(&r->ring) > 0;
}

static unsigned int reap(struct disk *d)
{
	struct io_uring *ring = &ring_of(d)->ring;
	struct io_uring_cqe *cqe[REAP_BATCH];
	unsigned int n, all = 0;

	while ((n = io_uring_peek_batch_cqe(ring, cqe, REAP_BATCH)) > 0) {
		for (unsigned int i = 0; i < n; i++) {
			struct blk_io_request *r = io_uring_cqe_get_data(cqe[i]);

			disk_done(d, r, disk_outcome(r, cqe[i]->res));
		}
		io_uring_cq_advance(ring, n);
		all += n;
	}
	return all;
}

static void ring_close(struct disk *d)
{
	io_uring_queue_exit(&ring_of(d)->ring);
}

static int restrict_to_file(struct io_uring *ring, int file)
{
	static const unsigned char operations[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED, IORING_OP_FSYNC, IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction r[ARRAY_LEN(operations) + 3] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_BUFFERS_UPDATE },
	};
	int err = io_uring_register_files(ring, &file, 1);

	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		r[i + 3] = (struct io_uring_restriction){ .opcode = IORING_RESTRICTION_SQE_OP,
							  .sqe_op = operations[i] };
	if (!err)
		err = io_uring_register_buffers_sparse(ring, BOUNCE_CHUNKS);
	if (!err)
		err = io_uring_register_restrictions(ring, r, ARRAY_LEN(r));
	return err ? err : io_uring_enable_rings(ring);
}

int disk_ring_open(struct disk_ring *d, int file, unsigned int entries)
{
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	int err = io_uring_queue_init_params(entries, &d->ring, &params);

	if (err)
		return err;
	d->disk = (struct disk){
		.io.submit = disk_submit, .submit = submit, .fd = d->ring.ring_fd, .events = POLLIN, .start = start, .has_ended = has_ended, .reap = reap,
		.let_go = let_go, .close = ring_close,
	};
	err = restrict_to_file(&d->ring, file);
	if (err)
		io_uring_queue_exit(&d->ring);
	return err;
}
