/* Where an NBD server is and what of it is a disk, as disks' entries and the store have it. Pure.
 *
 *   nbd://ADDRESS[:PORT][/EXPORT]         a server that can be reached by TCP; IPv6 in brackets
 *   nbd+unix:///[EXPORT]?socket=PATH      one of this machine
 *   nbd+exec:COMMAND                      one that is started for this disk
 *
 * Spec: NBD URI specification; %HH stands for a byte in EXPORT and PATH. The last is our own. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

#define NBD_EXPORT	256	/* bytes of a name, with its NUL */
#define NBD_PLACE	512

enum nbd_way { NBD_TCP, NBD_UNIX, NBD_EXEC };

struct nbd_uri {
	enum nbd_way way;
	char place[NBD_PLACE];	/* an address, a path, a command */
	uint16_t port;		/* of NBD_TCP */
	char export[NBD_EXPORT];
};

/* Whether @text is meant to be one. */
bool nbd_uri_is(const char *text);
/* Read hostile @text. -EINVAL: it is none, *what says why in a few words. */
int nbd_uri_parse(struct nbd_uri *u, const char *text, const char **what) MUST_CHECK;
