/* One end of a split device in the store: looks at both states, does what xenbus_step() says, writes its own. */
#pragma once
#include "pvdrivers/store.h"
#include "pvdrivers/xenbus.h"

struct pv_device {
	struct pv_os *os;
	enum xenbus_end end;
	domid_t peer;
	char path[PV_PATH_MAX], other[PV_PATH_MAX];	/* directories of this end and of the other */
	/* Do @action, WAIT and NEXT included: 0; -EAGAIN: it takes time, pv_device_step() is to be called again; another
	 * error: the device is closed. Of WAIT, DRAIN, DISCONNECT and REMOVE only the first two. */
	int (*act)(struct pv_device *d, enum xenbus_action action);
	bool advertised;		/* a back end: the device has left Initialising, in which only another one can be */
	bool started;			/* a predecessor's connection, if any, was taken over */
	bool failed;			/* a back end: it is Closed when all is let go of, whatever its front end says */
	bool gone;			/* removed: nothing is done any more */
};

/* Drive the device whose directory is @path, with d->os, d->end and d->act set, from its present state. The other end's
 * directory and domain are the nodes that its creator wrote. -EINVAL: they are not there; -ENOSPC: no watch. */
int pv_device_open(struct pv_device *d, const char *path) PV_MUST_CHECK;
/* Do what is due: called by watches of both states, and by a driver for which something has ended. */
void pv_device_step(struct pv_device *d);
/* Say whether the own state is Connected. If not, the directory may be gone, and a write would make it again. */
bool pv_device_connected(struct pv_device *d) PV_MUST_CHECK;
/* Write the state Connected again, if it is so: the other end looks at what has changed. */
void pv_device_touch(struct pv_device *d);
/* A front end: ask the other end to part, if this one is @usable, and do what is due. */
void pv_device_part(struct pv_device *d, bool usable);
/* Close for an error of the driver's, and log @why, with @err if it is not 0: let go of what is shared; a
 * front end asks the other end to part, a back end says Closed, as what it was asked is not answered any more. */
void pv_device_fail(struct pv_device *d, const char *why, int err);
/* Log one line: the device, @what in at most 80 bytes, and @err if it is not 0. */
void pv_device_log(struct pv_device *d, const char *what, int err);
/* Stop driving the device, whose states stay as they are. */
void pv_device_close(struct pv_device *d);
