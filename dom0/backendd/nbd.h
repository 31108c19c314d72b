/* A disk's way to an NBD server: a connected socket for each process, and the server itself if it is ours.
 *
 * A server does what it was asked after who asked has died. One of ours is ended with the process, and waited for: nothing of
 * it is done then. We have no part in its connection: qemu-nbd would not end as long as somebody has it and does not read.
 * Of another all that can be seen is that it closes its end of the connection, which is waited for: it holds what it
 * promises by that, or not. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/nbd_uri.h"

struct nbd {
	int socket;		/* of the process's connection, too, to a server of someone else's; -1: none */
	pid_t server;		/* started for it; 0: none */
	uint64_t asked_ns;	/* when the server was asked to end last; 0: its process lives */
	bool missed;		/* the server was not there when it was looked for last */
};

/* Connect to the server, starting it if it is to be started, by way of a socket at @path and with @mark kept open there.
 * Returns a descriptor for the process, which may still be being connected; -Exxx: nothing is left. nbd_is_over() held. */
int nbd_connect(struct nbd *n, const struct nbd_uri *u, const char *path, int mark) MUST_CHECK;
/* The process has ended, at @now_ns. */
void nbd_part(struct nbd *n, uint64_t now_ns);
/* Whether the server has done all that it ever will: there is neither connection nor server any more. A server of
 * ours that does not end is waited for, for ever: killed, it might lose what was written. */
bool nbd_is_over(struct nbd *n, uint64_t now_ns) MUST_CHECK;
/* Let go of all, without waiting: a server that is still there has served nobody yet, and is killed. */
void nbd_forget(struct nbd *n);
