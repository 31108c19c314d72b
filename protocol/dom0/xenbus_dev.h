/* /dev/xen/xenbus_backend, by which a store daemon meets dom0's kernel: ioctl EVTCHN returns the
 * kernel's port, mmap of one page gives the ring. Spec: Linux, xen/xenbus_dev.h. */
#pragma once
#include <stdint.h>

#define IOCTL_XENBUS_BACKEND_EVTCHN	0x00004200u	/* no argument */
#define IOCTL_XENBUS_BACKEND_SETUP	0x00004201u	/* arg: domid; only before first contact */
