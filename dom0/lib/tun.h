/* Tap devices: interfaces of dom0 whose packets a process reads and writes, behind a struct virtio_net_hdr each.
 * Spec: Linux Documentation/networking/tuntap.rst, include/uapi/linux/if_tun.h. */
#pragma once
#include <stdbool.h>
#include "dom0/lib/attr.h"

/* Make the tap device @name, which stays until interface_remove(), with @queues queues, >= 1, that are not to be waited
 * for; or, if not @fresh, open one that may be there. -EBUSY: there is one, or others have it open; -EINVAL: an
 * interface of another kind has the name, or it was made for one queue only, or for several; -Exxx. Then nothing is
 * open, nor made. */
int tun_open(const char *name, unsigned int queues, bool fresh, int fd[]) MUST_CHECK;
