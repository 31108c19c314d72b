/* One entry of `disk = [ ... ]`, in either syntax of xl.cfg:
 *   phy:/dev/x,xvda,w     file:/img,xvda:cdrom,r          (old)
 *   [target[,format[,vdev[,access]]]][,key=value ...]     (new; target= takes the rest of the text)
 * Keys beyond xl's, with backend=user: sector-size, secure-discard, bytes-per-second, operations-per-second,
 * burst.
 * Pure. Only raw images: other formats are an NBD server's matter. Whether the target is a block device or
 * a file is seen when it is opened, so the prefixes phy: and file: say nothing more. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "toolstack/why.h"

struct disk_spec {
	char target[512]; /* absolute path in dom0, or where an NBD server is (dom0/lib/nbd_uri.h) */
	char vdev[16];    /* as written: xvda, sda1, hdc ... */
	uint32_t vdev_nr; /* "virtual-device" and the device's number in the store */
	bool writable;
	bool cdrom;
	bool kernel_backend; /* served by dom0's kernel, else by a process of its own */
	/* Of one that a process serves; 0: as it comes, and no limit. */
	uint32_t sector_bytes; /* 512, 4096 */
	uint64_t bytes_per_second, operations_per_second;
	uint32_t burst_ms; /* not 0 if there is a limit */
	bool secure_discard; /* by overwriting */
};

/* Room for any of them as text. */
#define DISK_SPEC_TEXT (sizeof(struct disk_spec) + 192)

/* Parse hostile @text. Returns 0 and *d, or -EINVAL/-ENOTSUP with @why. */
int disk_spec_parse(struct disk_spec *d, const char *text, struct why *why);

/* The number a PV guest finds disk @name by; Spec: xen vbd interface, "virtual-device".
 * Returns 0 and *nr, or -EINVAL. */
int disk_vdev_number(const char *name, uint32_t *nr);

/* Write @d in the new syntax, such that parsing gives @d again. Returns 0, -ENOSPC. */
int disk_spec_format(const struct disk_spec *d, char *out, size_t size);
