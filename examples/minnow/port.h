/* The split drivers' port for this kernel: what pvdrivers/os.h asks for, of one vCPU that handles no event but while it
 * sleeps. A front end maps nothing of others: there are no map(), unmap() and copy().
 *
 * Memory is in whole pages, which are never granted twice at a time. */
#pragma once
#include "examples/minnow/pages.h"
#include "examples/minnow/xs.h"
#include "examples/pv/grant.h"
#include "pvdrivers/os.h"

#define PORT_EVENTS 8u
/* The first references are kept for tools. */
#define PORT_GRANT_FIRST 8u

struct port_event {
	uint32_t port;			/* 0: none */
	unsigned int seen;		/* events that were called back for */
	pv_callback *fn;
	void *arg;
};

struct port {
	struct pv_os os;
	struct pages pages;
	struct xs xs;
	uint16_t grant_next[GRANT_COUNT];	/* of a free reference: the next one; 0: none */
	uint16_t grant_free;
	struct port_event event[PORT_EVENTS];
	uint64_t log_start_ns;		/* of the interval whose lines are counted */
	unsigned int logged;
};

/* Take the domain's memory, grant table, store ring and timer. kernel_fatal() if one is not there. */
void port_open(struct port *p);
/* Call back for everything that has happened. */
void port_run(struct port *p);
/* Sleep until something happens or it is @deadline_ns, UINT64_MAX being never; not at all if something has. */
void port_sleep(struct port *p, uint64_t deadline_ns);
