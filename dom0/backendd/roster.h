/* Which devices there are: the directories below DEVICES_DIR in the store. */
#pragma once
#include "dom0/backendd/device.h"

#define DEVICES_DIR "/local/domain/0/user-backend"

struct roster {
	struct device_host host;
	struct device *devices;
	bool cleared;		/* no file is left of a device that went before we came */
};

/* Watch the store, whose devices are then served. */
int roster_start(struct roster *r) MUST_CHECK;
/* Take what the store has to say. True: something was done, look again before a wait. */
bool roster_look(struct roster *r);
