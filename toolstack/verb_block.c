/* bothy block-attach, block-detach: disks of a guest that runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/domain/disk_plug.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"
#include "toolstack/wait.h"

static enum exit_code attach(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	int rc;

	wait_catch_signals();
	rc = disk_plug(h, c->places, d->domain, arg, &c->why);
	return rc < 0 ? cli_exit_of(rc) : cli_done(c, d->domain);
}

/* The entry may come as several operands, as xl has it. */
static int parse(struct cli *c, struct disk_spec *disk, char **part, int count)
{
	char text[DISK_SPEC_TEXT] = "";
	size_t length = 0;

	for (int i = 0; i < count; i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? "," : "", part[i]);
		if (length >= sizeof(text))
			return why_set(&c->why, -EINVAL, "the disk's entry is too long");
	}
	return disk_spec_parse(disk, text, &c->why);
}

enum exit_code verb_block_attach(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);
	struct disk_spec disk;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 16))
		return EXIT_USAGE;
	if (parse(c, &disk, argv + 1, count - 1) < 0)
		return EXIT_USAGE;
	return host_guest_run(c, true, argv[0], attach, &disk);
}

struct detachment {
	uint32_t vdev_nr;
	bool force;
};

static enum exit_code detach(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct detachment *t = arg;
	int rc;

	wait_catch_signals();
	rc = disk_unplug(h, c->places, d->domain, t->vdev_nr, t->force, &c->why);
	if (rc == 0)
		return cli_done(c, d->domain);
	return rc == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

enum exit_code verb_block_detach(struct cli *c, int argc, char **argv)
{
	struct detachment t = {0};
	const struct cli_option options[] = {{0, "force", &t.force, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);
	unsigned long number;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 2))
		return EXIT_USAGE;
	if (disk_vdev_number(argv[1], &t.vdev_nr) < 0) {
		if (!cli_number(c, "disk", argv[1], 0, UINT32_MAX, &number))
			return EXIT_USAGE;
		t.vdev_nr = (uint32_t)number;
	}
	return host_guest_run(c, true, argv[0], detach, &t);
}
