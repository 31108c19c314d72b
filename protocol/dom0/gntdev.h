/* /dev/xen/gntdev: grants of other domains mapped into dom0's processes.
 * Spec: Linux, xen/gntdev.h. */
#pragma once
#include <stdint.h>
#include "protocol/grant_table.h"

struct ioctl_gntdev_grant_ref {
	uint32_t domid;
	uint32_t ref;
};

/* Reserves; mmap at offset index maps. More refs than one follow in place. */
struct ioctl_gntdev_map_grant_ref {
	uint32_t count;
	uint32_t pad;
	uint64_t index;			/* out */
	struct ioctl_gntdev_grant_ref refs[1];
};

struct ioctl_gntdev_unmap_grant_ref {
	uint64_t index;
	uint32_t count;
	uint32_t pad;
};

struct ioctl_gntdev_get_offset_for_vaddr {
	uint64_t vaddr;
	uint64_t offset;		/* out */
	uint32_t count;			/* out */
	uint32_t pad;
};

struct ioctl_gntdev_set_max_grants {
	uint32_t count;
};

/* What happens when the byte at index is unmapped, also by the death of the process. */
struct ioctl_gntdev_unmap_notify {
	uint64_t index;
	uint32_t action;		/* UNMAP_NOTIFY_* */
	uint32_t event_channel_port;
};
#define UNMAP_NOTIFY_CLEAR_BYTE		0x1
#define UNMAP_NOTIFY_SEND_EVENT		0x2

struct gntdev_grant_copy_segment {
	union {
		uint64_t virt;		/* address in this process */
		struct {
			grant_ref_t ref;
			uint16_t offset;
			domid_t domid;
		} foreign;
	} source, dest;
	uint16_t len;
	uint16_t flags;			/* GNTCOPY_* */
	int16_t status;			/* out: GNTST_* */
};

struct ioctl_gntdev_grant_copy {
	uint32_t count;
	uint64_t segments;		/* address of gntdev_grant_copy_segment[count] */
};

#define IOCTL_GNTDEV_MAP_GRANT_REF		0x00184700ul
#define IOCTL_GNTDEV_UNMAP_GRANT_REF		0x00104701ul
#define IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR	0x00184702ul
#define IOCTL_GNTDEV_SET_MAX_GRANTS		0x00044703ul
#define IOCTL_GNTDEV_SET_UNMAP_NOTIFY		0x00104707ul
#define IOCTL_GNTDEV_GRANT_COPY			0x00104708ul
