/* A console device's front end, whole: a ring of con_ring.c, connected through the store as Linux's hvc_xen does it for
 * the consoles beside the initial one, whose page and port a guest is given at its start: that is a con_ring alone. */
#pragma once
#include "pvdrivers/con_ring.h"
#include "pvdrivers/device.h"

struct vcon_front {
	struct pv_device device;
	/* Set by the user: the console can be used, or cannot any more, see v->usable; there may be input, or room. */
	void (*changed)(struct vcon_front *v);
	void (*ready)(struct vcon_front *v);
	bool usable;
	struct con_ring ring;
	struct xencons_interface *page;	/* NULL: no ring */
	grant_ref_t ref;		/* 0: none */
	uint32_t port;			/* 0: none */
};

/* Drive the device whose directory is @path. Errors of pv_device_open(). */
int vcon_front_open(struct vcon_front *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* Take at most @size bytes of input: how many; 0: none, ready() is called when there are; -ENXIO: the console cannot be
 * used; -EBADMSG: not any more. */
int vcon_front_read(struct vcon_front *v, char *buf, uint32_t size) PV_MUST_CHECK;
/* Print @size bytes: how many; less than all: there is no more room, ready() is called when there is. Errors as above. */
int vcon_front_write(struct vcon_front *v, const char *buf, uint32_t size) PV_MUST_CHECK;
/* Ask the back end to part. It still reads what was printed. */
void vcon_front_part(struct vcon_front *v);
/* Stop, the states in the store as they are. -EBUSY: the back end still maps the page; call again later. */
int vcon_front_close(struct vcon_front *v) PV_MUST_CHECK;
