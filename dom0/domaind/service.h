/* domaind's Unix socket: text lines from root's tools.
 *
 *   wait DOMID TIMEOUT_MS    answers "gone" once nothing of DOMID is left, or "timeout"
 *   actions                  answers a line "DOMID ACTION running|waiting" each, then "end"
 *
 * Anything else answers "error WHAT". Peers other than root are turned away. */
#pragma once
#include "dom0/domaind/deaths.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"

struct client;

struct service {
	struct loop *loop;
	struct deaths *deaths;
	struct loop_source source;
	struct client *clients;
	unsigned int count;
};

/* Bind @path, for root only. */
int service_open(struct service *v, struct loop *loop, struct deaths *d,
		 const char *path) MUST_CHECK;
/* Something changed: answer who waits for it. */
void service_update(struct service *v);
