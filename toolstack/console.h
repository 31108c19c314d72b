/* A terminal on a guest's console. */
#pragma once
#include "toolstack/host.h"

/* Attach stdin and stdout to console @number of @domid, for which is waited if it is not there yet, until Ctrl-] is typed, stdin
 * ends, a signal comes, or the guest is gone; if @follow, until no guest of its name comes after it. A consoled that dies is
 * waited for. What happens is told on c->err. Returns EXIT_DONE; EXIT_FAILED or EXIT_TIMEOUT with c->why. */
enum exit_code console_attach(struct cli *c, struct host *h, uint16_t domid, uint32_t number, bool follow);
