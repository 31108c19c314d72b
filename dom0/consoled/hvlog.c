/* The hypervisor's log. The index runs with the ring, so a successor continues where we were. */
#include "dom0/consoled/hvlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/sysctl.h"

#define HVLOG_BYTES (4u << 20)
#define ROUNDS_MAX 64

int hvlog_open(struct hvlog *h, struct privcmd *p, int log_dir, int index_fd)
{
	char text[16] = "";

	*h = (struct hvlog){ .hypercalls = p, .index_fd = index_fd };
	if (index_fd >= 0 && pread(index_fd, text, sizeof text - 1, 0) > 0)
		h->index = (uint32_t)strtoul(text, NULL, 10);
	return logfile_open(&h->file, log_dir, "hypervisor", HVLOG_BYTES);
}

static void index_keep(struct hvlog *h)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%010u\n", h->index);

	if (h->index_fd >= 0 && pwrite(h->index_fd, text, (size_t)n, 0) != n)
		log_debug("the hypervisor log's index is not kept");
}

void hvlog_read(struct hvlog *h)
{
	char buf[4096];

	for (int i = 0; i < ROUNDS_MAX; i++) {
		uint32_t len = sizeof buf;
		int err = sysctl_readconsole(h->hypercalls, buf, &len, 0, 1, &h->index);

		if (err || len == 0)
			break;
		logfile_write(&h->file, buf, len);
		index_keep(h);
	}
}
