/* Devices of blocks: a process of blkback on an image or an NBD export, with the records of its rings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "dom0/backendd/image.h"
#include "protocol/io/xs_wire.h"
#include "pvdrivers/blk_back.h"

#define NBD_RETRY_NS	1000000000u	/* between two tries to connect */

static uint64_t mark(const struct device *d)
{
	return (uint64_t)d->domid << 32 | d->number;
}

/* What the toolstack wants of the disk. -EINVAL: a number that makes no sense, in the node g->what. */
static int wishes_read(const struct device *d, struct device_gift *g)
{
	static const struct {
		const char *node;
		uint64_t most;
	} wish[] = {
		{ "wanted-sector-size", 4096 }, { "burst-ms", UINT32_MAX }, { "bytes-per-second", 1ull << 53 },
		{ "operations-per-second", 1ull << 53 }, { "secure-discard", 1 },
	};
	uint64_t n[ARRAY_LEN(wish)] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(wish); i++) {
		char path[DEVICE_PATH + 32];
		int err;

		snprintf(g->what, sizeof g->what, "%s", wish[i].node);
		snprintf(path, sizeof path, "%s/%s", d->path, wish[i].node);
		err = store_read_u64(d->host->store, STORE_NO_TX, path, &n[i]);
		if ((err && err != -ENOENT) || n[i] > wish[i].most)
			return -EINVAL;
		if (i == 0 && n[i] && n[i] != 512 && n[i] != 4096)
			return -EINVAL;
	}
	g->start.sector_bytes = (uint32_t)n[0];
	g->start.burst_ms = (uint32_t)n[1];
	g->start.bytes_per_second = n[2];
	g->start.operations_per_second = n[3];
	g->start.secure_discard = (uint32_t)n[4];
	return 0;
}

/* ---- an image ---- */

static int open_image(struct device *d, struct device_gift *g, const char *target)
{
	struct image image;
	int err = image_open(&image, target, g->start.read_only, g->start.sector_bytes, mark(d));

	if (err)
		return err;
	if (image.busy) {
		close(image.fd);
		return -EAGAIN;
	}
	g->start.sectors = image.sectors;
	g->start.sector_bytes = image.sector_bytes;
	g->fd[LINK_FD_RECORDS - LINK_FD_OWN] = d->file;
	g->fd[LINK_FD_DISK - LINK_FD_OWN] = image.fd;
	g->spares = 1;
	return 0;
}

static bool image_used(const struct device *d, const char *target)
{
	struct image image;

	if (image_open(&image, target, true, 0, mark(d)))
		return false;
	close(image.fd);
	return image.busy;
}

/* ---- an export of an NBD server ---- */

/* Whether what the last process asked for is done, as far as that can be seen. */
static bool nbd_is_done(struct device *d)
{
	struct nbd *n = &d->nbd;

	if (!n->asked_ns && (n->socket >= 0 || n->server))
		nbd_part(n, loop_now_ns());
	return nbd_is_over(n, loop_now_ns());
}

/* The records, opened anew, with a lock that lasts as long as a process or server that has them open: those of a backendd
 * that died, too, for which we have no connection to look at. -EAGAIN: there is one. */
static int records_take(const struct device *d)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[32];
	int fd, err;

	snprintf(path, sizeof path, "/proc/self/fd/%d", d->file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	err = errno == EACCES ? -EAGAIN : -errno;
	close(fd);
	return err;
}

/* A server that is not there when the disk is in use may be on its way back. */
static int not_connected(struct device *d, struct device_gift *g, int err)
{
	if (!device_is_offered(d))
		return err;
	if (!d->nbd.missed)
		log_warn("%s: %s: %s: tried again until it is there", d->path, g->what, strerror(-err));
	d->nbd.missed = true;
	g->later_ns = NBD_RETRY_NS;
	return -EAGAIN;
}

static int open_nbd(struct device *d, struct device_gift *g, const struct nbd_uri *u)
{
	char path[128];
	int records, socket;

	if (!nbd_is_done(d))
		return -EAGAIN;
	records = records_take(d);
	if (records < 0)
		return records;
	snprintf(path, sizeof path, "%.80s/vbd-%u-%u.socket", d->host->run_dir, d->domid, d->number);
	socket = nbd_connect(&d->nbd, u, path, records);
	if (socket < 0) {
		close(records);
		return not_connected(d, g, socket);
	}
	g->start.nbd = 1;
	snprintf(g->start.export, sizeof g->start.export, "%s", u->export);
	g->fd[LINK_FD_RECORDS - LINK_FD_OWN] = records;
	g->fd[LINK_FD_DISK - LINK_FD_OWN] = socket;
	g->spares = 2;
	return 0;
}

static void nbd_remove(struct device *d)
{
	nbd_forget(&d->nbd);
}

/* ---- either ---- */

static int open_disk(struct device *d, struct device_gift *g)
{
	char target[XENSTORE_PAYLOAD_MAX + 1], mode[8];
	int err = device_read(d, "params", target, sizeof target);
	struct nbd_uri uri;
	const char *what;

	if (!err)
		err = device_read(d, "mode", mode, sizeof mode);
	snprintf(g->what, sizeof g->what, "params or mode");
	if (!err)
		err = wishes_read(d, g);
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "%.256s", target);
	g->start.rings = LINK_RINGS_MAX;
	g->start.read_only = mode[0] != 'w';
	g->fds = 2;
	if (!nbd_uri_is(target))
		return open_image(d, g, target);
	return nbd_uri_parse(&uri, target, &what) ? -EINVAL : open_nbd(d, g, &uri);
}

static bool disk_used(struct device *d)
{
	char target[XENSTORE_PAYLOAD_MAX + 1];

	if (device_read(d, "params", target, sizeof target) == 0 && !nbd_uri_is(target))
		return image_used(d, target);
	return !nbd_is_done(d);
}

/* The toolstack's nodes beside these say what the disk is and whose: a successor is started on the file that they name. */
static const char *const nodes[] = {
	"state", "sectors", "sector-size", "physical-sector-size", "info", "feature-flush-cache", "feature-barrier",
	"feature-discard", "discard-granularity", "discard-alignment", "discard-secure", "feature-persistent",
	"feature-max-indirect-segments", "multi-queue-max-queues", "max-ring-page-order", NULL,
};

const struct device_kind vbd_kind = {
	.type = DEVICE_VBD, .name = "vbd", .program = "blkback", .nodes = nodes,
	.file_bytes = LINK_RINGS_MAX * sizeof(struct blk_record), .pages = LINK_BLOCK_PAGES,
	.open = open_disk, .busy = disk_used, .remove = nbd_remove,
};
