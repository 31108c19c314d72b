/* Devices of blocks: a process of blkback on an image, with the records of its rings. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "dom0/backendd/image.h"
#include "protocol/io/xs_wire.h"
#include "pvdrivers/blk_back.h"

#define RINGS 4u

static uint64_t mark(const struct device *d)
{
	return (uint64_t)d->domid << 32 | d->number;
}

static int open_image(struct device *d, struct device_gift *g)
{
	char target[XENSTORE_PAYLOAD_MAX + 1], mode[8];
	struct image image;
	int err = device_read(d, "params", target, sizeof target);

	if (!err)
		err = device_read(d, "mode", mode, sizeof mode);
	snprintf(g->what, sizeof g->what, "%.256s", err ? "params or mode" : target);
	if (!err)
		err = image_open(&image, target, mode[0] != 'w', mark(d));
	if (err)
		return err;
	if (image.busy) {
		close(image.fd);
		return -EAGAIN;
	}
	g->start = (struct link_start){
		.rings = RINGS, .sectors = image.sectors, .sector_bytes = image.sector_bytes, .read_only = mode[0] != 'w',
	};
	g->fd[LINK_FD_RECORDS - LINK_FD_OWN] = d->file;
	g->fd[LINK_FD_DISK - LINK_FD_OWN] = g->spare = image.fd;
	g->fds = 2;
	return 0;
}

static bool image_used(const struct device *d)
{
	char target[XENSTORE_PAYLOAD_MAX + 1];
	struct image image;

	if (device_read(d, "params", target, sizeof target) || image_open(&image, target, true, mark(d)))
		return false;
	close(image.fd);
	return image.busy;
}

/* The toolstack's nodes beside these say what the disk is and whose: a successor is started on the file that they name. */
static const char *const nodes[] = {
	"state", "sectors", "sector-size", "physical-sector-size", "info", "feature-flush-cache", "feature-barrier",
	"feature-discard", "discard-granularity", "discard-alignment", "discard-secure", "feature-persistent",
	"feature-max-indirect-segments", "multi-queue-max-queues", "max-ring-page-order", NULL,
};

const struct device_kind vbd_kind = {
	.type = DEVICE_VBD, .name = "vbd", .program = "blkback", .nodes = nodes, .file_bytes = RINGS * sizeof(struct blk_record),
	.open = open_image, .busy = image_used,
};
