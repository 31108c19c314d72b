/* Consoles of a guest's beside its first: devices of the xenbus, whose front ends are device/console/N of the guest.
 *
 * The back end's directory is made by the toolstack, before the guest looks for devices. Of the front end's directory,
 * which is the guest's, `state`, `ring-ref` and `port` are read, and believed as far as the hypervisor agrees. The pty's name
 * goes to `tty` in the back end's. The directory goes when the device is offline and no longer attached.
 * Spec: Linux drivers/tty/hvc/hvc_xen.c is the other end; io/console.h the ring. */
#pragma once
#include "dom0/consoled/roster.h"

#define SECONDARIES_DIR "/local/domain/0/user-backend/console"

/* Watch for such devices. */
int secondaries_start(struct roster *r) MUST_CHECK;
/* Take an event of the store. False: it is none of these. */
bool secondaries_event(struct roster *r, const struct store_event *ev) MUST_CHECK;
/* Do what events have told of; and, if guests @came, connect consoles that waited for them. */
void secondaries_serve(struct roster *r, bool came);
