/* The split drivers' port for a process of dom0: what pvdrivers/os.h asks for, over the descriptors of link.h.
 *
 * A back end shares nothing of its own: grant() and grant_end() are -ENOSYS. copy() ends a process whose sandbox does not
 * let it copy. The process is one thread. Callbacks come from port_run() alone. That backendd is gone ends the process,
 * which can do nothing without it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/backend/link.h"
#include "dom0/lib/evtchn.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/log.h"
#include "pvdrivers/os.h"

#define PORT_EVENTS_MAX 32u

struct port_event {
	uint32_t port;			/* 0: none */
	bool pending;
	pv_callback *fn;
	void *arg;
};

struct port_watch {
	char path[PV_PATH_MAX];		/* "": none */
	bool pending;
	pv_callback *fn;
	void *arg;
};

struct port {
	struct pv_os os;
	int socket;
	struct gntdev grants;
	struct evtchn events;
	bool kept;			/* something waits for port_run(), without a descriptor that says so */
	struct port_event event[PORT_EVENTS_MAX];
	struct port_watch watch[LINK_WATCHES_MAX];
	struct log_limit limit;		/* of lines that a guest can cause */
	struct link_message message;	/* being received */
};

/* Set up @p over the descriptors LINK_FD_*. */
void port_open(struct port *p);
/* Tell backendd why the device cannot be served: the process ends. */
NORETURN void port_refuse(struct port *p, const char *why);
/* Take what the socket holds, if it @said something, and events, if any @fired, and call back for all that is there. To be
 * called when one of the descriptors can be read, and when p->kept. */
void port_run(struct port *p, bool said, bool fired);
