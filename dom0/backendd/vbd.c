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

/* What the toolstack wants of the disk. -EINVAL: a number that makes no sense, in the node g->what. */
static int wishes_read(const struct device *d, struct device_gift *g)
{
	static const struct {
		const char *node;
		uint64_t most;
	} wish[] = {
		{ "wanted-sector-size", 4096 }, { "burst-ms", UINT32_MAX }, { "bytes-per-second", 1ull << 53 },
		{ "operations-per-second", 1ull << 53 },
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
	return 0;
}

static int open_image(struct device *d, struct device_gift *g)
{
	char target[XENSTORE_PAYLOAD_MAX + 1], mode[8];
	struct image image;
	int err = device_read(d, "params", target, sizeof target);

	if (!err)
		err = device_read(d, "mode", mode, sizeof mode);
	snprintf(g->what, sizeof g->what, "params or mode");
	if (!err)
		err = wishes_read(d, g);
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "%.256s", target);
	g->start.rings = RINGS;
	g->start.read_only = mode[0] != 'w';
	err = image_open(&image, target, g->start.read_only, g->start.sector_bytes, mark(d));
	if (err)
		return err;
	if (image.busy) {
		close(image.fd);
		return -EAGAIN;
	}
	g->start.sectors = image.sectors;
	g->start.sector_bytes = image.sector_bytes;
	g->fd[LINK_FD_RECORDS - LINK_FD_OWN] = d->file;
	g->fd[LINK_FD_DISK - LINK_FD_OWN] = g->spare = image.fd;
	g->fds = 2;
	return 0;
}

static bool image_used(const struct device *d)
{
	char target[XENSTORE_PAYLOAD_MAX + 1];
	struct image image;

	if (device_read(d, "params", target, sizeof target) || image_open(&image, target, true, 0, mark(d)))
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
