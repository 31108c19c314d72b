/* The store nodes of a new guest, by the conventions its kernel and the back ends follow.
 *
 *   /local/domain/D         home: the guest reads, only parts below it are the guest's own to write
 *   /local/domain/0/{backend,user-backend}/{vbd,vif}/D/I    (dom0/lib/backends.h)
 *   /vm/UUID
 *   /bothy/domain/D         dom0 only: what to do when it ends, and where its configuration is kept
 * Spec: Linux's xenbus, blkfront and netfront; permissions: first entry owner and others' default. */
#pragma once
#include <stdint.h>

#include "dom0/lib/store_client.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/domain/guest_build.h"

/* What a disk became when it was opened. */
struct disk_device {
	uint32_t major, minor; /* of the block device that the kernel's back end is to open */
};

struct guest_tree {
	uint16_t domid;
	const struct guest_cfg *guest; /* uuid and every MAC are set */
	const struct guest_rings *rings;
	const struct disk_device *disks; /* one per guest->disks[] */
	const char *config_path;         /* where the configuration is kept */
	uint64_t start_time;             /* seconds since 1970 */
};

/* Write it all in one transaction: a device's two halves must appear at once, each with its state.
 * Returns 0 or the store's error, with nothing written. */
int guest_tree_write(struct store *s, const struct guest_tree *t);

/* Write disk @d of a guest that is there, in one transaction; what is left of another one's front end is removed.
 * Returns 0; -EEXIST: it has one of that number; the store's error. */
int guest_tree_add_disk(
	struct store *s, uint16_t domid, const struct disk_spec *d, const struct disk_device *device);

enum { STORE_PATH_SIZE = 192 };
/* "/local/domain/0/backend/vif/D/I"; @kind: BACKENDS_KERNEL, BACKENDS_USER. */
void backend_path(
	char out[STORE_PATH_SIZE], const char *kind, const char *type, uint16_t domid, uint32_t device);
/* Which of them serves @d, or @v. */
const char *disk_backend_kind(const struct disk_spec *d);
const char *vif_backend_kind(const struct vif_spec *v);
