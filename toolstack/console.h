/* A terminal on a guest's console. */
#pragma once
#include "toolstack/host.h"

/* Attach stdin and stdout to the console of @domid until Ctrl-] is typed, stdin ends or the guest is gone.
 * @wait_ms: how long to wait for the console to be there. Returns EXIT_DONE; EXIT_FAILED with c->why. */
enum exit_code console_attach(struct cli *c, struct host *h, uint16_t domid, unsigned int wait_ms);
