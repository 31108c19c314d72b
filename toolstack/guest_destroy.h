/* The end of a guest by force. */
#pragma once
#include "toolstack/host.h"

/* End @domid at once and wait until its disks, interfaces and memory are free. Returns 0, -Exxx. */
int guest_destroy(struct host *h, uint16_t domid);
